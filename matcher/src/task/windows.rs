//! When a market's windows begin, and what is made of them.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use kerb_ports::Error;
use kerb_trips::TripId;
use kerb_types::DriverId;
use tokio::time::Instant;

use super::MarketTask;
use crate::window::{Matched, Moving, Wanted, WindowRules, match_window};

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
    pub(super) fn take_window(&mut self, now_ms: i64, matched: Result<Matched, Error>) {
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
        market.hold(&matched.held);
        market.missed(&matched.left_out);
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
        let rules = *self.tools.window_rules.lock();
        let moves = rules.moves_trips();
        if market.is_paused() || !(waits || moves && market.assigned().next().is_some()) {
            self.window_at = None;
            return;
        }
        let now = Instant::now();
        let first = if waits { self.tools.window_min } else { self.tools.window };
        let at = *self.window_at.get_or_insert(now + first);
        if at > now || !self.matching.is_empty() {
            return;
        }
        self.window_at = Some(now + self.tools.window);
        let now_ms = self.tools.clock.now_ms();
        let waiting = market.waiting().take(self.tools.window_requests_max);
        let wanted: Vec<_> = waiting.map(|waiting| Wanted::of(&waiting, now_ms)).collect();
        let moving = if moves { self.moving(&rules, now_ms) } else { Vec::new() };
        if wanted.is_empty() && moving.iter().all(|moving| moving.asked) {
            return;
        }
        let tools = &self.tools;
        self.matching.spawn(match_window(
            wanted,
            moving,
            now_ms,
            rules,
            tools.claims.clone(),
            Arc::clone(&tools.search),
            Arc::clone(&tools.times),
        ));
    }

    /// Trips whose drivers are under way and were seen not long ago. Of too many, those with the longest ways left.
    fn moving(&self, rules: &WindowRules, now_ms: i64) -> Vec<Moving> {
        let k = self.tools.rules.k_min;
        let under_way = self.state.market.under_way(now_ms).into_iter();
        let fresh = under_way.filter(|under_way| rules.is_fresh(under_way.measured_ms, now_ms));
        let mut moving: Vec<_> = fresh.map(|under_way| Moving::of(&under_way, k, now_ms)).collect();
        if moving.len() > MOVING_MAX {
            moving.sort_by(|a, b| b.left_m().total_cmp(&a.left_m()));
            moving.truncate(MOVING_MAX);
        }
        moving
    }
}
