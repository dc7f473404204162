//! Waits for conditions. No other file of these tests lets time pass.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout};

/// Time between two checks of a condition.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until `condition` returns a value, and returns it. Panics at the deadline with the last reason of the condition.
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
            Err(_) => sleep(CHECK_INTERVAL).await,
        }
    }
}

/// Returns the result of `work`, or panics at the deadline.
pub(crate) async fn in_time<T>(what: &str, deadline: Duration, work: impl Future<Output = T>) -> T {
    timeout(deadline, work).await.unwrap_or_else(|_| panic!("not within {deadline:?}: {what}"))
}

/// Returns ticks for the reports of a simulated driver.
pub(crate) fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
