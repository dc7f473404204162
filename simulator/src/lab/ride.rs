//! A trip as its events tell it.

use kerb_trips::TripState;

/// A change of a trip.
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

/// All that was seen of a trip.
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

    /// Offers of it.
    pub fn offers(&self) -> u64 {
        self.steps.iter().filter(|step| step.state == TripState::Offered).count() as u64
    }

    /// Milliseconds from the request to the first offer.
    pub fn first_offer_ms(&self) -> Option<u64> {
        let first = |state| self.steps.iter().find(|step| step.state == state).map(|step| step.at_ms);
        Some((first(TripState::Offered)? - first(TripState::Requested)?).max(0).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_counted_and_the_first_is_timed() {
        let step = |(at_ms, state)| Step { at_ms, state, driver: String::new(), takes_over: false };
        let ride = |steps: &[(i64, TripState)]| Ride {
            trip: "t".to_owned(),
            steps: steps.iter().copied().map(step).collect(),
        };
        let asked = (1_000, TripState::Requested);
        let declined = ride(&[
            asked,
            (1_020, TripState::Offered),
            (1_100, TripState::Requested),
            (1_150, TripState::Offered),
        ]);
        assert_eq!((declined.offers(), declined.first_offer_ms()), (2, Some(20)));
        let expired = ride(&[asked, (9_000, TripState::Expired)]);
        assert_eq!((expired.offers(), expired.first_offer_ms()), (0, None));
    }
}
