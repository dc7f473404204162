//! A timing wheel of keys (Varghese and Lauck 1987, scheme 4, hashed by tick): expiry costs one step a key, and
//! no scan.
//!
//! Lazy: a key whose deadline moved is not moved in the wheel. It is looked at when its old deadline comes, and
//! put back by the answer. So every key is in the wheel once, and refreshing one costs nothing.

/// What to do with a key whose deadline has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WheelAction {
    /// Look at it again at this time.
    Reschedule(i64),
    /// Eviction it.
    Remove,
}

/// Keys with deadlines, in milliseconds.
#[derive(Debug)]
pub struct TimingWheel {
    tick_ms: i64,
    /// Ticks up to and including this one are done.
    done: i64,
    buckets: Vec<Vec<u32>>,
}

impl TimingWheel {
    /// A wheel of `buckets` ticks, at least 2, of `tick_ms` each. A deadline beyond its horizon is looked at
    /// when the horizon comes.
    pub fn new(now_ms: i64, tick_ms: i64, buckets: usize) -> Self {
        assert!(tick_ms > 0 && buckets >= 2, "a wheel turns by ticks over buckets");
        Self { tick_ms, done: now_ms.div_euclid(tick_ms), buckets: vec![Vec::new(); buckets] }
    }

    /// Watches `key`, which must not be watched already. A deadline that has passed comes with the next tick.
    pub fn insert(&mut self, key: u32, deadline_ms: i64) {
        // The tick that ends at or after the deadline: a key is never early.
        let tick = deadline_ms.div_euclid(self.tick_ms) + 1;
        let tick = tick.clamp(self.done + 1, self.done + self.buckets.len() as i64 - 1);
        let bucket = tick.rem_euclid(self.buckets.len() as i64) as usize;
        self.buckets[bucket].push(key);
    }

    /// Turns to `now_ms` and asks `verdict` about every key whose tick has come. Time that goes back is ignored.
    pub fn advance(&mut self, now_ms: i64, mut verdict: impl FnMut(u32) -> WheelAction) {
        let target = now_ms.div_euclid(self.tick_ms);
        // After a pause longer than the horizon every bucket is due once.
        self.done = self.done.max(target - self.buckets.len() as i64);
        while self.done < target {
            self.done += 1;
            let bucket = self.done.rem_euclid(self.buckets.len() as i64) as usize;
            let due = std::mem::take(&mut self.buckets[bucket]);
            for &key in &due {
                if let WheelAction::Reschedule(deadline_ms) = verdict(key) {
                    self.insert(key, deadline_ms);
                }
            }
            self.reuse(bucket, due);
        }
    }

    /// Memory of the keys.
    pub fn bytes(&self) -> usize {
        self.buckets.iter().map(|b| b.capacity() * size_of::<u32>()).sum()
    }

    /// Keeps the emptied bucket's memory unless the bucket has been filled meanwhile.
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

    /// Turns to `now_ms` and answers the keys that came, all gone.
    fn due(wheel: &mut TimingWheel, now_ms: i64) -> Vec<u32> {
        let mut keys = Vec::new();
        wheel.advance(now_ms, |key| {
            keys.push(key);
            WheelAction::Remove
        });
        keys
    }

    #[test]
    fn a_key_comes_once_after_its_deadline_and_never_before() {
        let mut wheel = TimingWheel::new(1_000, 100, 16);
        wheel.insert(7, 1_450);
        assert_eq!(due(&mut wheel, 1_450), []);
        assert_eq!(due(&mut wheel, 1_499), []);
        assert_eq!(due(&mut wheel, 1_500), [7]);
        assert_eq!(due(&mut wheel, 9_000), []);
    }

    #[test]
    fn a_refreshed_key_is_put_back() {
        let mut wheel = TimingWheel::new(0, 100, 16);
        wheel.insert(1, 250);
        wheel.advance(400, |_| WheelAction::Reschedule(900));
        assert_eq!(due(&mut wheel, 899), []);
        assert_eq!(due(&mut wheel, 1_000), [1]);
    }

    #[test]
    fn deadlines_in_the_past_and_beyond_the_horizon_come_too() {
        let mut wheel = TimingWheel::new(10_000, 100, 8);
        wheel.insert(1, -5);
        wheel.insert(2, 1_000_000);
        assert_eq!(due(&mut wheel, 10_100), [1]);
        assert_eq!(due(&mut wheel, 10_800), [2]);
    }

    #[test]
    fn a_long_pause_brings_every_key_once() {
        let mut wheel = TimingWheel::new(0, 100, 8);
        for key in 0..20 {
            wheel.insert(key, i64::from(key) * 37);
        }
        let mut keys = due(&mut wheel, 1_000_000);
        keys.sort_unstable();
        assert_eq!(keys, (0..20).collect::<Vec<_>>());
    }
}
