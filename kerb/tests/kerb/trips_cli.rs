//! The command `kerb trips`: verification and export of journals on disk, and the operator's commands.

mod export;
mod operator;
mod scripts;
mod verify;

use std::path::Path;

use crate::support::process::{run, text};

/// Runs a command and returns its exit code, its stdout and its stderr.
fn run_command(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = run(dir, args);
    (output.status.code().expect("no signal"), text(&output.stdout), text(&output.stderr))
}

/// Runs a command that must succeed without output on stderr, and returns its stdout.
fn succeeds(dir: &Path, args: &[&str]) -> String {
    let (code, out, err) = run_command(dir, args);
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}: {out}");
    out
}

/// Runs a command that must end with this code and one line on stderr, and returns its stdout and stderr.
fn fails(dir: &Path, args: &[&str], code: i32) -> (String, String) {
    let (exit_code, out, err) = run_command(dir, args);
    assert_eq!((exit_code, err.lines().count()), (code, 1), "{args:?}: {err}{out}");
    (out, err.trim_end().to_owned())
}
