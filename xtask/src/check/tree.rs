//! The tracked files, as text.

use std::path::Path;
use std::process::Command;

use crate::Result;

/// A file; its path is relative to the repository, with `/`.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    /// `None`: not UTF-8, so no text.
    pub(super) text: Option<String>,
}

impl File {
    /// Lines with their numbers from 1; none in a file that is no text.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.as_deref().unwrap_or("").lines().enumerate().map(|(i, line)| (i + 1, line))
    }

    /// Rust, written by hand or generated.
    pub(super) fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    /// Rust that somebody wrote.
    pub(super) fn is_source(&self) -> bool {
        self.is_rust() && !self.is_generated()
    }

    /// Written by a program.
    pub(super) fn is_generated(&self) -> bool {
        self.path.contains("/generated/") || self.has_extension("lock")
    }

    pub(super) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// The place of a line, as `path:line`.
    pub(super) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// All files that a rule may look at.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

impl Tree {
    /// What git tracks and is still there.
    pub(super) fn tracked(root: &Path) -> Result<Self> {
        let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output()?;
        if !output.status.success() {
            return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let listing = String::from_utf8(output.stdout)?;
        let paths = listing.split('\0').filter(|path| root.join(path).is_file());
        let read = |path: &str| {
            let text = String::from_utf8(std::fs::read(root.join(path))?).ok();
            Ok(File { path: path.to_owned(), text })
        };
        Ok(Self { files: paths.map(read).collect::<Result<_>>()? })
    }

    /// A made-up tree.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File { path: (*path).into(), text: Some((*text).into()) };
        Self { files: files.iter().map(file).collect() }
    }
}
