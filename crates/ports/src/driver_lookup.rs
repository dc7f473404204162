//! The port from an aggregator to the driver table of an ingest node, and the sum of an ingest node's ports.

use kerb_types::{DriverId, KnownDriver};

use crate::Answer;
use crate::driver_channel::DriverChannel;

/// Aggregator → ingest node: the driver table.
pub trait DriverLookup: Send + Sync {
    /// Returns the driver's entry in the node's table; `None` for a driver that is not in it.
    fn lookup(&self, id: DriverId) -> Answer<'_, Option<KnownDriver>>;
}

/// All ports that an ingest node implements.
pub trait IngestNode: DriverLookup + DriverChannel {}

impl<T: DriverLookup + DriverChannel> IngestNode for T {}
