//! `kerb config check` and `kerb config show`: check and print the settings.

use super::args::SettingsArgs;
use super::failure::{Failure, Outcome};
use kerb::terminal::print;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print ok and the effective settings, or every problem
    Check(SettingsArgs),
    /// Print the effective settings as TOML, with the origin of each value
    Show(SettingsArgs),
}

pub(crate) fn run(command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Check(args) => print(format_args!("# ok\n\n{}", args.load()?))?,
        Command::Show(args) => print(args.load()?)?,
    }
    Ok(Outcome::Done)
}
