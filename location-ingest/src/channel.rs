//! What the matcher asks of this node: to put news before a driver, and to say where drivers are.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::ready;
use kerb_ports::{Answer, DriverChannel, DriverLocation, DriverNotification};
use kerb_types::DriverId;

use crate::node::IngestNode;
use crate::outbox::Outbox;

impl DriverChannel for IngestNode {
    fn notify(&self, driver: DriverId, notification: DriverNotification) -> Answer<'_, bool> {
        let told = self.outbox(&driver).is_some_and(|outbox| outbox.news(&notification));
        ready(Ok(told)).boxed()
    }

    fn locations(&self, drivers: Vec<DriverId>) -> Answer<'_, Vec<Option<DriverLocation>>> {
        let found = drivers.iter().map(|id| self.whereabouts_of(id)).collect();
        ready(Ok(found)).boxed()
    }
}

impl IngestNode {
    /// What waits for the app of this driver, while a stream of the driver is open.
    fn outbox(&self, driver: &DriverId) -> Option<Arc<Outbox>> {
        self.open_outbox(self.table.slot(driver)?)
    }

    fn whereabouts_of(&self, id: &DriverId) -> Option<DriverLocation> {
        let driver = self.known(id)?;
        let position = driver.position.map(|known| (known.position, known.update_version.time_ms));
        Some(DriverLocation { connected: driver.connected, position })
    }

    /// Tells the matcher of a driver's new stream, and the driver what the matcher says.
    pub(crate) async fn greet(&self, driver: &DriverId, outbox: &Outbox) {
        if let Some(news) = self.desk.connected(driver).await {
            outbox.first_news(&news);
        }
    }

    /// Tells the matcher that the driver's last stream here has ended.
    pub(crate) async fn part(&self, driver: &DriverId) {
        self.desk.disconnected(driver).await;
        // A stream that was opened meanwhile told so itself, but perhaps before this.
        let Some(newer) = self.outbox(driver) else { return };
        tokio::select! {
            () = self.greet(driver, &newer) => {}
            () = newer.over() => {}
            () = self.stop.cancelled() => {}
        }
    }
}
