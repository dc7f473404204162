//! Driver streams in: validated, ordered, coalesced into a driver table, kept on disk behind the hot path, and
//! sent in batches to the index servers.
//!
//! The core (table, reverse index, link states, rates, tokens, records) is synchronous and pure; streams and links
//! are a thin shell around it. It answers no search.

mod actions;
mod bits;
mod channel;
mod counters;
mod desk;
mod directory;
mod dispatch;
mod elsewhere;
mod entry;
mod error;
mod expiry;
mod fleet_stream;
mod follow;
mod grpc;
mod handover;
mod held;
mod link;
mod name;
mod node;
mod options;
mod outbound;
mod outbox;
mod rate;
mod reverse;
mod seat;
mod service;
mod slab;
mod store;
mod stream;
mod table;
mod token;
mod validate;

pub use counters::{Counter, Counters, CountersSnapshot};
pub use dispatch::{Link, LinkChanges, Links};
pub use entry::State;
pub use error::StartError;
pub use expiry::{EXPIRY_TICK_MS, Expiry};
pub use fleet_stream::{FleetStream, HANDLES_MAX, REFUSALS_NAMED_MAX};
pub use grpc::IngestGrpc;
pub use handover::{HANDOVER_MAX_MS, HANDOVER_MS, Handover, Tick};
pub use link::{FORGETS_MAX, Horizon, LINK_BATCH_ROWS_MAX, LinkState};
pub use options::Options;
pub use outbox::OutboxStream;
pub use rate::{Pace, RateLimit};
pub use seat::DriverSeat;
pub use service::{LocationIngest, Ports};
pub use store::{Loaded, Store, StoreError, Turn};
pub use table::{Applied, DriverTable, Enrolled, Stale};
pub use token::ResumeToken;
