//! The audit reports no violation in journals of the state machine, and finds each kind of violation in a faulty journal.

use kerb_trips::{
    Audit, AuditReport, AuditSummary, Change, EventKind as E, MarketId, Outcome, Record, Trip, TripEvent,
    TripId, TripState, Version, Violation, ViolationKind,
};
use kerb_types::Millis;
use proptest::prelude::*;

use super::{START_MS, driver, event, receipt, request};

/// Journals for one test. Every record has one change and comes a second after the one before.
#[derive(Default)]
struct Journals {
    records: Vec<(MarketId, Version, Record)>,
}

fn id(text: &str) -> TripId {
    text.parse().unwrap()
}

fn requested(number: u64) -> TripEvent {
    TripEvent::Requested(Box::new(request(number)))
}

impl Journals {
    /// Appends to the journal of the trip's own market.
    fn trip(&mut self, trip: &str, event: TripEvent) -> &mut Self {
        let market = id(trip).market;
        self.in_market(market.as_str(), trip, event)
    }

    fn in_market(&mut self, market: &str, trip: &str, event: TripEvent) -> &mut Self {
        let market = MarketId::new(market).unwrap();
        let version = Version::new(self.records.iter().filter(|(of, _, _)| *of == market).count() as u64) + 1;
        let at_ms = START_MS + Millis::from_secs(self.records.len() as i64);
        let changes = vec![Change::Trip { trip: id(trip), event }];
        self.records.push((market, version, Record { at_ms, matcher: "matcher-a".into(), changes }));
        self
    }

    /// Appends events of these kinds, all of one driver.
    fn events(&mut self, trip: &str, name: &str, kinds: &[E]) -> &mut Self {
        for kind in kinds {
            self.trip(trip, event(*kind, name));
        }
        self
    }

    fn audit(&self) -> AuditReport {
        let mut audit = Audit::new();
        for (market, version, record) in &self.records {
            audit.read(market, *version, record);
        }
        audit.finish()
    }

    /// Returns the only violation: market, version, trip and kind.
    fn only_violation(&self) -> (String, Version, Option<String>, ViolationKind) {
        let report = self.audit();
        let [Violation { market, version, trip, kind }] = &report.violations[..] else {
            panic!("{:?}", report.violations)
        };
        assert_eq!(report.summary.violations, 1);
        (market.to_string(), *version, trip.as_ref().map(ToString::to_string), kind.clone())
    }
}

const COMPLETE_RIDE: [E; 5] = [E::Offered, E::Accepted, E::Arrived, E::PickedUp, E::DroppedOff];

/// Trip 1 of market `world`, requested by rider 1 and offered to driver `a`.
fn offered() -> Journals {
    let mut journals = Journals::default();
    journals.trip("world-1", requested(1)).events("world-1", "a", &[E::Offered]);
    journals
}

fn at(version: Version, trip: &str, kind: ViolationKind) -> (String, Version, Option<String>, ViolationKind) {
    ("world".into(), version, Some(trip.into()), kind)
}

#[test]
fn legal_journals_have_no_violations_and_are_counted() {
    let mut journals = Journals::default();
    journals.trip("world-1", requested(1)).events("world-1", "a", &COMPLETE_RIDE);
    // The same driver has a second trip; then the same request comes again after its first trip has ended.
    journals.trip("world-2", requested(2)).events("world-2", "a", &[E::Offered, E::OfferReturned]);
    journals.events("world-2", "b", &[E::Offered, E::Accepted, E::Accepted, E::DriverLost, E::Expired]);
    journals.trip("world-3", requested(2)).events("world-3", "b", &[E::Offered, E::CancelledByRider]);
    journals.trip("east-1", requested(1)).events("east-1", "b", &[E::Offered, E::Accepted]);
    let report = journals.audit();
    assert_eq!(report.violations, []);
    let expected = AuditSummary {
        markets: 2,
        records: journals.records.len() as u64,
        trips: 4,
        live: 1,
        completed: 1,
        expired: 1,
        cancelled: 1,
        repeated: 1,
        violations: 0,
    };
    assert_eq!(report.summary, expected);
}

#[test]
fn a_gap_and_a_repeat_of_versions() {
    let mut journals = offered();
    journals.events("world-1", "a", &[E::Accepted, E::Arrived]);
    journals.records[3].1 = Version::new(5);
    assert_eq!(
        journals.only_violation(),
        ("world".into(), Version::new(5), None, ViolationKind::VersionGap { expected: Version::new(4) })
    );
    journals.records[3].1 = Version::new(3);
    assert_eq!(
        journals.only_violation(),
        ("world".into(), Version::new(3), None, ViolationKind::VersionGap { expected: Version::new(4) })
    );
    // The audit checks later versions against the newest one, so one gap is one violation.
    let mut late = offered();
    late.records[0].1 = Version::new(7);
    late.records[1].1 = Version::new(8);
    assert_eq!(late.only_violation().3, ViolationKind::VersionGap { expected: Version::new(1) });
}

#[test]
fn a_trip_of_another_market() {
    let mut journals = offered();
    journals.in_market("world", "east-1", requested(2));
    assert_eq!(journals.only_violation(), at(Version::new(3), "east-1", ViolationKind::ForeignTrip));
}

#[test]
fn a_trip_requested_twice() {
    let mut journals = offered();
    assert_eq!(
        journals.trip("world-1", requested(2)).only_violation(),
        at(Version::new(3), "world-1", ViolationKind::RequestedTwice)
    );
    let mut ended = Journals::default();
    ended.trip("world-1", requested(1)).events("world-1", "a", &[E::Expired]).trip("world-1", requested(1));
    assert_eq!(ended.only_violation(), at(Version::new(3), "world-1", ViolationKind::RequestedTwice));
}

#[test]
fn a_request_that_lives_twice() {
    let mut journals = offered();
    let kind = ViolationKind::OneRequestTwoTrips { other: id("world-1") };
    assert_eq!(journals.trip("world-2", requested(1)).only_violation(), at(Version::new(3), "world-2", kind));
}

#[test]
fn an_event_without_a_request() {
    let mut journals = offered();
    let kind = ViolationKind::NeverRequested { event: E::Accepted };
    assert_eq!(
        journals.events("world-2", "b", &[E::Accepted]).only_violation(),
        at(Version::new(3), "world-2", kind)
    );
}

#[test]
fn an_event_after_the_end() {
    let mut journals = offered();
    journals.events("world-1", "a", &[E::CancelledByRider, E::Accepted]);
    let kind = ViolationKind::AfterTheEnd { event: E::Accepted, state: TripState::Cancelled };
    assert_eq!(journals.only_violation(), at(Version::new(4), "world-1", kind));
}

#[test]
fn an_event_out_of_turn() {
    let mut journals = offered();
    let violation = journals.events("world-1", "a", &[E::DroppedOff]).only_violation();
    let ViolationKind::Illegal(illegal) = &violation.3 else { panic!("{violation:?}") };
    assert_eq!((illegal.event, illegal.state), ("dropped_off", TripState::Offered));
    let text = journals.audit().violations.remove(0).to_string();
    assert!(text.starts_with("market world, version 3, trip world-1: trip world-1 is offered: "), "{text}");
}

#[test]
fn a_trip_with_two_drivers() {
    for (kinds, second) in [(&[][..], E::Offered), (&[], E::Accepted), (&[E::Accepted], E::PickedUp)] {
        let mut journals = offered();
        journals.events("world-1", "a", kinds).events("world-1", "b", &[second]);
        let kind = ViolationKind::OneTripTwoDrivers { event: second, has: driver("a"), other: driver("b") };
        assert_eq!(journals.only_violation(), at(Version::new(3) + kinds.len() as u64, "world-1", kind));
    }
}

#[test]
fn a_driver_with_two_trips() {
    for kinds in [&[][..], &[E::Accepted], &[E::Accepted, E::PickedUp]] {
        let mut journals = offered();
        journals.events("world-1", "a", kinds).trip("world-2", requested(2)).events(
            "world-2",
            "a",
            &[E::Offered],
        );
        let kind = ViolationKind::OneDriverTwoTrips { driver: driver("a"), other: id("world-1") };
        assert_eq!(journals.only_violation(), at(Version::new(4) + kinds.len() as u64, "world-2", kind));
    }
}

#[test]
fn a_trip_that_goes_to_a_nearer_driver_is_no_violation_and_frees_the_first() {
    let mut journals = offered();
    journals.events("world-1", "a", &[E::Accepted]).events("world-1", "b", &[E::ReassignmentOffered]);
    let reassigned = |name: &str| TripEvent::Reassigned { driver: driver(name), from: driver("a") };
    journals.trip("world-1", reassigned("b")).trip("world-2", requested(2)).events(
        "world-2",
        "a",
        &[E::Offered],
    );
    assert_eq!(journals.audit().violations, []);
    // A takeover offer reserves its driver.
    let mut twice = offered();
    twice.events("world-1", "a", &[E::Accepted]).events("world-1", "b", &[E::ReassignmentOffered]);
    twice.trip("world-2", requested(2)).events("world-2", "b", &[E::Offered]);
    let kind = ViolationKind::OneDriverTwoTrips { driver: driver("b"), other: id("world-1") };
    assert_eq!(twice.only_violation(), at(Version::new(6), "world-2", kind));
    // A trip has at most one takeover offer, and a takeover needs an offer.
    for (event, has) in [(event(E::ReassignmentOffered, "c"), "b"), (reassigned("c"), "a")] {
        let mut journals = offered();
        journals.events("world-1", "a", &[E::Accepted]).events("world-1", "b", &[E::ReassignmentOffered]);
        let event_kind = event.kind();
        journals.trip("world-1", event);
        let kind =
            ViolationKind::OneTripTwoDrivers { event: event_kind, has: driver(has), other: driver("c") };
        assert_eq!(journals.only_violation(), at(Version::new(5), "world-1", kind));
    }
}

#[test]
fn a_driver_in_two_markets_at_once() {
    // The driver is reserved from 1 s to 5 s in market `world`, and from 3 s on in `east`. The audit reads `east` first.
    let mut journals = offered();
    journals.trip("east-1", requested(2)).events("east-1", "a", &[E::Offered]);
    journals.events("world-1", "a", &[E::Accepted, E::CancelledByDriver]);
    journals.records.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    let expected = |overlap_ms| {
        let kind =
            ViolationKind::OneDriverTwoMarkets { driver: driver("a"), other: id("world-1"), overlap_ms };
        ("east".into(), Version::new(2), Some("east-1".into()), kind)
    };
    assert_eq!(journals.only_violation(), expected(Millis::new(2_000)));
    // Without the cancellation neither reservation ends.
    journals.records.pop();
    assert_eq!(journals.only_violation(), expected(Millis::MAX));
}

#[test]
fn a_receipt_for_somebody_else() {
    for wrong_receipt in [receipt("b", 1), receipt("a", 2)] {
        let mut journals = offered();
        journals.events("world-1", "a", &[E::Accepted, E::PickedUp]);
        let dropped_off = TripEvent::DroppedOff { driver: driver("a"), receipt: Box::new(wrong_receipt) };
        journals.trip("world-1", dropped_off);
        assert_eq!(journals.only_violation(), at(Version::new(5), "world-1", ViolationKind::WrongReceipt));
    }
}

#[test]
fn violations_are_counted_beyond_those_that_are_kept() {
    let mut journals = Journals::default();
    for _ in 0..1_500 {
        journals.events("world-1", "a", &[E::Accepted]);
    }
    let report = journals.audit();
    assert_eq!((report.violations.len(), report.summary.violations), (1_000, 1_500));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The journal has no violation if the matcher only writes legal events and gives no driver a second trip.
    #[test]
    fn journals_of_the_state_machine_have_no_violations(
        choices in prop::collection::vec((0_usize..6, 0_usize..16, 0_usize..4), 0..300),
    ) {
        let mut journals = Journals::default();
        let mut trips: Vec<Option<Trip>> = vec![None; 6];
        for (number, kind, name) in choices {
            let (text, name) = (format!("world-{number}"), ["a", "b", "c", "d"][name]);
            let Some(trip) = &mut trips[number] else {
                journals.trip(&text, requested(number as u64));
                trips[number] = Some(Trip::requested(id(&text), request(number as u64), START_MS));
                continue;
            };
            let driver = driver(name);
            let chosen = if E::ALL[kind] == E::DroppedOff {
                let receipt = Box::new(receipt(name, number as u64));
                TripEvent::DroppedOff { driver: driver.clone(), receipt }
            } else if let (E::Reassigned, Some(from)) = (E::ALL[kind], &trip.driver) {
                TripEvent::Reassigned { driver: driver.clone(), from: from.clone() }
            } else {
                event(E::ALL[kind], name)
            };
            let mut next = trip.clone();
            if next.apply(&chosen, START_MS) != Ok(Outcome::Changed) {
                continue;
            }
            let is_reserved = trips.iter().flatten().any(|other| {
                other.id != next.id && other.reserved_drivers().any(|reserved| *reserved == driver)
            });
            if matches!(E::ALL[kind], E::Offered | E::ReassignmentOffered) && is_reserved {
                continue;
            }
            trips[number] = Some(next);
            journals.trip(&text, chosen);
        }
        let report = journals.audit();
        prop_assert_eq!(&report.violations, &vec![]);
        let live = trips.iter().flatten().filter(|trip| trip.state.is_live()).count();
        prop_assert_eq!(report.summary.live, live as u64);
    }
}
