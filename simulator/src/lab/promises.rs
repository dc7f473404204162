//! Judges promises: a driver is promised to one trip at a time, and a trip to one driver.
//!
//! What the trips' events tell is put together: every time during which a driver is named as asked or under way. The
//! times are the server's own, so they are in one order whichever stream brought them first. What the drivers' streams
//! confirmed has to fit: a driver whose accept was taken for a trip whose events name somebody else was promised beside
//! that one.

use std::collections::BTreeMap;
use std::fmt;

use kerb_fleet::TripState;

use super::ride::Ride;

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

/// The times during which this trip had a driver. Two of them without an end between are a clash.
fn spans<'a>(ride: &'a Ride, verdict: &mut Verdict) -> Vec<Span<'a>> {
    let mut spans: Vec<Span<'a>> = Vec::new();
    for step in &ride.steps {
        let open = spans.last_mut().filter(|span| span.until_ms == i64::MAX);
        let is_promise = step.state.has_driver();
        match open {
            Some(span) if is_promise && span.driver == step.driver => {
                span.accepted |= step.state != TripState::Offered;
                continue;
            }
            Some(span) => {
                span.until_ms = step.at_ms;
                if is_promise {
                    let drivers = [span.driver.to_owned(), step.driver.clone()];
                    verdict.clashes.push(Clash::Trip { trip: ride.trip.clone(), drivers });
                }
            }
            None => {}
        }
        if is_promise {
            spans.push(Span {
                trip: &ride.trip,
                driver: &step.driver,
                from_ms: step.at_ms,
                until_ms: i64::MAX,
                accepted: step.state != TripState::Offered,
            });
        }
    }
    spans
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
    use super::super::ride::Step;
    use super::*;
    use TripState as S;

    fn ride(trip: &str, steps: &[(i64, TripState, &str)]) -> Ride {
        let step = |(at_ms, state, driver): &(i64, TripState, &str)| Step {
            at_ms: *at_ms,
            state: *state,
            driver: (*driver).to_owned(),
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
    fn an_accept_that_no_event_has_shown_yet_is_no_clash() {
        let rides = [ride("1", &[(0, S::Requested, ""), (5, S::Offered, "a")])];
        let found = verdict(&rides, &[accepted("a", "1"), accepted("b", "unknown")]);
        assert_eq!(found, Verdict { clashes: Vec::new(), unseen: 2 });
    }
}
