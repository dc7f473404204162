//! Clocks as arguments: the wall clock, a clock that follows the timers of a runtime, and a manual clock for tests.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the time in milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where wall time enters")]
    fn now_ms(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |d| d.as_millis() as i64)
    }
}

/// A clock that advances with the timers of its tokio runtime. In a runtime with paused time it is a virtual clock: time
/// jumps to the next timer as soon as all tasks are idle, and no wall time enters.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeClock {
    began: Instant,
    began_ms: i64,
}

impl RuntimeClock {
    /// A clock that reads `now_ms` now. Panics outside a tokio runtime.
    pub fn starting_at(now_ms: i64) -> Self {
        Self { began: Instant::now(), began_ms: now_ms }
    }

    /// Returns the instant of the runtime at which this clock reads `at_ms`; the start of the clock for earlier times.
    pub fn instant_of(&self, at_ms: i64) -> Instant {
        let after_ms = at_ms.saturating_sub(self.began_ms).max(0).unsigned_abs();
        self.began + std::time::Duration::from_millis(after_ms)
    }
}

impl Clock for RuntimeClock {
    fn now_ms(&self) -> i64 {
        self.began_ms + self.began.elapsed().as_millis() as i64
    }
}

/// Measures real elapsed time. It is for reports only: no decision may depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts to measure.
    #[expect(clippy::disallowed_methods, reason = "real time, also where the clock is virtual")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Returns the microseconds since the start.
    pub fn us(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// A clock for tests: it stands still until a test sets it.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that reads `now_ms`.
    pub fn new(now_ms: i64) -> Self {
        Self(AtomicI64::new(now_ms))
    }

    /// Sets the time.
    pub fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }

    /// Advances the time by `ms` milliseconds.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
