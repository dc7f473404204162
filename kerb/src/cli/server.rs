//! `kerb serve` and the commands of single roles: start a node, wait for a signal or a failure, drain.

use kerb::terminal::{PrintError, print_line};
use kerb::{Node, Settings};
use kerb_types::Role;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::SettingsArgs;
use super::failure::{Failure, Outcome};
use crate::log;

/// Maximum threads for blocking work: reads of the journal and the store, travel times, long searches. Each kind of work has
/// a smaller limit of its own.
const BLOCKING_THREADS_MAX: usize = 128;

/// Runs a node with these roles until a signal stops it.
pub(crate) fn run(args: &SettingsArgs, roles: &[Role]) -> Result<Outcome, Failure> {
    let settings = args.load()?.settings;
    log::start(&settings.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(serve(settings, roles));
    // A second signal ends the process at once.
    runtime.shutdown_background();
    outcome
}

async fn serve(settings: Settings, roles: &[Role]) -> Result<Outcome, Failure> {
    // The handler is installed before the port opens, so that no signal is missed in between.
    let mut signals = Signals::new()?;
    let node = Node::start(settings, roles).await.map_err(|error| Failure::Failed(error.to_string()))?;
    announce(&node)?;
    let failed = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "stopping; a second signal stops at once");
            None
        }
        reason = node.failed() => {
            tracing::error!(reason, "stopping, because a service has failed for good");
            Some(reason)
        }
    };
    tokio::select! {
        stored = node.shutdown() => match failed {
            Some(reason) => Err(Failure::Failed(format!("stopped after a failure: {reason}"))),
            None if stored => Ok(Outcome::Done),
            None => Err(Failure::Failed("stopped, but the driver table is not stored: see the log".to_owned())),
        },
        _ = signals.next() => Err(Failure::Failed("stopped at once by a second signal".to_owned())),
    }
}

/// Prints the one line on stdout, for scripts. A closed stdout does not stop a server.
fn announce(node: &Node) -> Result<(), PrintError> {
    match print_line(format_args!("listening on {}", node.address())) {
        Err(PrintError::Closed) => Ok(()),
        printed => printed,
    }
}

/// Resolves on SIGTERM or SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
