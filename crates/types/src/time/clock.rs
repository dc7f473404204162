//! Clocks as arguments: the wall clock, a clock that follows the timers of a runtime, and a manual clock for tests.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;

use crate::{Millis, Timestamp};

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where wall time enters")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp::from_millis(since.map_or(0, |d| d.as_millis() as i64))
    }
}

/// A clock that advances with the timers of its tokio runtime. In a runtime with paused time it is a virtual clock: time
/// jumps to the next timer as soon as all tasks are idle, and no wall time enters.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeClock {
    began: Instant,
    began_at: Timestamp,
}

impl RuntimeClock {
    /// A clock that reads `now` now. Panics outside a tokio runtime.
    pub fn starting_at(now: Timestamp) -> Self {
        Self { began: Instant::now(), began_at: now }
    }

    /// Returns the instant of the runtime at which this clock reads `at`; the start of the clock for earlier times.
    pub fn instant_of(&self, at: Timestamp) -> Instant {
        self.began + (at - self.began_at).to_duration()
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        self.began_at + Millis::new(self.began.elapsed().as_millis() as i64)
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
    /// A clock that reads `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Sets the time.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Advances the time by `ms` milliseconds.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
