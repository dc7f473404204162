//! Time of a paused clock, which passes when every task waits for it.

use std::time::Duration;

/// Lets so much of it pass.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
