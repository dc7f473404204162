//! The serialized form of records and trips: every value survives serialization.

use kerb_geometry::LatLng;
use kerb_trips::{
    CancelledBy, Change, IdempotencyKey, MarketId, Receipt, Record, ReturnReason, RideRequest, RiderId, Trip,
    TripEvent, TripId,
};
use kerb_types::{Capabilities, DriverId, Millis, Timestamp, TravelSource, VehicleClass};
use proptest::prelude::*;

use super::{START_MS, event, place, trip_in};

fn positions() -> impl Strategy<Value = LatLng> {
    (-900_000_000..=900_000_000, -1_800_000_000..=1_800_000_000)
        .prop_map(|(lat, lon)| LatLng::from_e7(lat, lon).unwrap())
}

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 1..12).prop_map(String::from_iter)
}

fn drivers() -> impl Strategy<Value = DriverId> {
    texts().prop_map(|id| DriverId::new(&id).unwrap())
}

fn times() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_millis)
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |value| value.is_finite())
}

prop_compose! {
    fn requests()(
        rider in texts(), key in texts(), pickup in positions(), dropoff in positions(), class in 0_u8..64,
        capabilities in any::<u16>(), party_size in any::<u8>(), wait_max_ms in any::<i64>(),
    ) -> RideRequest {
        RideRequest {
            rider: RiderId::new(&rider).unwrap(),
            key: IdempotencyKey::new(&key).unwrap(),
            pickup,
            dropoff,
            vehicle_class: VehicleClass(class),
            capabilities: Capabilities(capabilities),
            party_size,
            wait_max_ms: Millis::new(wait_max_ms),
        }
    }
}

prop_compose! {
    fn receipts()(
        request in requests(), driver in drivers(), times in any::<[i64; 4]>(),
        arrived_ms in prop::option::of(times()), spans in any::<[i64; 2]>(),
        distance_m in finite(),
    ) -> Box<Receipt> {
        let [requested_ms, accepted_ms, picked_up_ms, dropped_off_ms] = times.map(Timestamp::from_millis);
        let [wait_ms, ride_ms] = spans.map(Millis::new);
        Box::new(Receipt {
            rider: request.rider,
            driver,
            vehicle_class: request.vehicle_class,
            pickup: request.pickup,
            dropoff: request.dropoff,
            requested_ms,
            accepted_ms,
            arrived_ms,
            picked_up_ms,
            dropped_off_ms,
            distance_m,
            wait_ms,
            ride_ms,
        })
    }
}

fn sources() -> impl Strategy<Value = Option<TravelSource>> {
    prop_oneof![Just(None), Just(Some(TravelSource::Roads)), Just(Some(TravelSource::StraightLine))]
}

fn returns() -> impl Strategy<Value = ReturnReason> {
    prop_oneof![
        texts().prop_map(|reason| ReturnReason::Declined { reason }),
        Just(ReturnReason::Expired),
        Just(ReturnReason::DriverDisconnected),
        Just(ReturnReason::Withdrawn),
        Just(ReturnReason::DriverUnavailable),
    ]
}

fn parties() -> impl Strategy<Value = CancelledBy> {
    prop_oneof![
        Just(CancelledBy::Rider),
        drivers().prop_map(|driver| CancelledBy::Driver { driver }),
        Just(CancelledBy::Operator),
    ]
}

fn events() -> impl Strategy<Value = TripEvent> {
    prop_oneof![
        requests().prop_map(|request| TripEvent::Requested(Box::new(request))),
        (drivers(), any::<u32>(), sources(), times()).prop_map(
            |(driver, pickup_eta_s, travel_source, expires_ms)| {
                TripEvent::Offered { driver, pickup_eta_s, travel_source, expires_ms }
            }
        ),
        (drivers(), returns()).prop_map(|(driver, why)| TripEvent::OfferReturned { driver, why }),
        drivers().prop_map(|driver| TripEvent::Accepted { driver }),
        (drivers(), any::<u32>(), any::<bool>(), times()).prop_map(
            |(driver, pickup_eta_s, roads, expires_ms)| {
                let travel_source = if roads { TravelSource::Roads } else { TravelSource::StraightLine };
                TripEvent::ReassignmentOffered { driver, pickup_eta_s, travel_source, expires_ms }
            }
        ),
        (drivers(), returns()).prop_map(|(driver, why)| TripEvent::ReassignmentReturned { driver, why }),
        (drivers(), drivers()).prop_map(|(driver, from)| TripEvent::Reassigned { driver, from }),
        drivers().prop_map(|driver| TripEvent::DriverLost { driver }),
        drivers().prop_map(|driver| TripEvent::Arrived { driver }),
        (drivers(), prop::option::of(positions()))
            .prop_map(|(driver, at)| TripEvent::PickedUp { driver, at }),
        (finite(), positions()).prop_map(|(distance_m, at)| TripEvent::Metered { distance_m, at }),
        (drivers(), receipts()).prop_map(|(driver, receipt)| TripEvent::DroppedOff { driver, receipt }),
        Just(TripEvent::Expired),
        (parties(), texts()).prop_map(|(by, reason)| TripEvent::Cancelled { by, reason }),
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    let trips = ("[a-zA-Z0-9._-]{1,32}", any::<u64>());
    prop_oneof![
        9 => (trips, events()).prop_map(|((market, number), event)| {
            let trip = TripId { market: MarketId::new(&market).unwrap(), number };
            Change::Trip { trip, event }
        }),
        1 => any::<bool>().prop_map(|paused| Change::MarketPaused { paused }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_survives_serialization(
        at_ms in times(), matcher in texts(), changes in prop::collection::vec(changes(), 0..8),
    ) {
        let record = Record { at_ms, matcher, changes };
        let text = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }

    /// A trip survives serialization after any sequence of events.
    #[test]
    fn a_trip_survives_serialization(request in requests(), events in prop::collection::vec((0..16_usize, any::<bool>()), 0..20)) {
        let mut trip = Trip::requested("world-1".parse().unwrap(), request, START_MS);
        for (ms, (kind, own)) in (0..).zip(events) {
            let name = if own { "own" } else { "other" };
            let _ = trip.apply(&event(kerb_trips::EventKind::ALL[kind], name), START_MS + Millis::new(ms));
        }
        let text = serde_json::to_string(&trip).unwrap();
        prop_assert_eq!(serde_json::from_str::<Trip>(&text).unwrap(), trip);
    }
}

/// Records stay on disk for years, so every later version must read this text.
#[test]
fn the_serialized_form_is_stable() {
    let change = Change::Trip {
        trip: "world-17".parse().unwrap(),
        event: TripEvent::PickedUp { driver: DriverId::new("cab-7").unwrap(), at: Some(place(1)) },
    };
    let record = Record {
        at_ms: START_MS,
        matcher: "matcher-a".into(),
        changes: vec![change, Change::MarketPaused { paused: true }],
    };
    let text = r#"{"at_ms":1700000000000,"matcher":"matcher-a","changes":[{"change":"trip","trip":"world-17",
        "event":{"type":"picked_up","driver":"cab-7","at":{"lat":52.501,"lon":13.4}}},
        {"change":"market_paused","paused":true}]}"#;
    let text: String = text.lines().map(str::trim_start).collect();
    assert_eq!(serde_json::to_string(&record).unwrap(), text);
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
}

/// The field `travel_source` is younger than the event.
#[test]
fn an_older_offer_has_no_travel_source() {
    let older = r#"{"type":"offered","driver":"cab-7","pickup_eta_s":90,"expires_ms":17000}"#;
    let event: TripEvent = serde_json::from_str(older).unwrap();
    assert!(matches!(event, TripEvent::Offered { travel_source: None, pickup_eta_s: 90, .. }), "{event:?}");
    assert_eq!(serde_json::to_string(&event).unwrap(), older);
    let newer = older.replace("90,", r#"90,"travel_source":"straight_line","#);
    let event: TripEvent = serde_json::from_str(&newer).unwrap();
    assert_eq!(serde_json::to_string(&event).unwrap(), newer);
}

#[test]
fn a_value_that_json_cannot_represent_is_not_serialized() {
    for distance_m in [f64::NAN, f64::INFINITY] {
        let error = serde_json::to_string(&TripEvent::Metered { distance_m, at: place(0) }).unwrap_err();
        assert!(error.to_string().contains("must be a finite number"), "{error}");
    }
    let outside = r#"{"type":"metered","distance_m":1.0,"at":{"lat":91.0,"lon":0.0}}"#;
    let error = serde_json::from_str::<TripEvent>(outside).unwrap_err();
    assert!(error.to_string().contains("latitude: 91 is outside"), "{error}");
}

/// The names in messages and in records are the same.
#[test]
fn names_match_the_serialized_form() {
    for state in kerb_trips::TripState::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        assert_eq!(serde_json::to_value(trip_in(state)).unwrap()["state"], state.name());
    }
    for kind in kerb_trips::EventKind::ALL {
        let written = serde_json::to_value(event(kind, "own")).unwrap();
        assert!(kind.name().starts_with(written["type"].as_str().unwrap()), "{kind}: {written}");
    }
}
