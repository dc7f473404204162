//! Judges promises: a driver is promised to one trip at a time, and a trip to one driver.
//!
//! What the trips' events tell is put together: every time during which a driver is named as asked or under way. The
//! times are the server's own, so they are in one order whichever stream brought them first. What the drivers' streams
//! confirmed has to fit: a driver whose accept was taken for a trip whose events name somebody else was promised beside
//! that one.

use std::collections::BTreeMap;
use std::fmt;

use kerb_trips::TripState;

use super::ride::{Ride, Step};

/// An accept that the server confirmed to a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Who.
    pub driver: String,
    /// Which trip.
    pub trip: String,
}

/// A promise that was given twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    /// A driver on two live trips at a time.
    Driver {
        /// Who.
        driver: String,
        /// On these.
        trips: [String; 2],
    },
    /// A trip with two drivers.
    Trip {
        /// Which.
        trip: String,
        /// With these.
        drivers: [String; 2],
    },
}

/// What the judge found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Promises that were given twice.
    pub clashes: Vec<Clash>,
    /// Accepts that no event has shown yet.
    pub unseen: u64,
}

/// A driver is promised to a trip from one time to another; the end is open while it lasts.
struct Span<'a> {
    trip: &'a str,
    driver: &'a str,
    from_ms: i64,
    until_ms: i64,
    accepted: bool,
}

/// Judges all rides together with what the drivers were told.
pub fn judge<'a>(rides: impl Iterator<Item = &'a Ride>, accepted: &[Accepted]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut by_trip = BTreeMap::new();
    for ride in rides {
        by_trip.entry(ride.trip.as_str()).or_insert_with(Vec::new).extend(spans(ride, &mut verdict));
    }
    for accept in accepted {
        confirm(accept, by_trip.get(accept.trip.as_str()).map_or(&[][..], Vec::as_slice), &mut verdict);
    }
    overlaps(by_trip.into_values().flatten().collect(), &mut verdict);
    verdict
}

/// The times during which this trip had a driver, and those during which another was asked to take it over. Two drivers
/// without an end between are a clash, unless the trip was under way and the second one took it over.
fn spans<'a>(ride: &'a Ride, verdict: &mut Verdict) -> Vec<Span<'a>> {
    let mut spans: Vec<Span<'a>> = Vec::new();
    let mut asked = Vec::new();
    for (at, step) in ride.steps.iter().enumerate() {
        // Whatever happens to the trip answers who was asked last, or makes the query void.
        if let Some(span) = asked.last_mut().filter(|span: &&mut Span<'_>| span.until_ms == i64::MAX) {
            span.until_ms = step.at_ms;
        }
        if step.takes_over && step.state != TripState::EnRoute {
            if step.state == TripState::Offered {
                asked.push(Span { accepted: false, ..Span::from(&ride.trip, step) });
            }
            continue;
        }
        let was_under_way = || {
            let before =
                ride.steps[..at].iter().rfind(|step| !step.takes_over || step.state == TripState::EnRoute);
            before.is_some_and(|before| before.state == TripState::EnRoute)
        };
        let open = spans.last_mut().filter(|span| span.until_ms == i64::MAX);
        let is_promise = step.state.has_driver();
        match open {
            Some(span) if is_promise && span.driver == step.driver => {
                span.accepted |= step.state != TripState::Offered;
                continue;
            }
            Some(span) => {
                span.until_ms = step.at_ms;
                if is_promise && !(step.takes_over && was_under_way()) {
                    let drivers = [span.driver.to_owned(), step.driver.clone()];
                    verdict.clashes.push(Clash::Trip { trip: ride.trip.clone(), drivers });
                }
            }
            None => {}
        }
        if is_promise {
            spans.push(Span::from(&ride.trip, step));
        }
    }
    spans.append(&mut asked);
    spans
}

impl<'a> Span<'a> {
    /// One that begins with this step.
    fn from(trip: &'a str, step: &'a Step) -> Self {
        let accepted = step.state != TripState::Offered;
        Self { trip, driver: &step.driver, from_ms: step.at_ms, until_ms: i64::MAX, accepted }
    }
}

/// The events must name the driver whose accept was taken.
fn confirm(accept: &Accepted, spans: &[Span<'_>], verdict: &mut Verdict) {
    let mut taken = spans.iter().filter(|span| span.accepted);
    if spans.iter().any(|span| span.accepted && span.driver == accept.driver) {
        return;
    }
    match taken.next() {
        Some(other) => verdict.clashes.push(Clash::Trip {
            trip: accept.trip.clone(),
            drivers: [other.driver.to_owned(), accept.driver.clone()],
        }),
        None => verdict.unseen += 1,
    }
}

/// A driver's times must not overlap. One may begin in the millisecond in which another ends.
fn overlaps(mut spans: Vec<Span<'_>>, verdict: &mut Verdict) {
    spans.sort_by(|a, b| {
        a.driver.cmp(b.driver).then(a.from_ms.cmp(&b.from_ms)).then(a.until_ms.cmp(&b.until_ms))
    });
    let mut spans = spans.into_iter();
    let Some(mut longest) = spans.next() else { return };
    for span in spans {
        let same_driver = span.driver == longest.driver;
        if same_driver && span.from_ms < longest.until_ms {
            let trips = [longest.trip.to_owned(), span.trip.to_owned()];
            verdict.clashes.push(Clash::Driver { driver: span.driver.to_owned(), trips });
        }
        if !same_driver || span.until_ms > longest.until_ms {
            longest = span;
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver { driver, trips: [a, b] } => {
                write!(f, "driver {driver} was promised to trip {b} while on trip {a}")
            }
            Self::Trip { trip, drivers: [a, b] } => {
                write!(f, "trip {trip} was promised driver {b} beside {a}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TripState as S;

    /// `>` before a driver: takes the trip over.
    fn ride(trip: &str, steps: &[(i64, TripState, &str)]) -> Ride {
        let step = |(at_ms, state, driver): &(i64, TripState, &str)| Step {
            at_ms: *at_ms,
            state: *state,
            driver: driver.trim_start_matches('>').to_owned(),
            takes_over: driver.starts_with('>'),
        };
        Ride { trip: trip.to_owned(), steps: steps.iter().map(step).collect() }
    }

    fn accepted(driver: &str, trip: &str) -> Accepted {
        Accepted { driver: driver.to_owned(), trip: trip.to_owned() }
    }

    fn verdict(rides: &[Ride], accepts: &[Accepted]) -> Verdict {
        judge(rides.iter(), accepts)
    }

    /// Declined by one, driven by another.
    fn served(trip: &str, from_ms: i64, first: &str, second: &str) -> Ride {
        let steps = [
            (0, S::Requested, ""),
            (10, S::Offered, first),
            (20, S::Requested, first),
            (30, S::Offered, second),
            (40, S::EnRoute, second),
            (50, S::Arrived, second),
            (60, S::OnTrip, second),
            (90, S::Completed, second),
        ];
        ride(trip, &steps.map(|(ms, state, driver)| (from_ms + ms, state, driver)))
    }

    #[test]
    fn promises_one_after_the_other_are_kept() {
        // The next trip begins in the millisecond in which the one before ends.
        let rides = [
            served("1", 0, "a", "b"),
            served("2", 80, "b", "a"),
            ride("3", &[(0, S::Requested, ""), (9, S::Expired, "")]),
            ride("4", &[(200, S::Requested, ""), (210, S::Offered, "a"), (215, S::EnRoute, "a")]),
        ];
        let accepts = [accepted("b", "1"), accepted("a", "2"), accepted("a", "4")];
        assert_eq!(verdict(&rides, &accepts), Verdict::default());
    }

    #[test]
    fn a_driver_on_two_trips_is_found() {
        let rides = [served("1", 0, "x", "a"), served("2", 59, "y", "a")];
        let clash = Clash::Driver { driver: "a".to_owned(), trips: ["1".to_owned(), "2".to_owned()] };
        assert_eq!(verdict(&rides, &[]).clashes, [clash]);
        // An offer alone is a promise too, also inside a long trip that others began after.
        let rides = [
            ride("1", &[(0, S::Offered, "a"), (5, S::EnRoute, "a"), (100, S::Completed, "a")]),
            ride("2", &[(10, S::Offered, "a"), (20, S::Requested, "a")]),
            ride("3", &[(50, S::Offered, "a"), (60, S::Cancelled, "a")]),
        ];
        assert_eq!(verdict(&rides, &[]).clashes.len(), 2);
        // A trip that never ends.
        let rides = [ride("1", &[(0, S::EnRoute, "a")]), ride("2", &[(9_999, S::Offered, "a")])];
        assert_eq!(verdict(&rides, &[]).clashes.len(), 1);
    }

    #[test]
    fn a_trip_with_two_drivers_is_found() {
        let rides = [ride("1", &[(0, S::Offered, "a"), (5, S::EnRoute, "a"), (6, S::EnRoute, "b")])];
        let clash = Clash::Trip { trip: "1".to_owned(), drivers: ["a".to_owned(), "b".to_owned()] };
        assert_eq!(verdict(&rides, &[]).clashes, std::slice::from_ref(&clash));
        // The events name one, the streams of two have heard that they may go.
        let rides = [ride("1", &[(0, S::Offered, "a"), (5, S::EnRoute, "a")])];
        assert_eq!(verdict(&rides, &[accepted("a", "1"), accepted("b", "1")]).clashes, [clash]);
    }

    #[test]
    fn a_trip_that_is_taken_over_is_one_drivers_at_a_time() {
        let under_way = [(0, S::Requested, ""), (1, S::Offered, "a"), (5, S::EnRoute, "a")];
        let taken = |rest: &[(i64, TripState, &str)]| ride("1", &[&under_way[..], rest].concat());
        let asked = (10, S::Offered, ">b");
        let over = taken(&[asked, (20, S::EnRoute, ">b"), (30, S::Arrived, "b"), (40, S::Cancelled, "b")]);
        // Who lost it is free at once, who has it when it is over.
        let next = [
            ride("2", &[(20, S::Offered, "a"), (25, S::Requested, "a")]),
            ride("3", &[(40, S::Offered, "b")]),
        ];
        let accepts = [accepted("a", "1"), accepted("b", "1")];
        assert_eq!(verdict(&[std::slice::from_ref(&over), &next[..]].concat(), &accepts), Verdict::default());
        // Who is asked is promised, until it says no or the query is void.
        for (until_ms, end) in [(15, (15, S::Requested, ">b")), (16, (16, S::Arrived, "a"))] {
            let rides = |from_ms| [taken(&[asked, end]), ride("2", &[(from_ms, S::Offered, "b")])];
            assert_eq!(verdict(&rides(until_ms), &[]).clashes, []);
            assert_eq!(verdict(&rides(until_ms - 1), &[]).clashes.len(), 1);
        }
        // Nobody takes over who was not on the way, and nobody without saying so.
        let late = taken(&[(10, S::Arrived, "a"), (20, S::EnRoute, ">b")]);
        assert_eq!(verdict(&[late], &[]).clashes.len(), 1);
    }

    #[test]
    fn an_accept_that_no_event_has_shown_yet_is_no_clash() {
        let rides = [ride("1", &[(0, S::Requested, ""), (5, S::Offered, "a")])];
        let found = verdict(&rides, &[accepted("a", "1"), accepted("b", "unknown")]);
        assert_eq!(found, Verdict { clashes: Vec::new(), unseen: 2 });
    }
}
