//! `kerb trips`: a running service's trips by the operator's hand, and the journal of trips on disk.

mod cancel;
mod event;
mod explain;
mod export;
mod journal;
mod verify;

use std::io::{ErrorKind, Write};

use super::failure::{Failure, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// End a live trip, whatever it does
    Cancel(cancel::Args),
    /// Say why a request has no driver yet
    Explain(explain::Args),
    /// Check a journal on disk: all records are there, and every promise in them was kept
    ///
    /// Reads every record of every market. Versions must be without gaps, every event possible where it stands, no
    /// driver on two live trips, no trip with two drivers. Exit code 1 when anything is wrong.
    ///
    /// The matcher that writes the journal must be stopped. Opening a journal is not without a trace: the engine cuts a
    /// broken end off its log, and the file `acknowledged` is written anew. So keep a journal that you suspect as it is:
    /// copy its folder and verify the copy.
    Verify(verify::Args),
    /// Print a journal on disk, one JSON object an event and a line
    ///
    /// Markets follow each other by name; within each the order is that of the journal. The fields are those of
    /// docs/operations.md; fields may be added, none changes its meaning. The matcher that writes the journal must be
    /// stopped; a running service is asked by `TripEventService`.
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

/// Prints what may be long. A reader who has seen enough is no failure.
fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
