//! Riders who ask and drivers who do as they should.

use futures::stream::{StreamExt, iter};
use kerb_geometry::LatLng;
use kerb_matcher::Matcher;
use kerb_ports::{DriverAction, DriverEvents};
use kerb_trips::{IdempotencyKey, RideRequest, RiderId, TripId};
use kerb_types::{Capabilities, VehicleClass};

use crate::drivers::Offer;
use crate::node::Node;

/// Callers at one time.
pub(crate) const CALLERS: usize = 512;

/// What a driver does with an offer, to the end.
pub(crate) const WHOLE_TRIP: [DriverAction; 4] =
    [DriverAction::Accept, DriverAction::Arrived, DriverAction::PickedUp, DriverAction::DroppedOff];

/// A rider's wish.
pub(crate) fn wish(rider: &str, pickup: LatLng, dropoff: LatLng) -> RideRequest {
    RideRequest {
        rider: RiderId::new(rider).unwrap(),
        key: IdempotencyKey::new("ride-of-the-bench").unwrap(),
        pickup,
        dropoff,
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        party_size: 1,
        wait_max_ms: 300_000,
    }
}

impl Node {
    /// A wish of the rider of this name, anywhere.
    pub(crate) fn wish(&mut self, rider: &str) -> RideRequest {
        let [pickup, dropoff] = [0, 1].map(|_| self.riders.any(&mut self.rng));
        wish(rider, pickup, dropoff)
    }

    /// So many riders ask at once.
    pub(crate) async fn ask(&mut self, round: usize, riders: usize) -> Vec<TripId> {
        let wishes: Vec<_> = (0..riders).map(|n| self.wish(&format!("rider-{round}-{n}"))).collect();
        let matcher = &self.matcher;
        let asked = iter(wishes).map(|wish| async { matcher.request(wish).await.unwrap().id });
        asked.buffer_unordered(CALLERS).collect().await
    }
}

/// A driver does all of this, one after the other.
pub(crate) async fn drive(matcher: &Matcher, offer: &Offer, actions: &[DriverAction]) {
    for action in actions {
        matcher.act(offer.driver.clone(), offer.trip.clone(), action.clone()).await.unwrap();
    }
}
