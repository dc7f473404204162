//! The outcomes of a command and their exit codes.

use std::fmt;

use kerb::settings::Problems;
use kerb::terminal::{PrintError, escape};

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
    /// Stdout did not take the output.
    Print(PrintError),
}

impl Failure {
    /// Returns the exit code of the process.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Print(_) => 1,
            Self::Usage(_) | Self::Settings(_) => 2,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The text may quote a caller's string with a line break.
            Self::Usage(text) | Self::Failed(text) => write!(f, "kerb: {}", escape(text)),
            Self::Print(error) => write!(f, "kerb: {error}"),
            Self::Settings(problems) => problems.fmt(f),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Settings(problems)
    }
}

impl From<PrintError> for Failure {
    fn from(error: PrintError) -> Self {
        Self::Print(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
