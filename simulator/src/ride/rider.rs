//! A rider: what it will ask for and when it gives up, and what it saw of its trip.

use std::ops::Range;

use kerb_fleet::TripState;
use kerb_spatial::LatLng;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::options::RideOptions;
use crate::trips::Trip;

/// Who gives up does so after this, milliseconds of the city's time from the request.
const PATIENCE_MS: Range<i64> = 10_000..300_000;
/// The server's limit.
const PARTY_MAX: u32 = 16;

/// What a rider is going to do. Times are of the city, milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Riders are numbered by time, from 0.
    pub number: usize,
    /// When it asks for a ride.
    pub at_ms: i64,
    /// From where.
    pub pickup: LatLng,
    /// To where.
    pub dropoff: LatLng,
    /// How many ride.
    pub party_size: u32,
    /// When it cancels, unless it is in the vehicle by then; `None`: never.
    pub gives_up_ms: Option<i64>,
}

/// A rider for each of the trips within these unix seconds. Who was driven to where it stood is left out.
pub fn plans(trips: &[Trip], within_s: Range<i64>, options: &RideOptions) -> Vec<Plan> {
    let mut rng = Pcg64Mcg::seed_from_u64(options.seed);
    let wanted = trips.iter().filter(|trip| within_s.contains(&trip.time_s) && trip.pickup != trip.dropoff);
    let plan = wanted.enumerate().map(|(number, trip)| {
        let at_ms = trip.time_s * 1_000;
        let gives_up = rng.random_range(0..100) < options.cancel_percent;
        let patience_ms = rng.random_range(PATIENCE_MS);
        Plan {
            number,
            at_ms,
            pickup: trip.pickup,
            dropoff: trip.dropoff,
            party_size: trip.passengers.unwrap_or(1).clamp(1, PARTY_MAX),
            gives_up_ms: gives_up.then_some(at_ms + patience_ms),
        }
    });
    plan.collect()
}

/// A change of a trip, as its rider saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, by the server's clock, milliseconds.
    pub at_ms: i64,
    /// What the trip became.
    pub state: TripState,
    /// The driver concerned; empty for none.
    pub driver: String,
    /// That driver takes the trip over from another (`EnRoute`), is asked to (`Offered`), or will not (`Requested`). The
    /// trip is under way all the while.
    pub takes_over: bool,
}

/// All that a rider saw of its trip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ride {
    /// The trip's id.
    pub trip: String,
    /// Its changes, the first one first.
    pub steps: Vec<Step>,
}

impl Ride {
    /// A trip of which nothing was seen yet.
    pub fn new(trip: String) -> Self {
        Self { trip, steps: Vec::new() }
    }

    /// Sees change `number`. False when that is not the next one, which a watch must never do.
    pub fn see(&mut self, number: u64, step: Step) -> bool {
        let is_next = number == self.number() + 1;
        if is_next {
            self.steps.push(step);
        }
        is_next
    }

    /// Number of the newest change that was seen.
    pub fn number(&self) -> u64 {
        self.steps.len() as u64
    }

    /// Where the trip stands, as far as the rider knows. A request that was answered waits at least.
    pub fn state(&self) -> TripState {
        self.steps.last().map_or(TripState::Requested, |step| step.state)
    }

    /// When it first was in one of these states, by the server's clock.
    pub fn first(&self, states: &[TripState]) -> Option<i64> {
        self.steps.iter().find(|step| states.contains(&step.state)).map(|step| step.at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(time_s: i64, lat: f64, passengers: Option<u32>) -> Trip {
        let at = |lat| LatLng::new(lat, -122.4).unwrap();
        Trip { time_s, pickup: at(37.75), dropoff: at(lat), passengers }
    }

    #[test]
    fn riders_follow_the_trips_and_some_give_up() {
        let trips: Vec<_> = (0..2_000).map(|s| trip(s, 37.76, None)).collect();
        let options = RideOptions { cancel_percent: 10, ..RideOptions::default() };
        let plans = plans(&trips, 500..2_000, &options);
        assert_eq!((plans.len(), plans[7].number, plans[7].at_ms), (1_500, 7, 507_000));
        let patience = plans.iter().filter_map(|plan| Some(plan.gives_up_ms? - plan.at_ms));
        let patience: Vec<_> = patience.collect();
        assert!((100..200).contains(&patience.len()), "{}", patience.len());
        assert!(patience.iter().all(|ms| PATIENCE_MS.contains(ms)));
    }

    #[test]
    fn parties_fit_the_server_and_rides_to_nowhere_are_left_out() {
        let trips = [trip(1, 37.76, Some(0)), trip(2, 37.75, None), trip(3, 37.76, Some(40))];
        let plans = plans(&trips, 0..10, &RideOptions::default());
        assert_eq!(plans.iter().map(|plan| plan.party_size).collect::<Vec<_>>(), [1, 16]);
    }

    #[test]
    fn changes_come_one_by_one() {
        let step = |at_ms, state| Step { at_ms, state, driver: String::new(), takes_over: false };
        let mut ride = Ride::new("t".to_owned());
        assert!(ride.see(1, step(10, TripState::Requested)));
        assert!(!ride.see(1, step(10, TripState::Requested)), "a repeat");
        assert!(!ride.see(3, step(30, TripState::EnRoute)), "a gap");
        assert!(ride.see(2, step(20, TripState::Offered)));
        assert_eq!((ride.number(), ride.state()), (2, TripState::Offered));
        assert_eq!(ride.first(&[TripState::Offered, TripState::EnRoute]), Some(20));
    }
}
