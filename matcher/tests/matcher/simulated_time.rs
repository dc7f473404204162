//! Time of a paused clock, which passes when every task waits for it; and the wall clock that goes with it.

use std::time::Duration;

use kerb_types::Clock;
use tokio::time::{Instant, timeout};

pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

/// Lets so much of it pass.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Looks again and again until there is something to see, for a minute at most.
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

/// Wall time that runs with tokio's, paused or not.
pub(crate) struct TokioClock(Instant);

impl TokioClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now_ms(&self) -> i64 {
        NOW_MS + self.0.elapsed().as_millis() as i64
    }
}
