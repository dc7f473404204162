//! Estimates the usual latency of a server, so that a slow query is noticed. Pure: durations and `now` are arguments.

use std::time::Duration;

use tokio::time::Instant;

/// The quantile that is estimated.
const QUANTILE: f64 = 0.95;
/// Size of one step, as a share of the estimate: 20 samples beyond the estimate in a row more than double it.
const STEP: f64 = 0.05;
/// The estimate never falls below this, so that it can grow again.
const ESTIMATE_MIN_S: f64 = 20e-6;
/// An estimate whose newest sample is older than this is not used.
const MEMORY: Duration = Duration::from_mins(1);
/// Queries lost in a row that make a server suspect.
const LOSSES_MAX: u32 = 3;
/// A wait below this share of the estimate is no loss. A search waits about as long as the estimate before it hedges.
const USUAL_SHARE: f64 = 0.9;
/// A suspect server is queried again after this.
const SUSPICION: Duration = Duration::from_secs(1);

/// The p95 latency of one server, estimated by stochastic approximation (Robbins and Monro 1951, with steps proportional
/// to the estimate): a sample above moves it up by `STEP * 0.95`, one below moves it down by `STEP * 0.05`; it
/// rests where 5 % of the samples are above. A few nanoseconds and no decay to tune, where a histogram needs both.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    p95_s: f64,
    losses: u32,
    newest: Option<Instant>,
}

impl Latency {
    /// An estimate without samples, which starts at `initial`.
    pub fn new(initial: Duration) -> Self {
        Self { p95_s: initial.as_secs_f64(), losses: 0, newest: None }
    }

    /// Records an answer that took `took`.
    pub fn record(&mut self, took: Duration, now: Instant) {
        self.losses = 0;
        self.learn(took.as_secs_f64(), now);
    }

    /// Records that the server answered after `took` that it has no time for the query. It is slow, not dead.
    pub fn record_busy(&mut self, took: Duration, now: Instant) {
        self.losses = 0;
        self.learn_at_least(took, now);
    }

    /// Records a query that was abandoned after `waited`: its answer would have taken at least that long. A wait shorter
    /// than the estimate is no loss, because the answer may have been about to arrive. Returns whether this loss makes the
    /// server suspect.
    pub fn record_lost(&mut self, waited: Duration, now: Instant) -> bool {
        if waited.as_secs_f64() < USUAL_SHARE * self.p95_s {
            self.newest = Some(now);
            return false;
        }
        self.record_failed(waited, now)
    }

    /// Records a query that failed after `waited`, at once or not. Returns whether this loss makes the server suspect.
    pub fn record_failed(&mut self, waited: Duration, now: Instant) -> bool {
        let was_suspect = self.is_suspect(now);
        self.losses = self.losses.saturating_add(1);
        self.learn_at_least(waited, now);
        !was_suspect && self.is_suspect(now)
    }

    /// Returns the latency beyond which the server counts as slow; never less than `floor`.
    pub fn usual(&self, initial: Duration, floor: Duration, now: Instant) -> Duration {
        let known = self.newest.is_some_and(|newest| now.duration_since(newest) <= MEMORY);
        let usual = if known { Duration::from_secs_f64(self.p95_s) } else { initial };
        usual.max(floor)
    }

    /// Whether several queries in a row were lost, the last one a moment ago.
    pub fn is_suspect(&self, now: Instant) -> bool {
        self.losses >= LOSSES_MAX && self.newest.is_some_and(|newest| now.duration_since(newest) < SUSPICION)
    }

    /// Learns from a wait without an answer, which is a sample only beyond the estimate.
    fn learn_at_least(&mut self, waited: Duration, now: Instant) {
        if waited.as_secs_f64() > self.p95_s {
            self.learn(waited.as_secs_f64(), now);
        } else {
            self.newest = Some(now);
        }
    }

    fn learn(&mut self, seconds: f64, now: Instant) {
        if self.newest.replace(now).is_none() {
            // The first sample sets the scale: steps of 5 % of 5 % down from a guess would take a thousand samples.
            self.p95_s = (2.0 * seconds).max(ESTIMATE_MIN_S);
            return;
        }
        let share = if seconds > self.p95_s { QUANTILE } else { QUANTILE - 1.0 };
        self.p95_s = (self.p95_s * (1.0 + STEP * share)).max(ESTIMATE_MIN_S);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INITIAL: Duration = Duration::from_millis(20);

    fn learned(samples: impl Iterator<Item = u64>) -> (Latency, Instant) {
        let (mut latency, mut now) = (Latency::new(INITIAL), Instant::now());
        for us in samples {
            now += Duration::from_millis(1);
            latency.record(Duration::from_micros(us), now);
        }
        (latency, now)
    }

    #[test]
    fn finds_the_95th_percentile() {
        // 0 to 9,990 µs, evenly, in a scattered order (7 and 1,000 have no common divisor).
        let (latency, now) = learned((0..20_000).map(|i| i * 7 % 1_000 * 10));
        let usual = latency.usual(INITIAL, Duration::ZERO, now).as_micros();
        // 9,500 µs, give or take two steps.
        assert!((8_550..=10_450).contains(&usual), "{usual} µs");
    }

    #[test]
    fn follows_a_server_that_becomes_slow_within_a_hundred_answers() {
        let (latency, now) = learned((0..5_000).map(|i| if i < 4_900 { 500 } else { 10_000 }));
        let usual = latency.usual(INITIAL, Duration::ZERO, now);
        assert!(usual >= Duration::from_millis(8), "{usual:?}");
    }

    #[test]
    fn starts_from_the_initial_value_expires_after_a_minute_and_keeps_the_floor() {
        let (latency, now) = learned((0..5_000).map(|_| 100));
        let floor = Duration::from_millis(2);
        assert_eq!(Latency::new(INITIAL).usual(INITIAL, floor, now), INITIAL);
        assert_eq!(latency.usual(INITIAL, floor, now), floor);
        assert_eq!(latency.usual(INITIAL, floor, now + MEMORY + MEMORY), INITIAL);
    }

    #[test]
    fn three_losses_in_a_row_make_it_suspect_for_a_second() {
        let (mut latency, now) = learned([100, 100].into_iter());
        for _ in 0..LOSSES_MAX {
            assert!(!latency.is_suspect(now));
            latency.record_lost(Duration::from_millis(50), now);
        }
        assert!(latency.is_suspect(now));
        assert!(!latency.is_suspect(now + SUSPICION));
        latency.record(Duration::from_millis(1), now);
        assert!(!latency.is_suspect(now));
    }

    #[test]
    fn a_busy_server_is_slow_and_not_suspect() {
        let (mut latency, mut now) = learned([100, 100].into_iter());
        for _ in 0..10 * LOSSES_MAX {
            now += Duration::from_millis(1);
            latency.record_lost(Duration::from_millis(50), now);
            latency.record_busy(Duration::from_millis(50), now);
            assert!(!latency.is_suspect(now));
        }
        assert!(
            latency.usual(INITIAL, Duration::ZERO, now) > Duration::from_micros(200),
            "but it counts as slow"
        );
    }

    #[test]
    fn a_wait_below_the_usual_time_is_no_loss_and_a_failure_is_one_at_once() {
        let (mut latency, now) = learned((0..1_000).map(|_| 10_000));
        for _ in 0..LOSSES_MAX {
            latency.record_lost(Duration::from_millis(1), now);
        }
        assert!(!latency.is_suspect(now));
        for _ in 0..LOSSES_MAX {
            latency.record_failed(Duration::ZERO, now);
        }
        assert!(latency.is_suspect(now));
    }

    #[test]
    fn a_loss_before_the_usual_time_does_not_make_it_look_faster() {
        let (mut latency, now) = learned((0..1_000).map(|_| 10_000));
        let before = latency.usual(INITIAL, Duration::ZERO, now);
        latency.record_lost(Duration::from_millis(1), now);
        assert_eq!(latency.usual(INITIAL, Duration::ZERO, now), before);
    }
}
