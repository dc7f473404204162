//! When a market's windows begin, and what is made of them.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use kerb_fleet::{DriverId, Error, TripId};
use tokio::time::Instant;

use super::MarketTask;
use crate::window::{Matched, Wanted, match_window};

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
        let offers = self.state.market.offer(now_ms, &matched.proposals);
        self.state.market.missed(&matched.left_out);
        self.state.windows += 1;
        self.state.last = LastWindow {
            requests: matched.requests,
            pairs: matched.pairs,
            offers: offers as u32,
            candidates_us: matched.candidates_us,
            solve_us: matched.solve_us,
            winners: matched.proposals.into_iter().map(|won| (won.driver, won.trip)).collect(),
        };
    }

    /// Begins a window when it is time, or sets the time of the next.
    pub(super) fn begin_window(&mut self) {
        let market = &self.state.market;
        if market.is_paused() || market.waiting().next().is_none() {
            self.window_at = None;
            return;
        }
        let now = Instant::now();
        let at = *self.window_at.get_or_insert(now + self.tools.window_min);
        if at > now || !self.matching.is_empty() {
            return;
        }
        self.window_at = Some(now + self.tools.window);
        let now_ms = self.tools.clock.now_ms();
        let waiting = market.waiting().take(self.tools.window_requests_max);
        let wanted = waiting.map(|waiting| Wanted::of(&waiting, now_ms)).collect();
        let tools = &self.tools;
        self.matching.spawn(match_window(
            wanted,
            now_ms,
            *tools.window_rules.lock(),
            tools.claims.clone(),
            Arc::clone(&tools.search),
            Arc::clone(&tools.times),
        ));
    }
}
