//! Ctrl-C and SIGTERM: the first signal stops a run with its report so far, the second one ends the process.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that Ctrl-C ended, by the convention of shells.
const EXIT_INTERRUPTED: i32 = 130;

/// Returns a token that the first signal cancels. Both signals are caught from the return on. It needs a tokio runtime.
pub(crate) fn stop_on_signal() -> io::Result<CancellationToken> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        for is_first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_first {
                cancelled.cancel();
            }
        }
        std::process::exit(EXIT_INTERRUPTED);
    });
    Ok(stop)
}
