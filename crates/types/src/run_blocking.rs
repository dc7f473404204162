//! Where long work is done.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinError, spawn_blocking};

/// Does work that is too long for a thread that serves others: on a thread of its own, or, in a runtime of a single
/// thread, here and now, so that what comes next does not hang on which thread was faster. A panic of the work is an
/// error in the first case and goes on in the second.
pub async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => Ok(work()),
        _ => spawn_blocking(work).await,
    }
}
