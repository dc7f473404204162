//! `kerb completions SHELL`: prints a completion script.

use clap::CommandFactory;
use clap_complete::Shell;
use kerb::terminal::stream;

use super::failure::{Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell whose completion script is printed
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    // The generator panics on a write error, so it writes to memory first.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "kerb", &mut script);
    stream(|out| out.write_all(&script))?;
    Ok(Outcome::Done)
}
