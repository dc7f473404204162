//! A Python environment with a few packages, in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;

/// Installs the packages; gives the path of the environment's Python.
pub(super) fn create(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    eprintln!("installing {} into a folder that is removed at the end", packages.join(" and "));
    let venv = Command::new("python3").args(["-m", "venv"]).arg(folder).stdout(Stdio::null()).status();
    let venv =
        venv.map_err(|error| format!("the comparison needs python3, which does not start: {error}"))?;
    if !venv.success() {
        return Err("the comparison needs python3 with its venv module, which failed as shown above".into());
    }
    let python = folder.join("bin/python");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    if !pip.args(packages).stdout(Stdio::null()).status()?.success() {
        let packages = packages.join(" and ");
        return Err(format!("the comparison needs {packages}, and pip failed as shown above").into());
    }
    Ok(python)
}
