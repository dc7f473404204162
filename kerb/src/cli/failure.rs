//! How a command ends.

use std::fmt;

use kerb::settings::Problems;

/// A command that ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of it.
    Done,
    /// Some shards did not answer.
    Partial,
}

/// A command that did not.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The caller's words were wrong.
    Usage(String),
    /// The settings were wrong.
    Settings(Problems),
    /// It was tried and did not work.
    Failed(String),
}

impl Failure {
    /// The process's exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) | Self::Settings(_) => 2,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => write!(f, "kerb: {text}"),
            Self::Settings(problems) => problems.fmt(f),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Settings(problems)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
