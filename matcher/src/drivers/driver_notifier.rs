//! Delivers notifications to drivers, in a task next to the markets: no market waits for a driver's connection.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use futures::stream::{FuturesUnordered, StreamExt};
use kerb_ports::DriverNotification;
use kerb_trips::TripState;
use kerb_types::DriverId;
use tokio::sync::Semaphore;

use crate::drivers::ingest_nodes::IngestNodes;
use crate::drivers::outbox::NotificationOutbox;
use crate::mailbox::{MarketCommand, MarketHandles};
use crate::metrics::Metrics;

/// Maximum number of concurrent deliveries.
const DELIVERIES_MAX: usize = 256;

/// Delivers the notifications of the outbox.
pub(crate) struct DriverNotifier {
    pub(crate) outbox: Arc<NotificationOutbox>,
    pub(crate) ingest_nodes: IngestNodes,
    pub(crate) markets: MarketHandles,
    pub(crate) metrics: Arc<Metrics>,
}

impl DriverNotifier {
    /// Runs until the task is aborted.
    pub(crate) async fn run(self) {
        let permits = Semaphore::new(DELIVERIES_MAX);
        let mut deliveries = FuturesUnordered::new();
        // The drivers with a delivery in progress, each with the next notification: a driver never has two deliveries at
        // once, or an older one could arrive last.
        let mut busy: HashMap<DriverId, Option<DriverNotification>, RandomState> = HashMap::default();
        loop {
            let delivered: Option<DriverId> = tokio::select! {
                // A fixed order keeps runs under virtual time equal.
                biased;
                () = self.outbox.added() => None,
                Some(driver) = deliveries.next() => Some(driver),
            };
            let mut notifications = self.outbox.take_all();
            if let Some(driver) = delivered
                && let Some(Some(next)) = busy.remove(&driver)
            {
                // The outbox may have a newer one.
                notifications.entry(driver).or_insert(next);
            }
            for (driver, notification) in notifications {
                if let Some(next) = busy.get_mut(&driver) {
                    *next = Some(notification);
                } else {
                    busy.insert(driver.clone(), None);
                    deliveries.push(self.deliver(&permits, driver, notification));
                }
            }
        }
    }

    /// Delivers a notification. An offer that reaches no stream of the driver is returned to its market.
    async fn deliver(
        &self,
        permits: &Semaphore,
        driver: DriverId,
        notification: DriverNotification,
    ) -> DriverId {
        let _permit = permits.acquire().await.expect("the semaphore is never closed");
        if self.ingest_nodes.notify(&driver, &notification).await {
            self.metrics.notifications_delivered.increment();
            return driver;
        }
        self.metrics.notifications_undeliverable.increment();
        if let DriverNotification::Assignment(assignment) = notification
            && assignment.state == TripState::Offered
            && let Some(market) = self.markets.get(&assignment.trip.market)
        {
            let (offered_to, trip) = (driver.clone(), assignment.trip);
            let returned = market
                .execute(|reply| MarketCommand::OfferUndeliverable { driver: offered_to, trip, reply })
                .await;
            if let Err(error) = returned {
                tracing::debug!(%driver, %error, "an undeliverable offer was not returned: it will expire");
            }
        }
        driver
    }
}
