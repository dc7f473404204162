//! One window: the candidates of all its requests, their travel times, one assignment, and the proposals.
//!
//! [`match_window`] is the async shell; everything else has no I/O.

mod assign;
mod candidate_search;
mod candidates;
mod match_outcome;
mod penalties;
mod pending_request;
mod pickup_limit;
mod reoptimize;
mod rules;
mod window_pace;

use std::sync::Arc;

use kerb_ports::{NearbyResults, NearbySearch, TravelTimes};
use kerb_types::{DriverId, Stopwatch, Timestamp, run_blocking};
use tokio::time::Instant;

use crate::error::MatcherError;
use crate::market::Reservations;
pub use assign::assign;
use candidate_search::CandidateSearch;
pub use candidates::Candidates;
pub use match_outcome::{MatchOutcome, WinnersByDriver};
pub use pending_request::PendingRequest;
pub(crate) use pending_request::available_filter;
pub use pickup_limit::PickupLimit;
pub use reoptimize::{EnRouteTrip, reoptimize};
pub use rules::WindowRules;
pub use window_pace::WindowPace;

/// The input of a window.
pub struct WindowInput {
    /// The requests, oldest first.
    pub requests: Vec<PendingRequest>,
    /// The en-route trips; empty unless the policy reassigns them.
    pub en_route: Vec<EnRouteTrip>,
    /// Start of the window, in milliseconds since the Unix epoch.
    pub now: Timestamp,
    /// The rules of the window.
    pub rules: WindowRules,
    /// The reservations of all markets.
    pub reservations: Reservations,
}

impl WindowInput {
    /// Returns the requests, and the en-route trips that may be reassigned as if they were requests.
    fn rows(&self) -> impl Iterator<Item = &PendingRequest> {
        self.requests.iter().chain(reoptimize::reassignable(&self.en_route))
    }

    /// Whether the request may be offered to the driver now.
    fn can_ask(&self, request: &PendingRequest, driver: &DriverId) -> bool {
        !request.barred.contains(driver) && self.reservations.is_available(driver, self.now)
    }

    fn solve(&self, nearby: &NearbyResults, times: &dyn TravelTimes) -> MatchOutcome {
        let solving = Stopwatch::start();
        let mut candidates = Candidates::of(self.rows(), nearby, &self.reservations, self.now);
        let outcome = if self.en_route.is_empty() {
            let table = times.table_toward(&candidates.table, &candidates.headings_deg);
            assign(&self.requests, &candidates, &table, &self.rules)
        } else {
            candidates.add_en_route(&self.requests, &self.en_route, &self.rules);
            let table = times.table_toward(&candidates.table, &candidates.headings_deg);
            reoptimize(&self.requests, &self.en_route, &candidates, &table, &self.rules)
        };
        MatchOutcome { solve_us: micros_of(solving), ..outcome }
    }
}

/// Searches the candidates, and solves the assignment on a thread for blocking work. Requests that it leaves out are
/// searched wider and assigned again, as long as that may help and the search has time.
pub async fn match_window(
    input: WindowInput,
    search: Arc<dyn NearbySearch>,
    times: Arc<dyn TravelTimes>,
) -> Result<MatchOutcome, MatcherError> {
    let deadline = Instant::now() + input.rules.search_timeout;
    let (mut candidates_us, mut solve_us) = (0_u32, 0_u32);
    let mut candidates = CandidateSearch::new(&input);
    let mut input = Box::new(input);
    loop {
        let searching = Stopwatch::start();
        search_candidates(&input, &mut candidates, search.as_ref(), deadline).await?;
        candidates_us = candidates_us.saturating_add(micros_of(searching));
        let times = Arc::clone(&times);
        let solved = run_blocking(move || {
            let outcome = input.solve(candidates.nearby(), times.as_ref());
            (input, candidates, outcome)
        });
        let outcome;
        (input, candidates, outcome) = solved
            .await
            .map_err(|error| MatcherError::Internal(format!("a window was not solved: {error}")))?;
        solve_us = solve_us.saturating_add(outcome.solve_us);
        if Instant::now() >= deadline || !candidates.widen(&input, &outcome.unmatched) {
            return Ok(MatchOutcome { candidates_us, solve_us, ..outcome });
        }
    }
}

/// Runs the searches that are due, until none is.
async fn search_candidates(
    input: &WindowInput,
    candidates: &mut CandidateSearch,
    search: &dyn NearbySearch,
    deadline: Instant,
) -> Result<(), MatcherError> {
    loop {
        let queries = candidates.queries(input);
        if queries.is_empty() {
            return Ok(());
        }
        let query_count = queries.len();
        let found = search.nearest(queries, deadline).await?;
        let answers = &found.results;
        if answers.len() != query_count {
            let text = format!("{} answers to {query_count} queries for candidates", answers.len());
            return Err(MatcherError::Internal(text));
        }
        let incomplete = answers.iter().filter(|answer| !answer.complete).count();
        if incomplete > 0 {
            tracing::warn!(incomplete, "candidates are missing: not every shard answered in time");
        }
        candidates.add(input, found);
    }
}

fn micros_of(stopwatch: Stopwatch) -> u32 {
    u32::try_from(stopwatch.us()).unwrap_or(u32::MAX)
}
