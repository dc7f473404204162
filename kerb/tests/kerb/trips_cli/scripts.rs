//! Writes journals like a matcher, and journals with violations that no matcher writes.

use std::path::Path;

use kerb_geometry::LatLng;
use kerb_journal::FjallJournal;
use kerb_ports::TripJournal;
use kerb_trips::{
    CancelledBy, Change, IdempotencyKey, MarketId, Receipt, Record, ReturnReason, RideRequest, RiderId,
    TripEvent, TripId, Version,
};
use kerb_types::{Capabilities, DriverId, Millis, Timestamp, TravelSource, VehicleClass};

/// Time of the first record of every market.
pub(super) const BEGIN_MS: i64 = 1_700_000_000_000;

pub(super) fn market(name: &str) -> MarketId {
    MarketId::new(name).expect("a market's name")
}

fn driver(id: &str) -> DriverId {
    DriverId::new(id).expect("a driver's id")
}

fn at(north: i32) -> LatLng {
    LatLng::from_e7(525_200_000 + north, 134_050_000).expect("in Berlin")
}

/// Makes the change of a trip, whose id is like "world-1".
pub(super) fn trip_change(trip: &str, event: TripEvent) -> Change {
    Change::Trip { trip: trip.parse::<TripId>().expect("a trip's id"), event }
}

pub(super) fn requested(trip: &str, rider: &str) -> Change {
    let request = RideRequest {
        rider: RiderId::new(rider).expect("a rider's id"),
        key: IdempotencyKey::new("first").expect("a key"),
        pickup: at(0),
        dropoff: at(300_000),
        vehicle_class: VehicleClass(1),
        capabilities: Capabilities(0b101),
        party_size: 2,
        wait_max_ms: Millis::new(300_000),
    };
    trip_change(trip, TripEvent::Requested(Box::new(request)))
}

pub(super) fn offered(trip: &str, to: &str) -> Change {
    let event = TripEvent::Offered {
        driver: driver(to),
        pickup_eta_s: 90,
        travel_source: Some(TravelSource::Roads),
        expires_ms: Timestamp::from_millis(BEGIN_MS + 15_000),
    };
    trip_change(trip, event)
}

/// Appends these records, each one second after the previous one.
pub(super) async fn write(folder: &Path, name: &str, records: Vec<Vec<Change>>) {
    let journal = FjallJournal::open(folder).expect("a journal");
    let newest = journal.version(market(name)).await.expect("a version");
    for (version, changes) in (newest.get()..).zip(records) {
        // Versions of a test are small.
        let at_ms = Timestamp::from_millis(BEGIN_MS + 1_000 * version as i64);
        let record = Record { at_ms, matcher: "matcher-a".to_owned(), changes };
        journal.append(market(name), Version::new(version), record).await.expect("it takes the record");
    }
}

/// Writes two markets without violations: a ride from its request to its receipt in `west`; a decline, a cancellation, an
/// expiry and a waiting request in `world`.
pub(super) async fn write_good(folder: &Path) {
    write(folder, "west", ride("west-1", "anna", "cab-1")).await;
    let declined = ReturnReason::Declined { reason: "too far".to_owned() };
    let returned = TripEvent::OfferReturned { driver: driver("cab-2"), why: declined };
    let cancelled = TripEvent::Cancelled { by: CancelledBy::Operator, reason: "flood".to_owned() };
    let records = vec![
        vec![Change::MarketPaused { paused: true }, Change::MarketPaused { paused: false }],
        vec![requested("world-1", "bert"), requested("world-2", "carl")],
        vec![offered("world-1", "cab-2")],
        vec![trip_change("world-1", returned)],
        vec![offered("world-1", "cab-3"), requested("world-3", "dora")],
        vec![trip_change("world-1", cancelled), trip_change("world-2", TripEvent::Expired)],
    ];
    write(folder, "world", records).await;
}

/// Makes the records of a whole ride, with one event in each record.
fn ride(trip: &str, rider: &str, by: &str) -> Vec<Vec<Change>> {
    let receipt = Receipt {
        rider: RiderId::new(rider).expect("a rider's id"),
        driver: driver(by),
        vehicle_class: VehicleClass(1),
        pickup: at(1_000),
        dropoff: at(299_000),
        requested_ms: Timestamp::from_millis(BEGIN_MS),
        accepted_ms: Timestamp::from_millis(BEGIN_MS + 2_000),
        arrived_ms: Some(Timestamp::from_millis(BEGIN_MS + 3_000)),
        picked_up_ms: Timestamp::from_millis(BEGIN_MS + 4_000),
        dropped_off_ms: Timestamp::from_millis(BEGIN_MS + 6_000),
        distance_m: 3_456.5,
        wait_ms: Millis::new(1_000),
        ride_ms: Millis::new(2_000),
    };
    let events = [
        TripEvent::Accepted { driver: driver(by) },
        TripEvent::Arrived { driver: driver(by) },
        TripEvent::PickedUp { driver: driver(by), at: Some(at(1_000)) },
        TripEvent::Metered { distance_m: 1_728.25, at: at(150_000) },
        TripEvent::DroppedOff { driver: driver(by), receipt: Box::new(receipt) },
    ];
    let mut records = vec![vec![requested(trip, rider)], vec![offered(trip, by)]];
    records.extend(events.into_iter().map(|event| vec![trip_change(trip, event)]));
    records
}
