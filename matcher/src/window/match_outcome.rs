//! The result of a window.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use kerb_trips::TripId;
use kerb_types::DriverId;

use crate::market::{Proposal, Reassignment};

/// The trip that a window proposed for each driver.
pub type WinnersByDriver = HashMap<DriverId, TripId, RandomState>;

/// The result of a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchOutcome {
    /// The offers to make.
    pub proposals: Vec<Proposal>,
    /// The takeover offers to make.
    pub reassignments: Vec<Reassignment>,
    /// Requests that are deferred until an en-route driver frees up.
    pub deferred: Vec<TripId>,
    /// Requests without a driver.
    pub unmatched: Vec<TripId>,
    /// The window first served the oldest overdue request with a driver in reach.
    pub served_overdue: bool,
    /// Number of requests.
    pub requests: u32,
    /// Number of edges between requests and candidates.
    pub pairs: u32,
    /// Duration of the candidate search, in microseconds.
    pub candidates_us: u32,
    /// Duration of travel times and assignment, in microseconds.
    pub solve_us: u32,
}

impl MatchOutcome {
    /// Returns the trip that the window proposed for each driver.
    pub fn into_winners(self) -> WinnersByDriver {
        let takeovers = self.reassignments.into_iter().map(|reassignment| reassignment.to);
        let won = self.proposals.into_iter().chain(takeovers);
        won.map(|proposal| (proposal.driver, proposal.trip)).collect()
    }
}
