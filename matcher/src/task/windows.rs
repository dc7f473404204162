//! When a market's windows begin, and what the market decides after them.

use std::sync::Arc;

use kerb_types::Timestamp;
use tokio::time::Instant;

use super::MarketTask;
use crate::error::MatcherError;
use crate::task::state::LastWindow;
use crate::window::{EnRouteTrip, MatchOutcome, PendingRequest, WindowInput, WindowRules, match_window};

/// Maximum number of en-route trips in a window.
const EN_ROUTE_MAX: usize = 1_000;

impl MarketTask {
    /// Decides after a window: makes the offers that are still possible.
    pub(super) fn finish_window(&mut self, now: Timestamp, matched: Result<MatchOutcome, MatcherError>) {
        let outcome = match matched {
            Ok(outcome) => outcome,
            Err(error) => {
                self.context.metrics.windows_failed.increment();
                tracing::warn!(market = %self.state.market.id(), %error, "a window was not matched");
                return;
            }
        };
        self.windows.finish(now, &outcome);
        let market = &mut self.state.market;
        let offers = market.offer(now, &outcome.proposals) + market.reassign(now, &outcome.reassignments);
        market.defer(now, &outcome.deferred);
        market.widen_search(&outcome.unmatched);
        self.context.metrics.windows.increment();
        self.context.metrics.offers.add(offers as u64);
        self.state.windows += 1;
        self.state.last = LastWindow {
            requests: outcome.requests,
            pairs: outcome.pairs,
            // A window has at most `window_requests_max` requests, which is a `u32`.
            offers: offers as u32,
            candidates_us: outcome.candidates_us,
            solve_us: outcome.solve_us,
            winners: outcome.into_winners(),
        };
    }

    /// Begins a window if it is time, or sets the time of the next one.
    pub(super) fn begin_window(&mut self) {
        let market = &self.state.market;
        let has_requests = market.waiting().next().is_some();
        let rules = self.context.window_rules.lock().serving_overdue(self.windows.serves_overdue());
        let reassigns = rules.reassigns_trips();
        if market.is_paused() || !(has_requests || reassigns && market.assigned().next().is_some()) {
            self.windows.stop();
            return;
        }
        let (begins, now) = (Instant::now(), self.context.clock.now());
        let wait_starts = market.wait_starts();
        let at = if has_requests {
            self.windows.next_for_requests(begins, now, wait_starts)
        } else {
            self.windows.next_for_trips(begins)
        };
        if at > begins || !self.matching.is_empty() {
            return;
        }
        let waiting = market.waiting().take(self.context.window_requests_max);
        let requests: Vec<_> = waiting.map(|waiting| PendingRequest::of(&waiting, now)).collect();
        self.windows.begin(begins, now, &requests, wait_starts);
        let en_route = if reassigns { self.en_route_trips(&rules, now) } else { Vec::new() };
        if requests.is_empty() && en_route.iter().all(|trip| trip.has_takeover_offer) {
            return;
        }
        let context = &self.context;
        let reservations = context.reservations.clone();
        let input = WindowInput { requests, en_route, now, rules, reservations };
        let (search, times) = (Arc::clone(&context.search), Arc::clone(&context.times));
        self.matching.spawn(match_window(input, search, times));
    }

    /// Returns the en-route trips with a fresh position. If there are too many, the longest remaining distances count.
    fn en_route_trips(&self, rules: &WindowRules, now: Timestamp) -> Vec<EnRouteTrip> {
        let k = self.context.rules.k_min;
        let views = self.state.market.en_route_trips(now).into_iter();
        let fresh = views.filter(|view| rules.is_fresh(view.measured_ms, now));
        let mut trips: Vec<_> = fresh.map(|view| EnRouteTrip::of(&view, k, now)).collect();
        if trips.len() > EN_ROUTE_MAX {
            trips.sort_by(|a, b| b.pickup_distance_m().total_cmp(&a.pickup_distance_m()));
            trips.truncate(EN_ROUTE_MAX);
        }
        trips
    }
}
