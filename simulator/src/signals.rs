//! Ctrl-C and SIGTERM: the first one asks a run to end with the report so far, the second one ends the process.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was ended by Ctrl-C, by the shells' custom.
const EXIT_INTERRUPTED: i32 = 130;

/// Cancelled by the first signal. From the return on both are caught. Inside a tokio runtime.
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
