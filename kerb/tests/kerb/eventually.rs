//! Waiting, for conditions only. The one place of these tests that lets time pass.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout};

/// Between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What `condition` gives, as soon as it gives something. Panics at the deadline with the last reason that it gave
/// for giving nothing.
pub(crate) async fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        match condition().await {
            Ok(value) => return value,
            Err(reason) if Instant::now() >= end => panic!("not within {deadline:?}: {what}: {reason}"),
            Err(_) => sleep(LOOK_EVERY).await,
        }
    }
}

/// What `work` comes to, or a panic at the deadline.
pub(crate) async fn in_time<T>(what: &str, deadline: Duration, work: impl Future<Output = T>) -> T {
    timeout(deadline, work).await.unwrap_or_else(|_| panic!("not within {deadline:?}: {what}"))
}

/// The beat of a made-up driver.
pub(crate) fn beat(every: Duration) -> Interval {
    let mut beat = interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}
