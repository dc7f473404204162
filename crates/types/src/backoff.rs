//! Waits between the attempts of a retry: exponential growth up to a limit, with jitter. It reads no clock and draws
//! no random number; the caller passes the random part in and does the waiting.
//!
//! The jitter forms follow Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).

use std::time::Duration;

/// Doublings after which a wait no longer grows: enough for every limit in the tree, and no overflow of `1 << n`.
const DOUBLINGS_MAX: u32 = 16;

/// How the random part of a wait is applied, so that many clients do not retry at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// No random part: every wait is exact.
    None,
    /// The wait is cut by up to a half ("equal jitter").
    ShortenByHalf,
    /// The wait grows by up to its own length.
    LengthenToDouble,
}

/// The schedule of waits of one retried operation.
///
/// ```
/// use std::time::Duration;
/// use kerb_types::{Backoff, Jitter};
///
/// let ms = Duration::from_millis;
/// let mut backoff = Backoff::new(ms(20), ms(100), Jitter::None);
/// let waits: Vec<_> = (0..4).map(|_| backoff.next_wait(0.0)).collect();
/// assert_eq!(waits, [ms(20), ms(40), ms(80), ms(100)]);
/// backoff.reset();
/// assert_eq!(backoff.next_wait(0.0), ms(20));
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    jitter: Jitter,
    failures: u32,
}

impl Backoff {
    /// A schedule whose first wait is `first` and whose waits double up to `max`, before jitter.
    pub const fn new(first: Duration, max: Duration, jitter: Jitter) -> Self {
        Self { first, max, jitter, failures: 0 }
    }

    /// Returns the number of waits since the last [`Backoff::reset`].
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns the wait before the next attempt. `random` is the caller's random number from 0.0 to 1.0; it decides the
    /// jitter.
    pub fn next_wait(&mut self, random: f64) -> Duration {
        debug_assert!((0.0..=1.0).contains(&random), "the random part is a share");
        let whole = self.first.saturating_mul(1 << self.failures.min(DOUBLINGS_MAX)).min(self.max);
        self.failures = self.failures.saturating_add(1);
        match self.jitter {
            Jitter::None => whole,
            Jitter::ShortenByHalf => whole.mul_f64(1.0 - 0.5 * random),
            Jitter::LengthenToDouble => whole.mul_f64(1.0 + random),
        }
    }

    /// Starts over after a success: the next wait is the first one again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}
