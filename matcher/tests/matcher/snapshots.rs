//! The encoding of a snapshot: every state of a trip is restored, and other bytes are rejected.

use kerb_matcher::MatcherError;
use kerb_matcher::market::{Market, Reservations, Rules};
use kerb_trips::{
    CancelledBy, Change, MarketId, Receipt, Record, ReturnReason, RideRequest, TripEvent, TripId, TripState,
    Version,
};
use kerb_types::{Millis, Timestamp, TravelSource, VehicleClass};

use crate::fakes::simulated_time::NOW_MS;
use crate::fakes::{driver, market, north, ride_request, rider};

const TRIPS: u64 = 8;

fn offered(name: &str) -> TripEvent {
    TripEvent::Offered {
        driver: driver(name),
        pickup_eta_s: 90,
        travel_source: Some(TravelSource::Roads),
        expires_ms: NOW_MS + Millis::new(15_000),
    }
}

fn returned(name: &str, why: ReturnReason) -> TripEvent {
    TripEvent::OfferReturned { driver: driver(name), why }
}

fn cancelled(by: CancelledBy) -> TripEvent {
    TripEvent::Cancelled { by, reason: "rain".to_owned() }
}

/// The events from the offer to a running meter.
fn ride(name: &str) -> Vec<TripEvent> {
    let driver = driver(name);
    vec![
        offered(name),
        TripEvent::Accepted { driver: driver.clone() },
        TripEvent::Arrived { driver: driver.clone() },
        TripEvent::PickedUp { driver, at: Some(north(1.0)) },
        TripEvent::Metered { distance_m: 1_234.5, at: north(1_200.0) },
    ]
}

fn dropped_off(name: &str) -> TripEvent {
    let receipt = Receipt {
        rider: rider("rider-2"),
        driver: driver(name),
        vehicle_class: VehicleClass(2),
        pickup: north(1.0),
        dropoff: north(2_000.0),
        requested_ms: NOW_MS,
        accepted_ms: NOW_MS,
        arrived_ms: Some(NOW_MS),
        picked_up_ms: NOW_MS,
        dropped_off_ms: NOW_MS,
        distance_m: 2_100.25,
        wait_ms: Millis::new(0),
        ride_ms: Millis::new(0),
    };
    TripEvent::DroppedOff { driver: driver(name), receipt: Box::new(receipt) }
}

/// A market with a trip in each state. Its records contain every event.
fn whole_market() -> Market {
    let declined = ReturnReason::Declined { reason: "too far".to_owned() };
    let lost = |name| TripEvent::DriverLost { driver: driver(name) };
    let accepted = |name| TripEvent::Accepted { driver: driver(name) };
    let often_returned = vec![
        offered("a"),
        returned("a", declined),
        offered("b"),
        returned("b", ReturnReason::Expired),
        offered("c"),
        returned("c", ReturnReason::DriverDisconnected),
        offered("d"),
        returned("d", ReturnReason::Withdrawn),
        offered("e"),
        accepted("e"),
        lost("e"),
        cancelled(CancelledBy::Operator),
    ];
    let completed = [ride("f"), vec![dropped_off("f")]].concat();
    let cancelled_by_driver =
        vec![offered("g"), accepted("g"), cancelled(CancelledBy::Driver { driver: driver("g") })];
    let lives: [Vec<TripEvent>; TRIPS as usize] = [
        often_returned,
        completed,
        vec![cancelled(CancelledBy::Rider)],
        cancelled_by_driver,
        vec![TripEvent::Expired],
        vec![],
        vec![offered("h")],
        ride("i"),
    ];
    let mut whole = Market::new(market(), Rules::default(), Reservations::new());
    for (number, life) in (1..).zip(lives) {
        let request =
            RideRequest { vehicle_class: VehicleClass(2), ..ride_request(&format!("rider-{number}")) };
        let trip = TripId { market: market(), number };
        let events = std::iter::once(TripEvent::Requested(Box::new(request))).chain(life);
        let changes = events.map(|event| Change::Trip { trip: trip.clone(), event }).collect();
        let record =
            Record { at_ms: NOW_MS + Millis::new(number as i64), matcher: "matcher-0".to_owned(), changes };
        whole.replay(Version::new(number), &record).unwrap();
    }
    let pause = Record {
        at_ms: NOW_MS,
        matcher: "matcher-0".to_owned(),
        changes: vec![Change::MarketPaused { paused: true }],
    };
    whole.replay(Version::new(TRIPS + 1), &pause).unwrap();
    whole
}

/// The same market, with a trip that was reassigned, and a trip with a takeover offer.
fn reassigned_market() -> Market {
    let takeover = |name: &str| TripEvent::ReassignmentOffered {
        driver: driver(name),
        pickup_eta_s: 60,
        travel_source: TravelSource::Roads,
        expires_ms: NOW_MS + Millis::new(30_000),
    };
    let accepted = |name: &str| TripEvent::Accepted { driver: driver(name) };
    let trips = [
        (6, vec![offered("k"), accepted("k"), takeover("l")]),
        (
            7,
            vec![
                accepted("h"),
                takeover("m"),
                TripEvent::Reassigned { driver: driver("m"), from: driver("h") },
            ],
        ),
    ];
    let mut market = whole_market();
    for (version, (number, life)) in (TRIPS + 2..).zip(trips) {
        let trip = TripId { market: crate::fakes::market(), number };
        let changes = life.into_iter().map(|event| Change::Trip { trip: trip.clone(), event }).collect();
        market
            .replay(
                Version::new(version),
                &Record { at_ms: NOW_MS, matcher: "matcher-0".to_owned(), changes },
            )
            .unwrap();
    }
    market
}

#[test]
fn takeover_offers_and_reassigned_trips_are_restored() {
    let whole = reassigned_market();
    let restored = restore(&whole.snapshot()).unwrap();
    for number in [6, 7] {
        let trip = TripId { market: market(), number };
        assert_eq!(restored.trip(&trip).unwrap(), whole.trip(&trip).unwrap());
    }
    assert_eq!(restored.trip(&TripId { market: market(), number: 6 }).unwrap().reserved_drivers().count(), 2);
    assert_eq!((restored.counts(), restored.next_due_ms()), (whole.counts(), whole.next_due_ms()));
    assert_eq!(restored.snapshot(), whole.snapshot());
}

fn restore(bytes: &[u8]) -> Result<Market, MatcherError> {
    Market::restore(market(), Rules::default(), Reservations::new(), Version::new(TRIPS + 1), bytes)
}

#[test]
fn every_trip_is_restored() {
    let whole = whole_market();
    let restored = restore(&whole.snapshot()).unwrap();
    for number in 1..=TRIPS {
        let trip = TripId { market: market(), number };
        assert_eq!(restored.trip(&trip).unwrap(), whole.trip(&trip).unwrap());
    }
    assert_eq!((restored.counts(), restored.is_paused()), (whole.counts(), true));
    assert_eq!((restored.next_due_ms(), restored.version()), (whole.next_due_ms(), whole.version()));
    assert_eq!(restored.snapshot(), whole.snapshot(), "the same market has the same bytes");
    let states: std::collections::HashSet<TripState> = (1..=TRIPS)
        .map(|number| restored.trip(&TripId { market: market(), number }).unwrap().state)
        .collect();
    assert_eq!(states.len(), 6, "{states:?}");
}

#[test]
fn truncated_bytes_and_other_formats_are_rejected() {
    let bytes = whole_market().snapshot();
    for cut in 0..bytes.len() {
        assert!(restore(&bytes[..cut]).is_err(), "the first {cut} bytes");
    }
    let long = restore(&[bytes.as_slice(), &[0]].concat()).err().unwrap();
    assert!(long.to_string().ends_with("1 bytes too many"), "{long}");
    let mut newer = bytes;
    newer[0] += 1;
    let newer = restore(&newer).err().unwrap();
    assert!(newer.to_string().contains("version 9 cannot be read: its format is not 4, 3 or 2"), "{newer}");
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A newer program reads the snapshots of an older one, unless the format number has changed.
#[test]
fn the_bytes_of_a_format_never_change() {
    let bytes = reassigned_market().snapshot();
    let (format, known) = (bytes[0], (bytes.len(), hash(&bytes)));
    let expected = (4, (1_521, 8_954_712_754_740_809_900));
    assert_eq!((format, known), expected, "other bytes are another format: raise its number");
}

/// Format 2 has no takeover offers.
#[test]
fn the_previous_format_is_read() {
    let whole = whole_market();
    let mut older = whole.snapshot();
    assert_eq!((older.pop(), older.pop()), (Some(0), Some(0)), "there is no used key and no takeover offer");
    older[0] = 2;
    assert_eq!((older.len(), hash(&older)), (1_426, 3_604_552_821_079_978_535), "the bytes of format 2");
    assert_eq!(restore(&older).unwrap().snapshot(), whole.snapshot());
}

#[test]
fn a_snapshot_of_another_market_is_rejected() {
    let other = MarketId::new("other").unwrap();
    let bytes = whole_market().snapshot();
    let rejection =
        Market::restore(other, Rules::default(), Reservations::new(), Version::new(9), &bytes).err().unwrap();
    let text = rejection.to_string();
    assert!(text.ends_with("the snapshot of market other at version 9 holds trip world-1"), "{text}");
}

/// Replaces the first occurrence of `from`, which has as many bytes as `to`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("the bytes occur");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// The check of a snapshot only finds accidents. What another program wrote must not stop this one later.
#[test]
fn values_that_no_market_has_are_rejected() {
    let whole = whole_market().snapshot();
    let error = |bytes: &[u8]| restore(bytes).err().unwrap().to_string();
    let two_trips_with_one_number = error(&replaced(&whole, b"world-1", b"world-2"));
    assert!(two_trips_with_one_number.contains("not in order"), "{two_trips_with_one_number}");
    let mut number_is_given_again = whole.clone();
    assert_eq!(number_is_given_again[2], TRIPS as u8 + 1, "the next number");
    number_is_given_again[2] = TRIPS as u8;
    assert!(error(&number_is_given_again).contains("below the next number"));
    for value in [f64::NAN, f64::INFINITY] {
        error(&replaced(&whole, &1_234.5_f64.to_le_bytes(), &value.to_le_bytes()));
    }
}

#[test]
fn records_with_any_times_are_replayed() {
    let trip = TripId { market: market(), number: 1 };
    let requested = || TripEvent::Requested(Box::new(ride_request("rider-1")));
    let (a, b, c) = (driver("a"), driver("b"), driver("c"));
    let takeover = |name| TripEvent::ReassignmentOffered {
        driver: driver(name),
        pickup_eta_s: 60,
        travel_source: TravelSource::Roads,
        expires_ms: Timestamp::from_millis(i64::MIN),
    };
    let life = [
        (i64::MAX, requested()),
        (i64::MIN, offered("a")),
        (i64::MAX, TripEvent::Accepted { driver: a.clone() }),
        (0, takeover("b")),
        (i64::MAX, TripEvent::Reassigned { driver: b.clone(), from: a }),
        (0, takeover("c")),
        (i64::MIN, TripEvent::Reassigned { driver: c, from: b }),
        (i64::MAX, cancelled(CancelledBy::Rider)),
    ];
    let mut replayed = Market::new(market(), Rules::default(), Reservations::new());
    for (version, (at_ms, event)) in (1..).zip(life) {
        let changes = vec![Change::Trip { trip: trip.clone(), event }];
        replayed
            .replay(
                Version::new(version),
                &Record { at_ms: Timestamp::from_millis(at_ms), matcher: "matcher-0".to_owned(), changes },
            )
            .unwrap();
        assert_eq!(restore(&replayed.snapshot()).unwrap().snapshot(), replayed.snapshot());
    }
    let changes = vec![Change::Trip { trip, event: requested() }];
    let again = Record { at_ms: Timestamp::from_millis(0), matcher: "matcher-0".to_owned(), changes };
    let error = replayed.replay(replayed.version() + 1, &again).unwrap_err().to_string();
    assert!(error.contains("trip world-1 was requested before"), "{error}");
}
