//! Notifications to drivers, and the ingest nodes that deliver them.

pub(crate) mod driver_notifier;
pub(crate) mod ingest_nodes;
