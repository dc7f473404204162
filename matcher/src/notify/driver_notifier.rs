//! Puts news before drivers, beside the markets: the newest news of a driver speak for all before them, so one waiting
//! place a driver is enough and no market ever waits for a driver's connection.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::quality::RandomState;
use futures::stream::{FuturesUnordered, StreamExt};
use kerb_ports::DriverNotification;
use kerb_trips::TripState;
use kerb_types::DriverId;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use crate::mailbox::MarketHandles;
use crate::notify::ingest_nodes::IngestNodes;

/// Drivers that are told something at one time.
const TELLS_AT_ONCE_MAX: usize = 256;

/// In the order of the drivers, so that who is told first hangs on nothing but who there is to tell.
type News = BTreeMap<DriverId, DriverNotification>;

/// News that wait to be told; a place a driver who is promised to a trip.
#[derive(Default)]
pub(crate) struct NotificationOutbox {
    news: Mutex<News>,
    arrived: Notify,
}

impl NotificationOutbox {
    /// Takes news; older ones of the driver that still wait are void.
    pub(crate) fn put(&self, driver: DriverId, news: DriverNotification) {
        self.news.lock().insert(driver, news);
        self.arrived.notify_one();
    }
}

/// Tells until it is stopped. An offer that reaches nobody goes back to its market.
pub(crate) async fn run(outbox: Arc<NotificationOutbox>, drivers: IngestNodes, desks: MarketHandles) {
    let places = Semaphore::new(TELLS_AT_ONCE_MAX);
    let mut telling = FuturesUnordered::new();
    // Drivers who are being told something, and what they are to be told next: never two news at a time.
    let mut busy: HashMap<DriverId, Option<DriverNotification>, RandomState> = HashMap::default();
    loop {
        let done: Option<DriverId> = tokio::select! {
            biased;
            () = outbox.arrived.notified() => None,
            Some(driver) = telling.next() => Some(driver),
        };
        let mut fresh = std::mem::take(&mut *outbox.news.lock());
        if let Some(driver) = done
            && let Some(Some(next)) = busy.remove(&driver)
        {
            fresh.entry(driver).or_insert(next);
        }
        for (driver, news) in fresh {
            if let Some(next) = busy.get_mut(&driver) {
                *next = Some(news);
            } else {
                busy.insert(driver.clone(), None);
                telling.push(tell(&places, &drivers, &desks, driver, news));
            }
        }
    }
}

async fn tell(
    places: &Semaphore,
    drivers: &IngestNodes,
    desks: &MarketHandles,
    driver: DriverId,
    news: DriverNotification,
) -> DriverId {
    let _place = places.acquire().await.expect("nobody closes it");
    let reached = drivers.tell(&driver, &news).await;
    if let DriverNotification::Assignment(task) = news
        && !reached
        && task.state == TripState::Offered
        && let Some(desk) = desks.get(&task.trip.market)
    {
        let (gone, trip) = (driver.clone(), task.trip);
        let returned = desk.decide(
            move |market, now_ms| {
                market.offer_undeliverable(now_ms, &gone, &trip);
                Ok(())
            },
            |_, ()| Ok(()),
        );
        if let Err(error) = returned.await {
            tracing::debug!(%driver, %error, "an offer that reached nobody runs out by itself");
        }
    }
    driver
}
