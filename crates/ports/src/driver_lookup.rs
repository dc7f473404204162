//! The port from an aggregator to the driver table of an ingest node, and the sum of an ingest node's ports.

use kerb_types::{DriverId, KnownDriver};

use crate::PortFuture;
use crate::driver_channel::DriverChannel;

crate::port_error! {
    /// Why a [`DriverLookup`] failed. An unknown driver is not an error.
    pub enum DriverLookupError {
        /// The ingest node rejects the id.
        Invalid,
        /// The ingest node runs another release: it sent a value that this release does not define.
        Mismatch,
        /// The ingest node did not respond in time.
        DeadlineExceeded,
        /// The ingest node does not respond.
        Unavailable,
        /// The lookup failed by a defect.
        Internal,
    }
}

/// Aggregator → ingest node: the driver table.
pub trait DriverLookup: Send + Sync {
    /// Returns the driver's entry in the node's table; `None` for a driver that is not in it.
    fn lookup(&self, id: DriverId) -> PortFuture<'_, Option<KnownDriver>, DriverLookupError>;
}

/// All ports that an ingest node implements.
pub trait IngestNode: DriverLookup + DriverChannel {}

impl<T: DriverLookup + DriverChannel> IngestNode for T {}
