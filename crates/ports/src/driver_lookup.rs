//! The port from an aggregator to the driver table of an ingest node, and all that an ingest node offers.

use kerb_types::{DriverId, KnownDriver};

use crate::Answer;
use crate::driver_channel::DriverChannel;

/// Aggregator → ingest node: the driver table.
pub trait DriverLookup: Send + Sync {
    /// What the node knows; `None` when it does not know the driver.
    fn lookup(&self, id: DriverId) -> Answer<'_, Option<KnownDriver>>;
}

/// All that an ingest node offers.
pub trait IngestNode: DriverLookup + DriverChannel {}

impl<T: DriverLookup + DriverChannel> IngestNode for T {}
