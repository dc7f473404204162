//! Counts what became of the rides: how many, how long, how many offers. It measures nothing itself.

use kerb_fleet::TripState;

use super::rider::Ride;
use crate::report::Values;

/// What rides came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests that were taken.
    pub trips: u64,
    /// Waiting for a driver to accept.
    pub waiting: u64,
    /// A driver comes, or stands at the pickup.
    pub coming: u64,
    /// The rider is in the vehicle.
    pub riding: u64,
    /// The rider got out.
    pub completed: u64,
    /// Nobody was found in time.
    pub expired: u64,
    /// Called off.
    pub cancelled: u64,
    /// Offers made.
    pub offers: u64,
    /// From the request until a driver stands at the pickup, seconds of the city's time.
    pub pickup_s: Values,
    /// Of these, from the acceptance on.
    pub approach_s: Values,
    /// From the request to its first offer, milliseconds of the server's own time.
    pub offer_ms: Values,
}

impl Tally {
    /// Counts all of them. `speed_up` is the city's time over the server's.
    pub fn of<'a>(rides: impl Iterator<Item = &'a Ride>, speed_up: f64) -> Self {
        let mut tally = Self::default();
        for ride in rides {
            tally.add(ride, speed_up);
        }
        tally
    }

    /// Neither ended nor refused.
    pub fn under_way(&self) -> u64 {
        self.waiting + self.coming + self.riding
    }

    fn add(&mut self, ride: &Ride, speed_up: f64) {
        self.trips += 1;
        *match ride.state() {
            TripState::Requested | TripState::Offered => &mut self.waiting,
            TripState::EnRoute | TripState::Arrived => &mut self.coming,
            TripState::OnTrip => &mut self.riding,
            TripState::Completed => &mut self.completed,
            TripState::Expired => &mut self.expired,
            TripState::Cancelled => &mut self.cancelled,
        } += 1;
        self.offers += ride.steps.iter().filter(|step| step.state == TripState::Offered).count() as u64;
        let requested_ms = ride.first(&[TripState::Requested]);
        let here_ms = ride.first(&[TripState::Arrived, TripState::OnTrip]);
        // The last acceptance: an earlier driver may have been lost.
        let accepted = ride.steps.iter().rfind(|step| step.state == TripState::EnRoute);
        let city_s = |ms: i64| (ms.max(0) as f64 * speed_up / 1_000.0).round() as u64;
        if let (Some(from), Some(to)) = (requested_ms, here_ms) {
            self.pickup_s.add(city_s(to - from));
        }
        if let (Some(from), Some(to)) = (accepted, here_ms) {
            self.approach_s.add(city_s(to - from.at_ms));
        }
        if let (Some(from), Some(to)) = (requested_ms, ride.first(&[TripState::Offered])) {
            self.offer_ms.add((to - from).max(0) as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rider::Step;
    use super::*;
    use TripState as S;

    #[test]
    fn rides_are_counted_by_where_they_stand_and_timed_in_the_city() {
        let ride = |states: &[(i64, TripState)]| {
            let step = |(at_ms, state): &(i64, TripState)| Step {
                at_ms: *at_ms,
                state: *state,
                driver: String::new(),
                takes_over: false,
            };
            Ride { trip: String::new(), steps: states.iter().map(step).collect() }
        };
        let rides = [
            ride(&[
                (1_000, S::Requested),
                (1_020, S::Offered),
                (1_100, S::Requested),
                (1_150, S::Offered),
                (2_000, S::EnRoute),
                (6_000, S::Arrived),
                (7_000, S::OnTrip),
                (9_000, S::Completed),
            ]),
            ride(&[(0, S::Requested), (40, S::Offered), (50, S::EnRoute)]),
            ride(&[(0, S::Requested), (9, S::Expired)]),
            ride(&[(0, S::Requested), (9, S::Cancelled)]),
            ride(&[]),
        ];
        let tally = Tally::of(rides.iter(), 30.0);
        assert_eq!((tally.trips, tally.completed, tally.expired, tally.cancelled), (5, 1, 1, 1));
        assert_eq!((tally.waiting, tally.coming, tally.riding, tally.under_way()), (1, 1, 0, 2));
        assert_eq!((tally.offers, tally.offer_ms.summary().p50, tally.offer_ms.summary().max), (3, 20, 40));
        let (pickup, approach) = (tally.pickup_s.summary(), tally.approach_s.summary());
        assert_eq!((pickup.count, pickup.max, approach.max), (1, 150, 120));
    }
}
