//! The outcomes of a command and their exit codes.

use std::fmt;

use kerb::settings::Problems;

/// The outcome of a command that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The answer is complete.
    Done,
    /// Some shards did not answer.
    Partial,
}

/// The outcome of a command that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An argument is wrong.
    Usage(String),
    /// A setting is wrong.
    Settings(Problems),
    /// The operation failed.
    Failed(String),
}

impl Failure {
    /// Returns the exit code of the process.
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
