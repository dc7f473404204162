//! `kerb config check` and `kerb config show`.

use super::args::SettingsArgs;
use super::failure::{Failure, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Say ok and show the effective settings, or name every problem
    Check(SettingsArgs),
    /// Show the effective settings as TOML, with where each value came from
    Show(SettingsArgs),
}

pub(crate) fn run(command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Check(args) => print!("# ok\n\n{}", args.load()?),
        Command::Show(args) => print!("{}", args.load()?),
    }
    Ok(Outcome::Done)
}
