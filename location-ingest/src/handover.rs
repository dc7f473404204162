//! When a driver's last index server may let go of it: once every other server shows what the same tick told it, and
//! a search that began before has ended. Pure; it counts ticks, and `now` comes in.

use std::collections::VecDeque;

/// A search that has asked one server before it showed a driver asks the other one, at the latest, so much later: the
/// longest deadline of a search whose caller names none, and half as much again.
pub const HANDOVER_MS: i64 = 300;

/// A server that is so far behind is not waited for: it is cut off or dying, and its replicas answer.
pub const HANDOVER_MAX_MS: i64 = 3_000;

/// Number of a tick, from 1.
pub type Tick = u64;

/// A tick whose removals wait.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    tick: Tick,
    at_ms: i64,
    /// Since when every server shows its changes.
    shown_ms: Option<i64>,
}

/// The ticks of the last moments, at most one for each millisecond of [`HANDOVER_MAX_MS`].
#[derive(Debug, Default)]
pub struct Handover {
    tick: Tick,
    released: Tick,
    waiting: VecDeque<Waiting>,
}

impl Handover {
    /// The next tick begins. `shown` is the newest one whose changes every server shows that is to be waited for;
    /// `None` when there is none to wait for.
    pub fn begin(&mut self, now_ms: i64, shown: Option<Tick>) -> Tick {
        for waiting in self.waiting.iter_mut().filter(|waiting| shown.is_none_or(|tick| waiting.tick <= tick))
        {
            waiting.shown_ms.get_or_insert(now_ms);
        }
        while let Some(first) = self.waiting.front()
            && first.is_over(now_ms)
        {
            self.released = first.tick;
            self.waiting.pop_front();
        }
        self.tick += 1;
        match self.waiting.back_mut() {
            // Ticks of one moment count as one, so that a clock that stands still costs nothing.
            Some(last) if last.at_ms == now_ms => {
                *last = Waiting { tick: self.tick, at_ms: now_ms, shown_ms: None }
            }
            _ => self.waiting.push_back(Waiting { tick: self.tick, at_ms: now_ms, shown_ms: None }),
        }
        self.tick
    }

    /// What left in this tick or before may be removed.
    pub fn released(&self) -> Tick {
        self.released
    }
}

impl Waiting {
    fn is_over(&self, now_ms: i64) -> bool {
        let settled = self.shown_ms.is_some_and(|shown_ms| now_ms - shown_ms >= HANDOVER_MS);
        // A clock that was set back: nothing is waited for twice as long.
        settled || !(0..HANDOVER_MAX_MS).contains(&(now_ms - self.at_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_released_when_all_have_shown_it_for_the_time_of_a_search() {
        let mut handover = Handover::default();
        assert_eq!(handover.begin(0, Some(0)), 1);
        assert_eq!(handover.begin(100, Some(0)), 2);
        // Shown from 200 on, as far as is known.
        assert_eq!(handover.begin(200, Some(1)), 3);
        handover.begin(200 + HANDOVER_MS - 1, Some(1));
        assert_eq!(handover.released(), 0);
        handover.begin(200 + HANDOVER_MS, Some(1));
        assert_eq!(handover.released(), 1);
        handover.begin(2_000, Some(1));
        assert_eq!(handover.released(), 1, "a slow server is waited for");
    }

    #[test]
    fn a_server_that_stays_behind_is_not_waited_for_for_ever() {
        let mut handover = Handover::default();
        handover.begin(0, Some(0));
        handover.begin(HANDOVER_MAX_MS - 1, Some(0));
        assert_eq!(handover.released(), 0);
        handover.begin(HANDOVER_MAX_MS, Some(0));
        assert_eq!(handover.released(), 1);
    }

    #[test]
    fn without_servers_only_searches_are_waited_for() {
        let mut handover = Handover::default();
        handover.begin(0, None);
        handover.begin(1, None);
        handover.begin(1 + HANDOVER_MS, None);
        assert_eq!(handover.released(), 1);
    }

    #[test]
    fn ticks_of_one_moment_and_a_clock_set_back_take_no_room() {
        let mut handover = Handover::default();
        for _ in 0..10_000 {
            handover.begin(5_000, Some(0));
        }
        assert_eq!(handover.waiting.len(), 1);
        handover.begin(0, Some(0));
        assert_eq!(handover.released(), 10_000);
    }
}
