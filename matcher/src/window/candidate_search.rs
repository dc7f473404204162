//! The searches of a window: they continue until every request has enough available drivers, or all drivers in range
//! are found.
//!
//! The nearest drivers may be reserved, unreachable or barred, and requests at one place share them. So a search whose
//! answer is full is repeated with a larger limit, and the requests that the assignment leaves out are searched again.

use std::collections::HashSet;

use foldhash::quality::RandomState;
use kerb_ports::{NearbyQuery, NearbyResult, NearbyResults};
use kerb_trips::TripId;
use kerb_types::limits::NEIGHBORS_MAX;

use crate::window::WindowInput;

/// The factor by which a limit grows.
const GROWTH: u32 = 4;
/// How often a window assigns again, with more candidates for the requests that it left out.
const WIDENINGS_MAX: u32 = 2;
/// Bound of the drivers that one widening searches, so that a shortage in a whole city stays cheap.
const WIDENED_DRIVERS_MAX: u32 = 50_000;

/// The searches of a window, and what they have found so far.
pub(super) struct CandidateSearch {
    rows: Vec<Row>,
    nearby: NearbyResults,
    widenings: u32,
}

/// The search of one request.
struct Row {
    /// The number of available drivers that the search needs.
    wanted: u32,
    /// The limit of the newest search.
    limit: u32,
    /// Whether a search with this limit is due.
    is_due: bool,
}

impl CandidateSearch {
    /// The first searches are due for all rows.
    pub(super) fn new(input: &WindowInput) -> Self {
        let rows: Vec<_> = input.rows().map(|row| Row::new(row.k, row.barred.len())).collect();
        let nearby =
            NearbyResults { neighbors: Vec::new(), results: vec![NearbyResult::default(); rows.len()] };
        Self { rows, nearby, widenings: 0 }
    }

    /// Returns what was found.
    pub(super) fn nearby(&self) -> &NearbyResults {
        &self.nearby
    }

    /// Returns the queries that are due.
    pub(super) fn queries(&self, input: &WindowInput) -> Vec<NearbyQuery> {
        let due = input.rows().zip(&self.rows).filter(|(_, row)| row.is_due);
        due.map(|(request, row)| request.query(row.limit, &input.rules, input.now)).collect()
    }

    /// Takes the answers to the queries that were due. A search with a full answer and too few available drivers becomes due
    /// again.
    pub(super) fn add(&mut self, input: &WindowInput, found: NearbyResults) {
        let NearbyResults { neighbors, results } = &mut self.nearby;
        let first = neighbors.len() as u32;
        neighbors.extend(found.neighbors);
        let mut answers = found.results.into_iter();
        for ((request, row), result) in input.rows().zip(&mut self.rows).zip(results) {
            if !row.is_due {
                continue;
            }
            let Some(answer) = answers.next() else { return };
            let indices = answer.indices.into_iter().map(|index| first + index).collect();
            *result = NearbyResult { indices, complete: answer.complete };
            let drivers = result.indices.iter().map(|index| &neighbors[*index as usize].profile.id);
            let usable = drivers.filter(|driver| input.can_ask(request, driver)).count();
            row.is_due = row.is_full(result) && usable < row.wanted as usize && row.grow();
        }
    }

    /// Makes searches due for the requests that the assignment left out, oldest first, if more drivers may be near.
    /// Returns whether a search is due.
    pub(super) fn widen(&mut self, input: &WindowInput, unmatched: &[TripId]) -> bool {
        if self.widenings == WIDENINGS_MAX || unmatched.is_empty() {
            return false;
        }
        self.widenings += 1;
        let unmatched: HashSet<&TripId, RandomState> = unmatched.iter().collect();
        let mut budget = WIDENED_DRIVERS_MAX;
        for ((request, row), result) in input.requests.iter().zip(&mut self.rows).zip(&self.nearby.results) {
            if !unmatched.contains(&request.trip) || !row.is_full(result) {
                continue;
            }
            row.wanted = row.wanted.saturating_mul(GROWTH);
            row.is_due = row.grow();
            budget = budget.saturating_sub(row.limit);
            if budget == 0 {
                break;
            }
        }
        self.rows.iter().any(|row| row.is_due)
    }
}

impl Row {
    fn new(wanted: u32, barred: usize) -> Self {
        // A trip has few barred drivers, so the cast cannot lose.
        Self { wanted, limit: wanted.saturating_add(barred as u32).min(NEIGHBORS_MAX), is_due: true }
    }

    /// Whether there may be drivers beyond the answer.
    fn is_full(&self, answer: &NearbyResult) -> bool {
        answer.indices.len() >= self.limit as usize
    }

    /// Raises the limit. Returns whether that was possible.
    fn grow(&mut self) -> bool {
        let limit = self.limit.saturating_mul(GROWTH).min(NEIGHBORS_MAX);
        std::mem::replace(&mut self.limit, limit) < limit
    }
}
