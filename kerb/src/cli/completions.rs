//! `kerb completions SHELL`.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::failure::{Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For which shell
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    // Into memory first: a closed pipe is then a failure and no panic.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "kerb", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Outcome::Done)
}
