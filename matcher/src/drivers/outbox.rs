//! The notifications that wait for the driver notifier.

use std::collections::BTreeMap;

use kerb_ports::DriverNotification;
use kerb_types::DriverId;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Notifications by driver. The map is sorted, so that the order of deliveries only depends on its content.
pub(super) type NotificationsByDriver = BTreeMap<DriverId, DriverNotification>;

/// The notifications that wait for the driver notifier. A notification contains the whole state of a driver's trip, so only
/// the newest one of each driver is kept. That bounds the outbox by the number of reserved drivers.
#[derive(Default)]
pub(crate) struct NotificationOutbox {
    notifications: Mutex<NotificationsByDriver>,
    added: Notify,
}

impl NotificationOutbox {
    /// Adds a notification. It replaces an older one of the driver.
    pub(crate) fn put(&self, driver: DriverId, notification: DriverNotification) {
        self.notifications.lock().insert(driver, notification);
        self.added.notify_one();
    }

    /// Resolves when a notification was added.
    pub(super) async fn added(&self) {
        self.added.notified().await;
    }

    /// Removes and returns all notifications.
    pub(super) fn take_all(&self) -> NotificationsByDriver {
        std::mem::take(&mut self.notifications.lock())
    }
}
