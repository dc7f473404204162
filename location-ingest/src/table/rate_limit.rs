//! The rate limit of one driver: a token bucket, stored as the one number of the generic cell rate algorithm (ITU-T I.371).
//! Pure: the state and the time are arguments.

use kerb_types::Timestamp;

/// A sustained rate and a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Time between two updates at the sustained rate.
    interval_us: i64,
    /// How far a driver may be ahead of the sustained rate.
    tolerance_us: i64,
}

/// How an update relates to the rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The update is within the limit.
    Fine,
    /// The update is within the limit, but more than half of the burst is used up: the driver must report less often.
    Fast,
    /// The update exceeds the limit.
    TooFast,
}

impl RateLimit {
    /// Allows every update.
    pub const NONE: Self = Self { interval_us: 0, tolerance_us: 0 };

    /// Allows `updates_per_s` sustained and `burst` at once. A rate of 0 allows every update.
    pub fn new(updates_per_s: u32, burst: u32) -> Self {
        if updates_per_s == 0 {
            return Self::NONE;
        }
        let interval_us = 1_000_000 / i64::from(updates_per_s);
        Self { interval_us, tolerance_us: interval_us * (i64::from(burst.max(1)) - 1) }
    }

    /// Checks an update at `now`. `due_us` is the driver's state: when its next update is due, 0 at first.
    #[inline]
    pub fn check(self, due_us: &mut i64, now: Timestamp) -> Pace {
        if self.interval_us == 0 {
            return Pace::Fine;
        }
        let now_us = now.as_millis().saturating_mul(1_000);
        // The clamp is for a clock that was set back: without it, the driver would be locked out until the old time.
        let ahead_us = (*due_us - now_us).clamp(0, self.tolerance_us + self.interval_us);
        if ahead_us > self.tolerance_us {
            return Pace::TooFast;
        }
        *due_us = now_us + ahead_us + self.interval_us;
        if ahead_us * 2 > self.tolerance_us { Pace::Fast } else { Pace::Fine }
    }
}

/// When a driver's next update is due, in microseconds, of which the 48 low bits are stored. They are unique within four years
/// of the present.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DueTime([u8; 6]);

impl DueTime {
    /// Returns the time that is nearest to now of all times with these bits; 0 at first.
    #[inline]
    pub(crate) fn get(self, now: Timestamp) -> i64 {
        let mut bytes = [0; 8];
        bytes[..self.0.len()].copy_from_slice(&self.0);
        let due = u64::from_le_bytes(bytes);
        if due == 0 {
            return 0;
        }
        let now_us = now.as_millis().saturating_mul(1_000);
        // The difference modulo 2^48, then with its sign extended from bit 47.
        let ahead = due.wrapping_sub(now_us.cast_unsigned()) << 16;
        now_us.saturating_add(ahead.cast_signed() >> 16)
    }

    /// Stores the time.
    #[inline]
    pub(crate) fn set(&mut self, due_us: i64) {
        let len = self.0.len();
        self.0.copy_from_slice(&due_us.to_le_bytes()[..len]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_warned_at_its_half_and_cut_at_its_end() {
        let limit = RateLimit::new(5, 20);
        let mut due = 0;
        let paces: Vec<_> =
            (0..22).map(|_| limit.check(&mut due, Timestamp::from_millis(1_000_000))).collect();
        assert!(paces[..10].iter().all(|p| *p == Pace::Fine));
        assert!(paces[10..20].iter().all(|p| *p == Pace::Fast));
        assert!(paces[20..].iter().all(|p| *p == Pace::TooFast));
        assert_eq!(limit.check(&mut due, Timestamp::from_millis(1_000_199)), Pace::TooFast);
        assert_eq!(limit.check(&mut due, Timestamp::from_millis(1_000_200)), Pace::Fast);
    }

    #[test]
    fn the_sustained_rate_is_never_limited() {
        let limit = RateLimit::new(5, 20);
        let mut due = 0;
        assert!(
            (0..10_000).all(|i| limit.check(&mut due, Timestamp::from_millis(7 + i * 200)) == Pace::Fine)
        );
    }

    #[test]
    fn a_due_time_survives_its_48_bits() {
        assert_eq!(DueTime::default().get(Timestamp::from_millis(1_800_000_000_000)), 0);
        for now in [-5, 0, 1, 1_800_000_000_000, (1 << 48) / 1_000] {
            for ahead_us in [-(1 << 46), -3_000_000, -1, 1, 3_999_999, 1 << 46] {
                let mut due = DueTime::default();
                due.set(now * 1_000 + ahead_us);
                assert_eq!(due.get(Timestamp::from_millis(now)), now * 1_000 + ahead_us);
            }
        }
    }

    #[test]
    fn no_limit_and_a_clock_set_back() {
        let mut due = 0;
        assert!((0..1_000).all(|_| RateLimit::NONE.check(&mut due, Timestamp::from_millis(5)) == Pace::Fine));
        let limit = RateLimit::new(1, 1);
        assert_eq!(limit.check(&mut due, Timestamp::from_millis(1_000_000_000)), Pace::Fine);
        assert_eq!(limit.check(&mut due, Timestamp::from_millis(1_000)), Pace::TooFast);
    }
}
