//! The cost of leaving each request of a window unmatched.
//!
//! An assignment at the least total cost always prefers near requests, so a far one could lose its drivers to ever new near
//! ones. Therefore some windows first serve the oldest overdue request that has a driver in reach
//! ([`WindowInput::serves_overdue`](crate::window::WindowInput::serves_overdue)).

use kerb_assignment::PENALTY_MAX;
use kerb_ports::{Leg, TravelTimeTable};

use crate::window::pending_request::PendingRequest;
use crate::window::rules::WindowRules;

/// The cost of leaving each request unmatched, in seconds.
pub(super) struct Penalties {
    /// By row of the request.
    pub(super) of_rows: Vec<u32>,
    /// The row of the request that goes first, whatever that costs the others.
    pub(super) overdue_row: Option<u32>,
}

impl Penalties {
    /// The legs are sorted by destination. `may_serve` is true for origins that may serve requests at all.
    pub(super) fn new(
        requests: &[PendingRequest],
        legs: &[Leg],
        table: &TravelTimeTable,
        rules: &WindowRules,
        may_serve: impl Fn(u32) -> bool,
    ) -> Self {
        let mut of_rows: Vec<u32> = requests.iter().map(|request| request.penalty(rules)).collect();
        let is_overdue_in_reach = |leg: &Leg, seconds: u32| {
            requests.get(leg.destination as usize).is_some_and(|request| {
                request.is_overdue(rules) && seconds <= request.pickup_limit_s(rules) && may_serve(leg.origin)
            })
        };
        // Requests are sorted by age, and legs by request, so the first such leg is of the oldest such request.
        let mut timed = legs.iter().zip(&table.seconds).filter(|_| rules.serves_overdue);
        let overdue_row =
            timed.find(|(leg, seconds)| is_overdue_in_reach(leg, **seconds)).map(|(leg, _)| leg.destination);
        if let Some(row) = overdue_row {
            // More than another request can save by taking the driver.
            let largest = of_rows.iter().copied().max().unwrap_or(0);
            of_rows[row as usize] = largest.saturating_add(rules.pickup_limit.max_s).min(PENALTY_MAX);
        }
        Self { of_rows, overdue_row }
    }

    /// Returns the largest penalty; 0 without requests.
    pub(super) fn largest(&self) -> u32 {
        self.of_rows.iter().copied().max().unwrap_or(0)
    }
}
