//! Connections to drivers: notifications out, positions in, both through the ingest nodes.

mod driver_notifier;
mod driver_tracker;
mod ingest_nodes;
mod outbox;
mod plausible_positions;

pub(crate) use driver_notifier::DriverNotifier;
pub(crate) use driver_tracker::DriverTracker;
pub(crate) use ingest_nodes::IngestNodes;
pub(crate) use outbox::NotificationOutbox;
pub(crate) use plausible_positions::PlausiblePositions;
