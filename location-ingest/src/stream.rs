//! Streams of driver apps and gateways: they validate messages, apply positions to the table, and answer.

pub(crate) mod actions;
pub(crate) mod connection_events;
pub(crate) mod dispatch_client;
pub(crate) mod driver_stream;
mod fleet_notices;
pub(crate) mod fleet_stream;
pub(crate) mod local_driver_stream;
pub(crate) mod notices;
pub(crate) mod offer_return;
pub(crate) mod open_streams;
pub(crate) mod outbox;
pub(crate) mod reserved_drivers;
pub(crate) mod stream_context;
pub(crate) mod validate;
