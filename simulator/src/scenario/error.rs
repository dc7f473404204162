//! Why a scenario cannot be run.

use std::fmt::Display;

use kerb_routing::csv_rows::CsvError;

/// Why a scenario cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file cannot be read.
    #[error("{file}: {source}")]
    File {
        /// Which.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not TOML, a field that does not exist, one that is missing, a value of another kind, or one that the service
    /// does not take.
    #[error("{0}")]
    Syntax(String),
    /// A value is wrong.
    #[error("{field}: {value}, must be {expected}")]
    Value {
        /// The field, from the top: `riders.patience_s`.
        field: String,
        /// What stands there.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// Nothing with this name comes with the project.
    #[error(
        "{name:?} does not come with the project, must be one of: {known}; or the path of a file that is there"
    )]
    Unknown {
        /// The name.
        name: String,
        /// Those that do.
        known: String,
    },
    /// A table of the data is wrong.
    #[error(transparent)]
    Sheet(#[from] CsvError),
    /// The streets' file is wrong.
    #[error("{file}: {reason}")]
    Streets {
        /// Which.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A city without riders or without drivers shows nothing.
    #[error("{field}: no {what} from {from} for {duration_s} s, must be at least one")]
    NoAgents {
        /// The field.
        field: &'static str,
        /// RiderBehavior or drivers.
        what: &'static str,
        /// When the city begins.
        from: String,
        /// How long it is.
        duration_s: u32,
    },
}

impl ScenarioError {
    pub(super) fn value(field: impl Into<String>, value: impl Display, expected: impl Into<String>) -> Self {
        Self::Value { field: field.into(), value: value.to_string(), expected: expected.into() }
    }
}
