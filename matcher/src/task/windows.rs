//! When a market's windows begin, and what is made of them.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use kerb_ports::Error;
use kerb_trips::TripId;
use kerb_types::DriverId;
use tokio::time::Instant;

use super::MarketTask;
use crate::window::{EnRouteTrip, MatchOutcome, PendingRequest, WindowRules, match_window};

/// Trips under way of one window, at most.
const MOVING_MAX: usize = 1_000;

/// What the last window came to.
#[derive(Default)]
pub(crate) struct LastWindow {
    pub(crate) requests: u32,
    pub(crate) pairs: u32,
    pub(crate) offers: u32,
    pub(crate) candidates_us: u32,
    pub(crate) solve_us: u32,
    /// Which request each driver was given to.
    pub(crate) winners: HashMap<DriverId, TripId, RandomState>,
}

impl MarketTask {
    /// What a window came to.
    pub(super) fn take_window(&mut self, now_ms: i64, matched: Result<MatchOutcome, Error>) {
        let matched = match matched {
            Ok(matched) => matched,
            Err(error) => {
                tracing::warn!(market = %self.state.market.id(), %error, "a window was not matched");
                return;
            }
        };
        let market = &mut self.state.market;
        let offers =
            market.offer(now_ms, &matched.proposals) + market.reassign(now_ms, &matched.reassignments);
        market.defer(&matched.deferred);
        market.widen_search(&matched.unmatched);
        self.state.windows += 1;
        self.state.last = LastWindow {
            requests: matched.requests,
            pairs: matched.pairs,
            offers: offers as u32,
            candidates_us: matched.candidates_us,
            solve_us: matched.solve_us,
            winners: {
                let moved = matched.reassignments.into_iter().map(|moved| moved.to);
                let won = matched.proposals.into_iter().chain(moved);
                won.map(|won| (won.driver, won.trip)).collect()
            },
        };
    }

    /// Begins a window when it is time, or sets the time of the next.
    pub(super) fn begin_window(&mut self) {
        let market = &self.state.market;
        let waits = market.waiting().next().is_some();
        let rules = *self.context.window_rules.lock();
        let moves = rules.moves_trips();
        if market.is_paused() || !(waits || moves && market.assigned().next().is_some()) {
            self.window_at = None;
            return;
        }
        let now = Instant::now();
        let first = if waits { self.context.window_min } else { self.context.window };
        let at = *self.window_at.get_or_insert(now + first);
        if at > now || !self.matching.is_empty() {
            return;
        }
        self.window_at = Some(now + self.context.window);
        let now_ms = self.context.clock.now_ms();
        let waiting = market.waiting().take(self.context.window_requests_max);
        let wanted: Vec<_> = waiting.map(|waiting| PendingRequest::of(&waiting, now_ms)).collect();
        let moving = if moves { self.moving(&rules, now_ms) } else { Vec::new() };
        if wanted.is_empty() && moving.iter().all(|moving| moving.asked) {
            return;
        }
        let context = &self.context;
        self.matching.spawn(match_window(
            wanted,
            moving,
            now_ms,
            rules,
            context.reservations.clone(),
            Arc::clone(&context.search),
            Arc::clone(&context.times),
        ));
    }

    /// Trips whose drivers are under way and were seen not long ago. Of too many, those with the longest ways left.
    fn moving(&self, rules: &WindowRules, now_ms: i64) -> Vec<EnRouteTrip> {
        let k = self.context.rules.k_min;
        let en_route_trips = self.state.market.en_route_trips(now_ms).into_iter();
        let fresh =
            en_route_trips.filter(|en_route_trips| rules.is_fresh(en_route_trips.measured_ms, now_ms));
        let mut moving: Vec<_> =
            fresh.map(|en_route_trips| EnRouteTrip::of(&en_route_trips, k, now_ms)).collect();
        if moving.len() > MOVING_MAX {
            moving.sort_by(|a, b| b.left_m().total_cmp(&a.left_m()));
            moving.truncate(MOVING_MAX);
        }
        moving
    }
}
