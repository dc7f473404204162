//! Programs that a chore starts.

use std::path::Path;
use std::process::Command;

use crate::Result;

/// Returns the cargo that runs this chore, in the root folder.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs a command whose output is shown; fails when it fails.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    let program = command.get_program().display();
    if status.success() { Ok(()) } else { Err(format!("{program}: {status}, as shown above").into()) }
}

/// Returns what a command prints, without the last line break.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let program = command.get_program().display().to_string();
        return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
