//! Tests of trips: the state machine against tables written by hand, ids, the serialized form, and the audit of journals.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod audit;
mod ids;
mod machine;
mod serialized;
mod table;

use kerb_geometry::LatLng;
use kerb_trips::{
    CancelledBy, EventKind, IdempotencyKey, MarketId, Receipt, ReturnReason, RideRequest, RiderId, Trip,
    TripEvent, TripId, TripState,
};
use kerb_types::{Capabilities, DriverId, Millis, Timestamp, TravelSource, VehicleClass};

/// The time of the request in milliseconds since the Unix epoch. Each further event comes a second later.
pub(crate) const START_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) fn driver(name: &str) -> DriverId {
    DriverId::new(name).unwrap()
}

pub(crate) fn trip_id(number: u64) -> TripId {
    TripId { market: MarketId::new("world").unwrap(), number }
}

pub(crate) fn place(number: u32) -> LatLng {
    LatLng::new(52.5 + f64::from(number) * 1e-3, 13.4).unwrap()
}

pub(crate) fn request(number: u64) -> RideRequest {
    RideRequest {
        rider: RiderId::new(&format!("rider-{number}")).unwrap(),
        key: IdempotencyKey::new("evening").unwrap(),
        pickup: place(0),
        dropoff: place(9),
        vehicle_class: VehicleClass(1),
        capabilities: Capabilities(0b10),
        party_size: 2,
        wait_max_ms: Millis::new(300_000),
    }
}

pub(crate) fn offered(name: &str) -> TripEvent {
    TripEvent::Offered {
        driver: driver(name),
        pickup_eta_s: 120,
        travel_source: None,
        expires_ms: START_MS + Millis::new(15_000),
    }
}

pub(crate) fn receipt(name: &str, rider: u64) -> Receipt {
    Receipt {
        rider: request(rider).rider,
        driver: driver(name),
        vehicle_class: VehicleClass(1),
        pickup: place(0),
        dropoff: place(9),
        requested_ms: START_MS,
        accepted_ms: START_MS + Millis::new(1_000),
        arrived_ms: None,
        picked_up_ms: START_MS + Millis::new(2_000),
        dropped_off_ms: START_MS + Millis::new(3_000),
        distance_m: 1_234.5,
        wait_ms: Millis::new(0),
        ride_ms: Millis::new(1_000),
    }
}

fn declined() -> ReturnReason {
    ReturnReason::Declined { reason: "lunch".to_owned() }
}

/// Returns an event of `kind`; a driver's event is one of driver `name`.
pub(crate) fn event(kind: EventKind, name: &str) -> TripEvent {
    let cancelled = |by| TripEvent::Cancelled { by, reason: "changed plans".into() };
    match kind {
        EventKind::Requested => TripEvent::Requested(Box::new(request(2))),
        EventKind::Offered => offered(name),
        EventKind::OfferReturned => TripEvent::OfferReturned { driver: driver(name), why: declined() },
        EventKind::Accepted => TripEvent::Accepted { driver: driver(name) },
        EventKind::ReassignmentOffered => TripEvent::ReassignmentOffered {
            driver: driver(name),
            pickup_eta_s: 60,
            travel_source: TravelSource::Roads,
            expires_ms: START_MS + Millis::new(30_000),
        },
        EventKind::ReassignmentReturned => {
            TripEvent::ReassignmentReturned { driver: driver(name), why: declined() }
        }
        EventKind::Reassigned => TripEvent::Reassigned { driver: driver(name), from: driver("own") },
        EventKind::DriverLost => TripEvent::DriverLost { driver: driver(name) },
        EventKind::Arrived => TripEvent::Arrived { driver: driver(name) },
        EventKind::PickedUp => TripEvent::PickedUp { driver: driver(name), at: Some(place(1)) },
        EventKind::Metered => TripEvent::Metered { distance_m: 10.25, at: place(2) },
        EventKind::DroppedOff => {
            TripEvent::DroppedOff { driver: driver(name), receipt: Box::new(receipt(name, 1)) }
        }
        EventKind::Expired => TripEvent::Expired,
        EventKind::CancelledByRider => cancelled(CancelledBy::Rider),
        EventKind::CancelledByDriver => cancelled(CancelledBy::Driver { driver: driver(name) }),
        EventKind::CancelledByOperator => cancelled(CancelledBy::Operator),
    }
}

/// Returns a trip after these events of driver `own`, a second apart.
pub(crate) fn after(kinds: &[EventKind]) -> Trip {
    let mut trip = Trip::requested(trip_id(17), request(1), START_MS);
    for (kind, at_ms) in kinds.iter().zip((1..).map(|n| START_MS + Millis::from_secs(n))) {
        trip.apply(&event(*kind, "own"), at_ms).unwrap();
    }
    trip
}

/// Returns a trip in `state`, after the fewest events that lead there.
pub(crate) fn trip_in(state: TripState) -> Trip {
    use EventKind as E;
    let ride = [E::Offered, E::Accepted, E::Arrived, E::PickedUp, E::DroppedOff];
    let trip = match state {
        TripState::Requested => after(&[]),
        TripState::Offered => after(&ride[..1]),
        TripState::EnRoute => after(&ride[..2]),
        TripState::Arrived => after(&ride[..3]),
        TripState::OnTrip => after(&ride[..4]),
        TripState::Completed => after(&ride),
        TripState::Expired => after(&[E::Expired]),
        TripState::Cancelled => after(&[E::Offered, E::Accepted, E::CancelledByRider]),
    };
    assert_eq!(trip.state, state);
    trip
}
