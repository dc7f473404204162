//! A coarse clock: a counter that the server's sweep advances. Reading it costs one load.
//!
//! The sweep advances it by one, however late the sweep is. So after a pause of the whole process, clients get their full
//! time again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The clock of a server.
#[derive(Debug)]
pub(super) struct Ticks {
    now: AtomicU32,
    interval: Duration,
}

impl Ticks {
    pub(super) fn new(interval: Duration) -> Self {
        // From 1 on, so that 0 can mean "never".
        Self { now: AtomicU32::new(1), interval }
    }

    pub(super) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// Begins the next tick and returns it.
    pub(super) fn advance(&self) -> u32 {
        self.now.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// Returns the number of ticks that certainly last at least this time.
    pub(super) fn count_of(&self, time: Duration) -> u32 {
        let ticks = time.as_millis().div_ceil(self.interval.as_millis().max(1));
        // One more, because the current tick has begun already.
        u32::try_from(ticks).unwrap_or(u32::MAX / 2) + 1
    }
}
