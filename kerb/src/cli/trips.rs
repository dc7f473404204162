//! `kerb trips`: cancels and explains trips of a running service, and reads a trip journal on disk.

mod cancel;
mod event;
mod explain;
mod export;
mod journal;
mod verify;

use super::failure::{Failure, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// End a live trip in any state
    Cancel(cancel::Args),
    /// Explain why a request has no driver yet
    Explain(explain::Args),
    /// Check a journal on disk: no record is missing, and no driver or trip was assigned twice
    ///
    /// Reads every record of every market. Versions must have no gaps, every event must be legal in its state, no
    /// driver may be on two live trips, and no trip may have two drivers. The exit code is 1 if there is a violation.
    ///
    /// The matcher that writes the journal must be stopped. Opening a journal changes files: the engine truncates a
    /// damaged end of its log, and the file `acknowledged` is rewritten. So do not verify a suspect journal itself: copy
    /// its folder and verify the copy.
    Verify(verify::Args),
    /// Print a journal on disk as JSON lines, one event a line
    ///
    /// Markets are sorted by name; the events of each market are in the journal's order. docs/operations.md lists the
    /// fields. Later releases may add fields and do not change their meaning. The matcher that writes the journal must be
    /// stopped; for a running service use `TripEventService`.
    Export(export::Args),
}

pub(crate) async fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Cancel(args) => cancel::run(args).await,
        Command::Explain(args) => explain::run(args).await,
        Command::Verify(args) => verify::run(&args).await,
        Command::Export(args) => export::run(&args).await,
    }
}
