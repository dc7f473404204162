//! Builds the bounded run of the fuzz targets and runs it. `fuzz` is a workspace of its own.

use std::path::Path;

use crate::Result;
use crate::command::{cargo, succeed};

/// Replays; the options go to the program as they are.
pub(crate) fn run(root: &Path, options: &[&str]) -> Result<()> {
    let mut command = cargo(root);
    // Both workspaces share a target folder, so what they have in common is built once.
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        command.arg("--config").arg(format!("build.target-dir='{}'", root.join("target").display()));
    }
    command.args(["run", "--quiet", "--manifest-path", "fuzz/Cargo.toml", "--no-default-features"]);
    succeed(command.args(["--bin", "replay", "--"]).args(options))
}
