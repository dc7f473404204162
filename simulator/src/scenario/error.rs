//! The errors of a scenario.

use std::fmt::Display;

use kerb_routing::csv_rows::CsvError;

/// The reason why a scenario cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file cannot be read.
    #[error("{file}: {source}")]
    File {
        /// Path of the file.
        file: String,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The text is not TOML, has an unknown or renamed field, lacks a field, or has a value that the service rejects.
    #[error("{0}")]
    Syntax(String),
    /// A value is out of its range.
    #[error("{field}: {value}, must be {expected}")]
    Value {
        /// Full name of the field, like `riders.patience_s`.
        field: String,
        /// The value in the file.
        value: String,
        /// Description of the legal values.
        expected: String,
    },
    /// No scenario or file with this name ships with the simulator.
    #[error(
        "{name:?} does not ship with the simulator, must be one of: {known}; or the path of a file that is there"
    )]
    Unknown {
        /// The unknown name.
        name: String,
        /// All known names.
        known: String,
    },
    /// A CSV file is wrong.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// The file of the streets is wrong.
    #[error("{file}: {reason}")]
    Streets {
        /// Path of the file.
        file: String,
        /// Description of the error.
        reason: String,
    },
    /// The city has no riders, or no drivers.
    #[error("{field}: no {what} from {from} for {duration_s} s, must be at least one")]
    NoAgents {
        /// Name of the field.
        field: &'static str,
        /// "riders" or "drivers".
        what: &'static str,
        /// Beginning of the run.
        from: String,
        /// Length of the run, seconds.
        duration_s: u32,
    },
}

impl ScenarioError {
    pub(super) fn value(field: impl Into<String>, value: impl Display, expected: impl Into<String>) -> Self {
        Self::Value { field: field.into(), value: value.to_string(), expected: expected.into() }
    }
}
