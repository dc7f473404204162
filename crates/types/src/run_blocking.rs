//! Runs long synchronous work from async code.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinError, spawn_blocking};

/// Runs work that would block an async thread for too long. A multi-thread runtime runs it on a blocking thread. A
/// single-thread runtime runs it in place, so that the order of events stays deterministic in simulations. A panic of
/// the work becomes an error in the first case, and unwinds into the caller in the second.
pub async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => Ok(work()),
        _ => spawn_blocking(work).await,
    }
}
