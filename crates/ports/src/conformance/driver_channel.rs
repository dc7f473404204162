//! What every ingest node does as a `DriverChannel`.
//!
//! [`driver_channel_conformance!`](crate::driver_channel_conformance) makes one test of each case. A case gets a fresh
//! node, and apps that open streams at it.

use std::sync::Arc;

use futures::future::BoxFuture;
use kerb_geometry::LatLng;

use crate::{DriverChannel, DriverLocation, DriverNotification, TripAssignment};
use kerb_trips::{TripId, TripState};
use kerb_types::{DriverId, TravelSource};

/// Opens streams of drivers at the node under test.
pub trait Apps: Send + Sync {
    /// A stream that has been welcomed; dropped, it is closed.
    fn open(&self, driver: DriverId) -> BoxFuture<'_, Box<dyn App>>;
}

/// An open stream of a driver.
pub trait App: Send {
    /// Reports a position; resolves when the node has taken it, and answers the time at which it was measured.
    fn report(&mut self, place: LatLng) -> BoxFuture<'_, i64>;

    /// The next news about a trip.
    fn news(&mut self) -> BoxFuture<'_, DriverNotification>;
}

type Channel = Arc<dyn DriverChannel>;

/// Makes a `#[tokio::test]` of every case. `$node` is an async function that answers
/// `(Arc<dyn DriverChannel>, impl Apps)`.
#[macro_export]
macro_rules! driver_channel_conformance {
    ($node:path) => {
        $crate::driver_channel_conformance! { @cases $node;
            nobody_is_told_without_a_stream, news_reach_the_driver_in_order, whereabouts_stand_in_the_order_asked,
            a_closed_stream_is_told_nothing,
        }
    };
    (@cases $node:path; $($case:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $case() {
            let (node, apps) = $node().await;
            $crate::conformance::driver_channel::$case(node, &apps).await;
        }
    )+};
}

fn id(name: &str) -> DriverId {
    DriverId::new(name).unwrap()
}

fn place() -> LatLng {
    LatLng::new(50.0, 8.0).unwrap()
}

fn offer(trip: &str) -> DriverNotification {
    let trip: TripId = trip.parse().unwrap();
    DriverNotification::Assignment(Box::new(TripAssignment {
        trip,
        state: TripState::Offered,
        pickup: place(),
        dropoff: LatLng::new(-50.0, 180.0).unwrap(),
        pickup_eta_s: 61,
        travel_source: Some(TravelSource::Roads),
        expires_ms: 15_000,
        party_size: 2,
    }))
}

/// A driver whom the node never saw is told nothing.
pub async fn nobody_is_told_without_a_stream(node: Channel, _apps: &dyn Apps) {
    assert_eq!(node.notify(id("nobody"), offer("world-1")).await, Ok(false));
}

/// Each news reaches the driver whom it is for, and no other.
pub async fn news_reach_the_driver_in_order(node: Channel, apps: &dyn Apps) {
    let (mut one, mut two) = (apps.open(id("one")).await, apps.open(id("two")).await);
    let why = "cancelled by rider".to_owned();
    let over = DriverNotification::Ended {
        trip: "world-1".parse().unwrap(),
        state: TripState::Cancelled,
        reason: why,
    };
    for news in [offer("world-1"), over] {
        assert_eq!(node.notify(id("one"), news.clone()).await, Ok(true));
        assert_eq!(one.news().await, news);
    }
    assert_eq!(node.notify(id("two"), offer("world-2")).await, Ok(true));
    assert_eq!(two.news().await, offer("world-2"));
}

/// The locations come in the order of the query, with `None` for each driver that the node does not know.
pub async fn whereabouts_stand_in_the_order_asked(node: Channel, apps: &dyn Apps) {
    let (mut one, _two) = (apps.open(id("one")).await, apps.open(id("two")).await);
    let time_ms = one.report(place()).await;
    let found = node.locations(vec![id("two"), id("nobody"), id("one"), id("two")]).await.unwrap();
    let two = Some(DriverLocation { connected: true, position: None });
    let one = Some(DriverLocation { connected: true, position: Some((place(), time_ms)) });
    assert_eq!(found, [two, None, one, two]);
    assert_eq!(node.locations(vec![]).await, Ok(vec![]));
}

/// A driver whose stream was closed keeps the last position and is told nothing.
pub async fn a_closed_stream_is_told_nothing(node: Channel, apps: &dyn Apps) {
    let mut one = apps.open(id("one")).await;
    one.report(place()).await;
    drop(one);
    let locations = async || node.locations(vec![id("one")]).await.unwrap()[0].unwrap();
    while locations().await.connected {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.notify(id("one"), offer("world-1")).await, Ok(false));
    assert!(locations().await.position.is_some());
}
