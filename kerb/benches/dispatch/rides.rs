//! Riders who request rides, and drivers who accept and complete them.

use futures::stream::{StreamExt, iter};
use kerb_geometry::LatLng;
use kerb_matcher::Matcher;
use kerb_ports::{DriverAction, DriverEvents};
use kerb_trips::{IdempotencyKey, RideRequest, RiderId, TripId};
use kerb_types::{Capabilities, Millis, VehicleClass};

use crate::drivers::Offer;
use crate::node::Node;

/// Number of callers that wait for a reply at the same time.
pub(crate) const CALLERS: usize = 512;

/// The actions of a driver from the offer to the end of the trip.
pub(crate) const WHOLE_TRIP: [DriverAction; 4] =
    [DriverAction::Accept, DriverAction::Arrived, DriverAction::PickedUp, DriverAction::DroppedOff];

/// Makes the request of a rider.
pub(crate) fn ride_request(rider: &str, pickup: LatLng, dropoff: LatLng) -> RideRequest {
    RideRequest {
        rider: RiderId::new(rider).unwrap(),
        key: IdempotencyKey::new("ride-of-the-bench").unwrap(),
        pickup,
        dropoff,
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        party_size: 1,
        wait_max_ms: Millis::new(300_000),
    }
}

impl Node {
    /// Makes the request of this rider at random positions.
    pub(crate) fn ride_request(&mut self, rider: &str) -> RideRequest {
        let [pickup, dropoff] = [0, 1].map(|_| self.riders.random(&mut self.rng));
        ride_request(rider, pickup, dropoff)
    }

    /// Sends requests of this many riders at once and returns their trips.
    pub(crate) async fn request_rides(&mut self, round: usize, riders: usize) -> Vec<TripId> {
        let requests: Vec<_> =
            (0..riders).map(|n| self.ride_request(&format!("rider-{round}-{n}"))).collect();
        let matcher = &self.matcher;
        let trips = iter(requests).map(|request| async { matcher.request(request).await.unwrap().id });
        trips.buffer_unordered(CALLERS).collect().await
    }
}

/// Does these actions as the driver of the offer, one after the other.
pub(crate) async fn drive(matcher: &Matcher, offer: &Offer, actions: &[DriverAction]) {
    for action in actions {
        matcher.act(offer.driver.clone(), offer.trip.clone(), action.clone()).await.unwrap();
    }
}
