//! When a driver's old index server may remove it: once every other server shows the changes of the same tick, and every
//! search that began earlier has ended. Pure; it counts ticks and gets the time as an argument.

use std::collections::VecDeque;

use kerb_types::{Millis, Timestamp};

/// How long after a confirmation the old server still keeps the driver. A search may have read the new server before it
/// showed the driver and may read the old one last: within the longest default deadline of a search, and half as much
/// again.
pub const HANDOVER_MS: Millis = Millis::new(300);

/// How long a tick waits for its confirmations. A server that is further behind is cut off or dying, and its replicas
/// answer.
pub const HANDOVER_MAX_MS: Millis = Millis::new(3_000);

/// Number of a tick, from 1.
pub type Tick = u64;

/// A tick whose departures are not released yet.
#[derive(Clone, Copy, Debug)]
struct UnreleasedTick {
    tick: Tick,
    began_ms: Timestamp,
    /// When it was first known that every server shows the tick's changes.
    confirmed_ms: Option<Timestamp>,
}

/// The recent ticks: at most one for each millisecond of [`HANDOVER_MAX_MS`].
#[derive(Debug, Default)]
pub struct Handover {
    tick: Tick,
    released: Tick,
    unreleased: VecDeque<UnreleasedTick>,
}

impl Handover {
    /// Begins the next tick and returns its number. `confirmed` is the newest tick whose changes every server shows; `None`
    /// when there is no server to wait for.
    pub fn begin_tick(&mut self, now: Timestamp, confirmed: Option<Tick>) -> Tick {
        for unreleased in &mut self.unreleased {
            if confirmed.is_none_or(|tick| unreleased.tick <= tick) {
                unreleased.confirmed_ms.get_or_insert(now);
            }
        }
        while let Some(first) = self.unreleased.front()
            && first.is_over(now)
        {
            self.released = first.tick;
            self.unreleased.pop_front();
        }
        self.tick += 1;
        let newest = UnreleasedTick { tick: self.tick, began_ms: now, confirmed_ms: None };
        match self.unreleased.back_mut() {
            // Ticks of one moment count as one, so a clock that stands still costs no memory.
            Some(last) if last.began_ms == now => *last = newest,
            _ => self.unreleased.push_back(newest),
        }
        self.tick
    }

    /// Returns the newest tick whose departures may be removed.
    pub fn released(&self) -> Tick {
        self.released
    }
}

impl UnreleasedTick {
    fn is_over(&self, now: Timestamp) -> bool {
        let settled = self.confirmed_ms.is_some_and(|confirmed_ms| now - confirmed_ms >= HANDOVER_MS);
        // The lower bound is for a clock that was set back: without it the tick would wait for that time again.
        settled || !(Millis::ZERO..HANDOVER_MAX_MS).contains(&(now - self.began_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_tick_is_released_once_all_have_confirmed_it_for_the_time_of_a_search() {
        let mut handover = Handover::default();
        assert_eq!(handover.begin_tick(at(0), Some(0)), 1);
        assert_eq!(handover.begin_tick(at(100), Some(0)), 2);
        // Known to be confirmed from 200 on.
        assert_eq!(handover.begin_tick(at(200), Some(1)), 3);
        handover.begin_tick(at(199) + HANDOVER_MS, Some(1));
        assert_eq!(handover.released(), 0);
        handover.begin_tick(at(200) + HANDOVER_MS, Some(1));
        assert_eq!(handover.released(), 1);
        handover.begin_tick(at(2_000), Some(1));
        assert_eq!(handover.released(), 1, "the tick waits for a slow server");
    }

    #[test]
    fn a_tick_does_not_wait_for_a_server_that_stays_behind() {
        let mut handover = Handover::default();
        handover.begin_tick(at(0), Some(0));
        handover.begin_tick(at(-1) + HANDOVER_MAX_MS, Some(0));
        assert_eq!(handover.released(), 0);
        handover.begin_tick(at(0) + HANDOVER_MAX_MS, Some(0));
        assert_eq!(handover.released(), 1);
    }

    #[test]
    fn without_servers_a_tick_only_waits_for_searches() {
        let mut handover = Handover::default();
        handover.begin_tick(at(0), None);
        handover.begin_tick(at(1), None);
        handover.begin_tick(at(1) + HANDOVER_MS, None);
        assert_eq!(handover.released(), 1);
    }

    #[test]
    fn ticks_of_one_moment_and_a_clock_set_back_take_no_memory() {
        let mut handover = Handover::default();
        for _ in 0..10_000 {
            handover.begin_tick(at(5_000), Some(0));
        }
        assert_eq!(handover.unreleased.len(), 1);
        handover.begin_tick(at(0), Some(0));
        assert_eq!(handover.released(), 10_000);
    }
}
