//! The crates and their dependencies, as `cargo metadata` lists them.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::Result;

/// One platform's dependencies, wherever the check runs: those of others are never fetched here.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) license: Option<String>,
    /// `None`: in this workspace.
    pub(super) source: Option<String>,
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// `None` for a normal one, else `dev` or `build`.
    pub(super) kind: Option<String>,
    /// In this workspace.
    pub(super) path: Option<String>,
}

impl Metadata {
    pub(super) fn of(root: &Path) -> Result<Self> {
        let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", PLATFORM];
        let output = Command::new(env!("CARGO")).args(arguments).current_dir(root).output()?;
        if !output.status.success() {
            return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
