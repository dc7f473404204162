//! Runs long synchronous work from async code.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// Maximum pieces of work at a time in the process; further ones wait. The work computes, so more threads finish nothing
/// sooner.
const WORK_MAX: usize = 32;

/// Permits of the work at a time.
static PERMITS: Semaphore = Semaphore::const_new(WORK_MAX);

/// Runs work that would block an async thread for too long. A multi-thread runtime runs it on a blocking thread. A
/// single-thread runtime runs it in place, so that the order of events stays deterministic in simulations. A panic of
/// the work becomes an error in the first case, and unwinds into the caller in the second. Work that waits for a thread
/// never begins if its caller gives up.
pub async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return Ok(work());
    }
    let permit = PERMITS.acquire().await.expect("it is never closed");
    let work = move || {
        let _permit = permit;
        work()
    };
    spawn_blocking(work).await
}
