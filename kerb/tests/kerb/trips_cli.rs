//! The commands for trips: journals on disk that are verified and exported, and the operator's hand.

mod export;
mod operator;
mod scripts;
mod verify;

use std::path::Path;

use crate::process::{run, text};

/// What a command came to: its exit code, and what it printed on stdout and stderr.
fn ended(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = run(dir, args);
    (output.status.code().expect("no signal"), text(&output.stdout), text(&output.stderr))
}

/// Runs a command that must do what it was asked without a word on stderr, and gives what it printed.
fn done(dir: &Path, args: &[&str]) -> String {
    let (code, out, err) = ended(dir, args);
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}: {out}");
    out
}

/// Runs a command that must end with this code and one line on stderr, and gives both texts.
fn fails(dir: &Path, args: &[&str], code: i32) -> (String, String) {
    let (ended_with, out, err) = ended(dir, args);
    assert_eq!((ended_with, err.lines().count()), (code, 1), "{args:?}: {err}{out}");
    (out, err.trim_end().to_owned())
}
