//! The audit of assignments: a driver has one live trip at a time, and a trip has one driver.
//!
//! The audit derives each span in which the events of a trip name a driver as offered or assigned. All times are the
//! server's own, so the spans of different streams are in one order. Accepted offers must fit the events: a driver whose
//! acceptance was confirmed, for a trip whose events name another driver, is a double assignment.

use std::collections::BTreeMap;
use std::fmt;

use kerb_trips::TripState;

use super::trip_history::{TripChange, TripHistory};

/// An acceptance that the server confirmed to a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedOffer {
    /// Id of the driver who accepted.
    pub driver: String,
    /// Id of the trip.
    pub trip: String,
}

/// A double assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoubleAssignment {
    /// A driver is on two live trips at a time.
    Driver {
        /// Id of the driver.
        driver: String,
        /// Ids of the two trips.
        trips: [String; 2],
    },
    /// A trip has two drivers.
    Trip {
        /// Id of the trip.
        trip: String,
        /// Ids of the two drivers.
        drivers: [String; 2],
    },
}

/// The result of the audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditResult {
    /// All double assignments.
    pub double_assignments: Vec<DoubleAssignment>,
    /// Number of confirmed acceptances without an event so far.
    pub unconfirmed: u64,
}

/// The time in which a driver is reserved for a trip. An open span ends at [`i64::MAX`].
struct ReservationSpan<'a> {
    trip: &'a str,
    driver: &'a str,
    from_ms: i64,
    until_ms: i64,
    accepted: bool,
}

/// Audits all trips together with the acceptances that drivers got confirmed.
pub fn audit<'a>(trips: impl Iterator<Item = &'a TripHistory>, accepted: &[AcceptedOffer]) -> AuditResult {
    let mut result = AuditResult::default();
    let mut by_trip = BTreeMap::new();
    for trip in trips {
        by_trip.entry(trip.trip.as_str()).or_insert_with(Vec::new).extend(spans(trip, &mut result));
    }
    for accept in accepted {
        confirm(accept, by_trip.get(accept.trip.as_str()).map_or(&[][..], Vec::as_slice), &mut result);
    }
    find_overlaps(by_trip.into_values().flatten().collect(), &mut result);
    result
}

/// Returns the spans in which this trip had a driver, and those in which another driver had a takeover offer. Two drivers
/// without an end between them are a double assignment, unless the trip was en route and the second one took it over.
fn spans<'a>(history: &'a TripHistory, result: &mut AuditResult) -> Vec<ReservationSpan<'a>> {
    let mut spans: Vec<ReservationSpan<'a>> = Vec::new();
    let mut takeover_offers = Vec::new();
    for (at, change) in history.changes.iter().enumerate() {
        // Any change of the trip answers the last takeover offer or withdraws it.
        if let Some(span) =
            takeover_offers.last_mut().filter(|span: &&mut ReservationSpan<'_>| span.until_ms == i64::MAX)
        {
            span.until_ms = change.at_ms;
        }
        if change.takes_over && change.state != TripState::EnRoute {
            if change.state == TripState::Offered {
                let offer = ReservationSpan::from(&history.trip, change);
                takeover_offers.push(ReservationSpan { accepted: false, ..offer });
            }
            continue;
        }
        let was_en_route = || {
            // A takeover offer and its rejection leave the trip en route.
            let is_own = |change: &&TripChange| !change.takes_over || change.state == TripState::EnRoute;
            let before = history.changes[..at].iter().rfind(is_own);
            before.is_some_and(|before| before.state == TripState::EnRoute)
        };
        let open = spans.last_mut().filter(|span| span.until_ms == i64::MAX);
        let is_reserved = change.state.has_driver();
        match open {
            Some(span) if is_reserved && span.driver == change.driver => {
                span.accepted |= change.state != TripState::Offered;
                continue;
            }
            Some(span) => {
                span.until_ms = change.at_ms;
                if is_reserved && !(change.takes_over && was_en_route()) {
                    let drivers = [span.driver.to_owned(), change.driver.clone()];
                    let trip = history.trip.clone();
                    result.double_assignments.push(DoubleAssignment::Trip { trip, drivers });
                }
            }
            None => {}
        }
        if is_reserved {
            spans.push(ReservationSpan::from(&history.trip, change));
        }
    }
    spans.append(&mut takeover_offers);
    spans
}

impl<'a> ReservationSpan<'a> {
    /// Opens a span with this change.
    fn from(trip: &'a str, change: &'a TripChange) -> Self {
        let accepted = change.state != TripState::Offered;
        Self { trip, driver: &change.driver, from_ms: change.at_ms, until_ms: i64::MAX, accepted }
    }
}

/// Compares a confirmed acceptance with the trip's events, which must name the same driver.
fn confirm(accept: &AcceptedOffer, spans: &[ReservationSpan<'_>], result: &mut AuditResult) {
    let mut accepted = spans.iter().filter(|span| span.accepted);
    if spans.iter().any(|span| span.accepted && span.driver == accept.driver) {
        return;
    }
    match accepted.next() {
        Some(other) => result.double_assignments.push(DoubleAssignment::Trip {
            trip: accept.trip.clone(),
            drivers: [other.driver.to_owned(), accept.driver.clone()],
        }),
        None => result.unconfirmed += 1,
    }
}

/// Finds spans of one driver that overlap. One may begin in the millisecond in which another ends.
fn find_overlaps(mut spans: Vec<ReservationSpan<'_>>, result: &mut AuditResult) {
    spans.sort_by(|a, b| {
        a.driver.cmp(b.driver).then(a.from_ms.cmp(&b.from_ms)).then(a.until_ms.cmp(&b.until_ms))
    });
    let mut spans = spans.into_iter();
    let Some(mut longest) = spans.next() else { return };
    for span in spans {
        let same_driver = span.driver == longest.driver;
        if same_driver && span.from_ms < longest.until_ms {
            let trips = [longest.trip.to_owned(), span.trip.to_owned()];
            let driver = span.driver.to_owned();
            result.double_assignments.push(DoubleAssignment::Driver { driver, trips });
        }
        if !same_driver || span.until_ms > longest.until_ms {
            longest = span;
        }
    }
}

impl fmt::Display for DoubleAssignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver { driver, trips: [a, b] } => {
                write!(f, "driver {driver} was assigned to trip {b} while on trip {a}")
            }
            Self::Trip { trip, drivers: [a, b] } => {
                write!(f, "trip {trip} was assigned driver {b} in addition to {a}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TripState as S;

    /// Builds a history. A `>` before a driver marks a takeover.
    fn trip_history(trip: &str, changes: &[(i64, TripState, &str)]) -> TripHistory {
        let change = |(at_ms, state, driver): &(i64, TripState, &str)| TripChange {
            at_ms: *at_ms,
            state: *state,
            driver: driver.trim_start_matches('>').to_owned(),
            takes_over: driver.starts_with('>'),
        };
        TripHistory { trip: trip.to_owned(), changes: changes.iter().map(change).collect() }
    }

    fn accepted(driver: &str, trip: &str) -> AcceptedOffer {
        AcceptedOffer { driver: driver.to_owned(), trip: trip.to_owned() }
    }

    fn audit_all(trips: &[TripHistory], accepts: &[AcceptedOffer]) -> AuditResult {
        audit(trips.iter(), accepts)
    }

    /// Returns a trip that the first driver declines and the second one drives.
    fn served(trip: &str, from_ms: i64, first: &str, second: &str) -> TripHistory {
        let changes = [
            (0, S::Requested, ""),
            (10, S::Offered, first),
            (20, S::Requested, first),
            (30, S::Offered, second),
            (40, S::EnRoute, second),
            (50, S::Arrived, second),
            (60, S::OnTrip, second),
            (90, S::Completed, second),
        ];
        trip_history(trip, &changes.map(|(ms, state, driver)| (from_ms + ms, state, driver)))
    }

    #[test]
    fn reservations_one_after_the_other_are_legal() {
        // The next trip begins in the millisecond in which the one before ends.
        let trips = [
            served("1", 0, "a", "b"),
            served("2", 80, "b", "a"),
            trip_history("3", &[(0, S::Requested, ""), (9, S::Expired, "")]),
            trip_history("4", &[(200, S::Requested, ""), (210, S::Offered, "a"), (215, S::EnRoute, "a")]),
        ];
        let accepts = [accepted("b", "1"), accepted("a", "2"), accepted("a", "4")];
        assert_eq!(audit_all(&trips, &accepts), AuditResult::default());
    }

    #[test]
    fn a_driver_on_two_trips_is_found() {
        let trips = [served("1", 0, "x", "a"), served("2", 59, "y", "a")];
        let expected =
            DoubleAssignment::Driver { driver: "a".to_owned(), trips: ["1".to_owned(), "2".to_owned()] };
        assert_eq!(audit_all(&trips, &[]).double_assignments, [expected]);
        // An offer is a reservation too, also within a long trip.
        let trips = [
            trip_history("1", &[(0, S::Offered, "a"), (5, S::EnRoute, "a"), (100, S::Completed, "a")]),
            trip_history("2", &[(10, S::Offered, "a"), (20, S::Requested, "a")]),
            trip_history("3", &[(50, S::Offered, "a"), (60, S::Cancelled, "a")]),
        ];
        assert_eq!(audit_all(&trips, &[]).double_assignments.len(), 2);
        // The first trip never ends.
        let trips =
            [trip_history("1", &[(0, S::EnRoute, "a")]), trip_history("2", &[(9_999, S::Offered, "a")])];
        assert_eq!(audit_all(&trips, &[]).double_assignments.len(), 1);
    }

    #[test]
    fn a_trip_with_two_drivers_is_found() {
        let trips = [trip_history("1", &[(0, S::Offered, "a"), (5, S::EnRoute, "a"), (6, S::EnRoute, "b")])];
        let expected =
            DoubleAssignment::Trip { trip: "1".to_owned(), drivers: ["a".to_owned(), "b".to_owned()] };
        assert_eq!(audit_all(&trips, &[]).double_assignments, std::slice::from_ref(&expected));
        // The events name one driver, but two drivers got their acceptance confirmed.
        let trips = [trip_history("1", &[(0, S::Offered, "a"), (5, S::EnRoute, "a")])];
        assert_eq!(
            audit_all(&trips, &[accepted("a", "1"), accepted("b", "1")]).double_assignments,
            [expected]
        );
    }

    #[test]
    fn a_takeover_leaves_one_driver_at_a_time() {
        let en_route = [(0, S::Requested, ""), (1, S::Offered, "a"), (5, S::EnRoute, "a")];
        let taken = |rest: &[(i64, TripState, &str)]| trip_history("1", &[&en_route[..], rest].concat());
        let takeover_offer = (10, S::Offered, ">b");
        let over =
            taken(&[takeover_offer, (20, S::EnRoute, ">b"), (30, S::Arrived, "b"), (40, S::Cancelled, "b")]);
        // The first driver is free at the takeover, the second one at the end.
        let next = [
            trip_history("2", &[(20, S::Offered, "a"), (25, S::Requested, "a")]),
            trip_history("3", &[(40, S::Offered, "b")]),
        ];
        let accepts = [accepted("a", "1"), accepted("b", "1")];
        assert_eq!(
            audit_all(&[std::slice::from_ref(&over), &next[..]].concat(), &accepts),
            AuditResult::default()
        );
        // A takeover offer reserves its driver until it is declined or withdrawn.
        for (until_ms, end) in [(15, (15, S::Requested, ">b")), (16, (16, S::Arrived, "a"))] {
            let trips =
                |from_ms| [taken(&[takeover_offer, end]), trip_history("2", &[(from_ms, S::Offered, "b")])];
            assert_eq!(audit_all(&trips(until_ms), &[]).double_assignments, []);
            assert_eq!(audit_all(&trips(until_ms - 1), &[]).double_assignments.len(), 1);
        }
        // A takeover is only legal while the trip is en route.
        let late = taken(&[(10, S::Arrived, "a"), (20, S::EnRoute, ">b")]);
        assert_eq!(audit_all(&[late], &[]).double_assignments.len(), 1);
    }

    #[test]
    fn an_acceptance_without_an_event_is_no_double_assignment() {
        let trips = [trip_history("1", &[(0, S::Requested, ""), (5, S::Offered, "a")])];
        let found = audit_all(&trips, &[accepted("a", "1"), accepted("b", "unknown")]);
        assert_eq!(found, AuditResult { double_assignments: Vec::new(), unconfirmed: 2 });
    }
}
