//! The conformance suite of [`DriverChannel`].
//!
//! [`driver_channel_conformance!`](crate::driver_channel_conformance) declares one test per case. A case receives a new
//! ingest node and a [`StreamOpener`] that opens driver streams at the node.

use std::sync::Arc;

use futures::future::BoxFuture;
use kerb_geometry::LatLng;

use crate::{DriverChannel, DriverLocation, DriverNotification, TripAssignment};
use kerb_trips::{TripId, TripState};
use kerb_types::{DriverId, Timestamp, TravelSource};

/// Opens driver streams at the node under test.
pub trait StreamOpener: Send + Sync {
    /// Opens and registers a stream of `driver`. Dropping the stream closes it.
    fn open(&self, driver: DriverId) -> BoxFuture<'_, Box<dyn DriverStream>>;
}

/// An open stream of a driver.
pub trait DriverStream: Send {
    /// Reports a position. It resolves when the position is in the node's table, and returns the time of measurement.
    fn report(&mut self, position: LatLng) -> BoxFuture<'_, i64>;

    /// Returns the next notification about a trip.
    fn next_notification(&mut self) -> BoxFuture<'_, DriverNotification>;
}

type Channel = Arc<dyn DriverChannel>;

/// Declares a `#[tokio::test]` for every case. `$node` is an async function that returns
/// `(Arc<dyn DriverChannel>, impl StreamOpener)`.
#[macro_export]
macro_rules! driver_channel_conformance {
    ($node:path) => {
        $crate::driver_channel_conformance! { @cases $node;
            a_driver_without_a_stream_is_not_notified, notifications_reach_their_driver_in_order,
            locations_follow_the_order_of_the_query, a_closed_stream_receives_nothing,
        }
    };
    (@cases $node:path; $($case:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $case() {
            let (node, opener) = $node().await;
            $crate::conformance::driver_channel::$case(node, &opener).await;
        }
    )+};
}

fn id(name: &str) -> DriverId {
    DriverId::new(name).unwrap()
}

fn pickup() -> LatLng {
    LatLng::new(50.0, 8.0).unwrap()
}

fn offer(trip: &str) -> DriverNotification {
    let trip: TripId = trip.parse().unwrap();
    DriverNotification::Assignment(Box::new(TripAssignment {
        trip,
        state: TripState::Offered,
        pickup: pickup(),
        dropoff: LatLng::new(-50.0, 180.0).unwrap(),
        pickup_eta_s: 61,
        travel_source: Some(TravelSource::Roads),
        expires_ms: Timestamp::from_millis(15_000),
        party_size: 2,
    }))
}

/// `notify` returns false for a driver that the node does not know.
pub async fn a_driver_without_a_stream_is_not_notified(node: Channel, _opener: &dyn StreamOpener) {
    assert_eq!(node.notify(id("nobody"), offer("world-1")).await, Ok(false));
}

/// A notification reaches its driver and no other, in the order of the calls.
pub async fn notifications_reach_their_driver_in_order(node: Channel, opener: &dyn StreamOpener) {
    let (mut one, mut two) = (opener.open(id("one")).await, opener.open(id("two")).await);
    let ended = DriverNotification::Ended {
        trip: "world-1".parse().unwrap(),
        state: TripState::Cancelled,
        reason: "cancelled by rider".to_owned(),
    };
    for notification in [offer("world-1"), ended] {
        assert_eq!(node.notify(id("one"), notification.clone()).await, Ok(true));
        assert_eq!(one.next_notification().await, notification);
    }
    assert_eq!(node.notify(id("two"), offer("world-2")).await, Ok(true));
    assert_eq!(two.next_notification().await, offer("world-2"));
}

/// `locations` returns one entry per driver in the order of the query, with `None` for a driver that the node does not know.
pub async fn locations_follow_the_order_of_the_query(node: Channel, opener: &dyn StreamOpener) {
    let (mut one, _two) = (opener.open(id("one")).await, opener.open(id("two")).await);
    let time_ms = one.report(pickup()).await;
    let locations = node.locations(vec![id("two"), id("nobody"), id("one"), id("two")]).await.unwrap();
    let two = Some(DriverLocation { connected: true, position: None });
    let one =
        Some(DriverLocation { connected: true, position: Some((pickup(), Timestamp::from_millis(time_ms))) });
    assert_eq!(locations, [two, None, one, two]);
    assert_eq!(node.locations(vec![]).await, Ok(vec![]));
}

/// After the stream has closed, the driver keeps its last position and receives no notification.
pub async fn a_closed_stream_receives_nothing(node: Channel, opener: &dyn StreamOpener) {
    let mut one = opener.open(id("one")).await;
    one.report(pickup()).await;
    drop(one);
    let locations = async || node.locations(vec![id("one")]).await.unwrap()[0].unwrap();
    while locations().await.connected {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.notify(id("one"), offer("world-1")).await, Ok(false));
    assert!(locations().await.position.is_some());
}
