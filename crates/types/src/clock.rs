//! Time as an argument: the wall clock of the process, one that follows the runtime's, or one that is moved by hand.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;

/// Milliseconds since the Unix epoch.
pub trait Clock: Send + Sync + 'static {
    /// Now.
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

/// A clock that goes with the timers of its tokio runtime. Where those are paused, and so jump from one to the next as
/// soon as nothing is left to do, it is a virtual clock: no wall time enters.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeClock {
    began: Instant,
    began_ms: i64,
}

impl RuntimeClock {
    /// Shows `now_ms` now. Inside a tokio runtime.
    pub fn starting_at(now_ms: i64) -> Self {
        Self { began: Instant::now(), began_ms: now_ms }
    }

    /// The runtime's instant at which it shows `at_ms`; its start for what was before.
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

/// How long something took, by the machine's own time. For reports alone: nothing may be decided by it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Begins to run.
    #[expect(clippy::disallowed_methods, reason = "real time, also where the clock is virtual")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Microseconds since.
    pub fn us(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// A clock that stands still until it is set.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Starts at `now_ms`.
    pub fn new(now_ms: i64) -> Self {
        Self(AtomicI64::new(now_ms))
    }

    /// Moves it to `now_ms`.
    pub fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }

    /// Moves it ahead.
    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
