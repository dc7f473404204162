//! The length of a market's windows: short while the first window of a request finds it a driver, and longer the more
//! requests the last windows left unmatched.

use kerb_types::{Millis, Timestamp};

/// Time after which a request counts 1/e in the shares.
const MEMORY: Millis = Millis::from_secs(300);
/// Weight of the assumption that drivers are plenty, in requests: one unmatched request alone is no shortage.
const PLENTY_PRIOR: f64 = 2.0;
/// Minimum interval between two windows of the same requests: drivers report every few seconds, so an earlier window
/// would find the same drivers.
const RETRY_MIN: Millis = Millis::from_secs(1);

/// The length of a market's windows, as a function of the requests of its last windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowPace {
    min: Millis,
    max: Millis,
    /// Number of requests that their first window matched. Older ones count less.
    matched: f64,
    /// The same of those that it left unmatched.
    unmatched: f64,
    /// Time at which these numbers held.
    at: Timestamp,
}

impl WindowPace {
    /// A pace between two lengths, without any request so far. If they are equal, the length is fixed.
    pub fn new(min: Millis, max: Millis) -> Self {
        Self { min, max, matched: 0.0, unmatched: 0.0, at: Timestamp::from_millis(0) }
    }

    /// Adds the requests of a window that no earlier window had: those with a driver, and those without.
    pub fn add(&mut self, now: Timestamp, matched: u32, unmatched: u32) {
        let kept = self.kept(now);
        self.matched = self.matched * kept + f64::from(matched);
        self.unmatched = self.unmatched * kept + f64::from(unmatched);
        self.at = now;
    }

    /// Returns the length of a window for a new request.
    pub fn length(&self, now: Timestamp) -> Millis {
        let span = (self.max.get() - self.min.get()) as f64;
        // A share of a span of at most 2^32 ms.
        self.min + Millis::new((span * self.unmatched_share(now)) as i64)
    }

    /// Returns the interval until the next window of requests that have had one.
    pub fn retry_interval(&self, now: Timestamp) -> Millis {
        self.length(now).max(self.reassignment_interval())
    }

    /// Returns the interval between two windows for en-route trips alone.
    pub fn reassignment_interval(&self) -> Millis {
        RETRY_MIN.min(self.max).max(self.min)
    }

    /// Returns the share of requests that their first window left unmatched, 0 to 1.
    fn unmatched_share(&self, now: Timestamp) -> f64 {
        let kept = self.kept(now);
        let (matched, unmatched) = (self.matched * kept, self.unmatched * kept);
        unmatched / (matched + unmatched + PLENTY_PRIOR)
    }

    /// Returns the factor by which the numbers have shrunk until `now`. A clock that was set back shrinks nothing.
    fn kept(&self, now: Timestamp) -> f64 {
        let age = (now - self.at).max(Millis::ZERO);
        (-(age.get() as f64) / MEMORY.get() as f64).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000) + Millis::from_secs(s)
    }

    fn pace() -> WindowPace {
        WindowPace::new(Millis::new(100), Millis::new(5_000))
    }

    #[test]
    fn window_grows_with_the_share_of_unmatched_requests() {
        let mut pace = pace();
        assert_eq!(pace.length(at(0)), Millis::new(100), "without any request");
        let mut last = pace.length(at(0));
        for second in 0..20 {
            pace.add(at(second), 0, 1);
            assert!(pace.length(at(second)) > last, "second {second}");
            last = pace.length(at(second));
        }
        assert!(last > Millis::new(4_500), "{last:?}");
        let mut half = self::pace();
        half.add(at(0), 50, 50);
        assert!((2_400..2_600).contains(&half.length(at(0)).get()), "{:?}", half.length(at(0)));
    }

    #[test]
    fn window_shrinks_to_the_minimum_while_drivers_are_plenty() {
        let mut pace = pace();
        pace.add(at(0), 0, 100);
        assert!(pace.length(at(0)) > Millis::new(4_900));
        for second in 0..600 {
            pace.add(at(second), 3, 0);
        }
        assert!(pace.length(at(600)) < Millis::new(200), "{:?}", pace.length(at(600)));
        // An hour without any request forgets the shortage, too.
        let mut quiet = self::pace();
        quiet.add(at(0), 0, 100);
        assert!(quiet.length(at(3_600)) < Millis::new(105), "{:?}", quiet.length(at(3_600)));
    }

    #[test]
    fn requests_that_have_had_a_window_wait_for_new_positions() {
        let mut pace = pace();
        assert_eq!(pace.retry_interval(at(0)), Millis::new(1_000));
        pace.add(at(0), 0, 100);
        assert_eq!(pace.retry_interval(at(0)), pace.length(at(0)));
        let fixed = WindowPace::new(Millis::new(50), Millis::new(50));
        assert_eq!(fixed.retry_interval(at(0)), Millis::new(50), "the maximum bounds it");
        let slow = WindowPace::new(Millis::new(60_000), Millis::new(60_000));
        assert_eq!(
            (slow.length(at(0)), slow.retry_interval(at(0))),
            (Millis::new(60_000), Millis::new(60_000))
        );
    }

    #[test]
    fn clock_that_is_set_back_changes_nothing() {
        let mut pace = pace();
        pace.add(at(100), 1, 3);
        assert_eq!(pace.length(at(0)), pace.length(at(100)));
    }
}
