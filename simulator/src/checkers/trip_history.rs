//! The history of a trip, as the events of its market report it.

use kerb_trips::TripState;

/// A change of a trip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TripChange {
    /// Time of the change by the server's clock, milliseconds.
    pub at_ms: i64,
    /// The new state of the trip.
    pub state: TripState,
    /// Id of the driver concerned; empty for none.
    pub driver: String,
    /// The change is part of a takeover: the driver takes the trip over (`EnRoute`), gets a takeover offer (`Offered`),
    /// or does not take it (`Requested`). The trip stays en route meanwhile.
    pub takes_over: bool,
}

/// All changes of one trip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TripHistory {
    /// The service's id of the trip.
    pub trip: String,
    /// Changes by time.
    pub changes: Vec<TripChange>,
}

impl TripHistory {
    /// Creates an empty history.
    pub fn new(trip: String) -> Self {
        Self { trip, changes: Vec::new() }
    }

    /// Returns the number of offers.
    pub fn offers(&self) -> u64 {
        self.changes.iter().filter(|change| change.state == TripState::Offered).count() as u64
    }

    /// Returns the milliseconds from the request to the first offer.
    pub fn first_offer_ms(&self) -> Option<u64> {
        let first =
            |state| self.changes.iter().find(|change| change.state == state).map(|change| change.at_ms);
        Some((first(TripState::Offered)? - first(TripState::Requested)?).max(0).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_counted_and_the_first_one_is_timed() {
        let change = |(at_ms, state)| TripChange { at_ms, state, driver: String::new(), takes_over: false };
        let history = |changes: &[(i64, TripState)]| TripHistory {
            trip: "t".to_owned(),
            changes: changes.iter().copied().map(change).collect(),
        };
        let requested = (1_000, TripState::Requested);
        let declined = history(&[
            requested,
            (1_020, TripState::Offered),
            (1_100, TripState::Requested),
            (1_150, TripState::Offered),
        ]);
        assert_eq!((declined.offers(), declined.first_offer_ms()), (2, Some(20)));
        let expired = history(&[requested, (9_000, TripState::Expired)]);
        assert_eq!((expired.offers(), expired.first_offer_ms()), (0, None));
    }
}
