//! The handle by which callers in this process use an ingest node.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::ready;
use kerb_ports::{
    DriverChannel, DriverChannelError, DriverLocation, DriverLookup, DriverLookupError, DriverNotification,
    PortFuture,
};
use kerb_proto::v1::Register;
use kerb_types::{DriverId, KnownDriver};

use crate::error::IngestError;
use crate::metrics::Metrics;
use crate::stream::fleet_stream::FleetStream;
use crate::stream::local_driver_stream::LocalDriverStream;
use crate::stream::offer_return::return_open_offer;
use crate::stream::outbox::OutboxStream;
use crate::stream::stream_context::StreamContext;
use crate::table::DriverTable;

/// A handle of a running ingest node. Cheap to clone; all clones share one node. It implements the ports through which the
/// other roles reach the node.
#[derive(Clone)]
pub struct IngestHandle(pub(crate) Arc<StreamContext>);

impl IngestHandle {
    /// Opens the stream of a gateway in this process.
    pub fn gateway(&self) -> FleetStream {
        FleetStream::new(self.0.clone())
    }

    /// Opens the stream of a driver in this process. Returns its sending half and its messages. Requires a tokio runtime.
    ///
    /// [`IngestError::Invalid`]: a field of the registration is invalid. [`IngestError::Overloaded`]: the table is full.
    pub fn connect_local(
        &self,
        register: &Register,
    ) -> Result<(LocalDriverStream, OutboxStream), IngestError> {
        LocalDriverStream::open(self.0.clone(), register)
    }

    /// Returns the node's counters and gauges.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Returns the driver table.
    pub fn table(&self) -> &DriverTable {
        &self.0.table
    }
}

impl DriverLookup for IngestHandle {
    fn lookup(&self, id: DriverId) -> PortFuture<'_, Option<KnownDriver>, DriverLookupError> {
        ready(Ok(self.0.known_driver(&id))).boxed()
    }
}

impl DriverChannel for IngestHandle {
    fn notify(
        &self,
        driver: DriverId,
        notification: DriverNotification,
    ) -> PortFuture<'_, bool, DriverChannelError> {
        let Some(slot) = self.0.table.slot(&driver) else { return ready(Ok(false)).boxed() };
        let outbox = self.0.open_streams.outbox(slot);
        let delivered = outbox.is_some_and(|outbox| outbox.notify(&notification));
        // An undelivered offer goes back. A trip of a driver without a stream still ends.
        if delivered || matches!(notification, DriverNotification::Ended { .. }) {
            self.0.reserved.notified(slot, &notification, self.0.clock.now());
            // The driver may have gone offline after the search that found it.
            return_open_offer(&self.0, slot);
        }
        ready(Ok(delivered)).boxed()
    }

    fn locations(
        &self,
        drivers: Vec<DriverId>,
    ) -> PortFuture<'_, Vec<Option<DriverLocation>>, DriverChannelError> {
        let location = |id: &DriverId| {
            let driver = self.0.known_driver(id)?;
            let position = driver.position.map(|known| (known.position, known.update_version.time));
            Some(DriverLocation { connected: driver.connected, position })
        };
        ready(Ok(drivers.iter().map(location).collect())).boxed()
    }
}
