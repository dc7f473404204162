//! Virtual time: tokio's paused clock, which jumps to the next timer when every task waits, and a wall clock that follows it.

use std::time::Duration;

use kerb_types::{Clock, Millis, Timestamp};
use tokio::time::{Instant, timeout};

pub(crate) const NOW_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Waits for `time` of virtual time.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Polls `look` until it returns a value. Panics after a minute.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let looked = timeout(Duration::from_mins(1), async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            pass(Duration::from_millis(5)).await;
        }
    });
    looked.await.unwrap_or_else(|_| panic!("not within a minute: {what}"))
}

/// A wall clock that follows tokio's clock, paused or not.
pub(crate) struct TokioClock(Instant);

impl TokioClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        NOW_MS + Millis::new(self.0.elapsed().as_millis() as i64)
    }
}
