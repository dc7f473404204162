//! A timing wheel of keys (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 4): expiry
//! costs one step per key, without scans.
//!
//! The wheel is lazy: a key whose deadline moves stays in its bucket. When the old deadline comes, the caller decides
//! whether the key is removed or rescheduled. So every key is in the wheel once, and refreshing a key costs nothing.

use crate::{Millis, Timestamp};

/// The decision about a key whose deadline has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WheelAction {
    /// The key comes up again at this time.
    Reschedule(Timestamp),
    /// The key leaves the wheel.
    Remove,
}

/// Keys with deadlines.
#[derive(Debug)]
pub struct TimingWheel {
    tick_ms: i64,
    /// The last tick that was processed.
    done: i64,
    buckets: Vec<Vec<u32>>,
}

impl TimingWheel {
    /// A wheel of `buckets` ticks, at least 2, of `tick` each. A key whose deadline is beyond the horizon comes up at the
    /// horizon.
    pub fn new(now: Timestamp, tick: Millis, buckets: usize) -> Self {
        let tick_ms = tick.get();
        assert!(tick_ms > 0 && buckets >= 2, "a wheel has ticks and at least two buckets");
        Self { tick_ms, done: now.as_millis().div_euclid(tick_ms), buckets: vec![Vec::new(); buckets] }
    }

    /// Adds `key`, which must not be in the wheel. A deadline in the past comes up with the next tick.
    pub fn insert(&mut self, key: u32, deadline: Timestamp) {
        // The tick that ends at or after the deadline, so that a key is never early.
        let tick = deadline.as_millis().div_euclid(self.tick_ms) + 1;
        let tick = tick.clamp(self.done + 1, self.done + self.buckets.len() as i64 - 1);
        let bucket = tick.rem_euclid(self.buckets.len() as i64) as usize;
        self.buckets[bucket].push(key);
    }

    /// Advances to `now` and calls `action` for every key whose tick has come. Time that goes back is ignored.
    pub fn advance(&mut self, now: Timestamp, mut action: impl FnMut(u32) -> WheelAction) {
        let target = now.as_millis().div_euclid(self.tick_ms);
        // After a pause longer than the horizon every bucket is due once.
        self.done = self.done.max(target - self.buckets.len() as i64);
        while self.done < target {
            self.done += 1;
            let bucket = self.done.rem_euclid(self.buckets.len() as i64) as usize;
            let due = std::mem::take(&mut self.buckets[bucket]);
            for &key in &due {
                if let WheelAction::Reschedule(deadline) = action(key) {
                    self.insert(key, deadline);
                }
            }
            self.reuse(bucket, due);
        }
    }

    /// Returns the memory of the keys in bytes.
    pub fn bytes(&self) -> usize {
        self.buckets.iter().map(|b| b.capacity() * size_of::<u32>()).sum()
    }

    /// Keeps the memory of an emptied bucket, unless rescheduled keys have filled the bucket again.
    fn reuse(&mut self, bucket: usize, mut due: Vec<u32>) {
        if self.buckets[bucket].is_empty() {
            due.clear();
            self.buckets[bucket] = due;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// Advances to `now_ms` and returns the keys that came up, all removed.
    fn due(wheel: &mut TimingWheel, now_ms: i64) -> Vec<u32> {
        let mut keys = Vec::new();
        wheel.advance(at(now_ms), |key| {
            keys.push(key);
            WheelAction::Remove
        });
        keys
    }

    #[test]
    fn a_key_comes_once_after_its_deadline_and_never_before() {
        let mut wheel = TimingWheel::new(at(1_000), Millis::new(100), 16);
        wheel.insert(7, at(1_450));
        assert_eq!(due(&mut wheel, 1_450), []);
        assert_eq!(due(&mut wheel, 1_499), []);
        assert_eq!(due(&mut wheel, 1_500), [7]);
        assert_eq!(due(&mut wheel, 9_000), []);
    }

    #[test]
    fn a_refreshed_key_is_put_back() {
        let mut wheel = TimingWheel::new(at(0), Millis::new(100), 16);
        wheel.insert(1, at(250));
        wheel.advance(at(400), |_| WheelAction::Reschedule(at(900)));
        assert_eq!(due(&mut wheel, 899), []);
        assert_eq!(due(&mut wheel, 1_000), [1]);
    }

    #[test]
    fn deadlines_in_the_past_and_beyond_the_horizon_come_too() {
        let mut wheel = TimingWheel::new(at(10_000), Millis::new(100), 8);
        wheel.insert(1, at(-5));
        wheel.insert(2, at(1_000_000));
        assert_eq!(due(&mut wheel, 10_100), [1]);
        assert_eq!(due(&mut wheel, 10_800), [2]);
    }

    #[test]
    fn a_long_pause_brings_every_key_once() {
        let mut wheel = TimingWheel::new(at(0), Millis::new(100), 8);
        for key in 0..20 {
            wheel.insert(key, at(i64::from(key) * 37));
        }
        let mut keys = due(&mut wheel, 1_000_000);
        keys.sort_unstable();
        assert_eq!(keys, (0..20).collect::<Vec<_>>());
    }
}
