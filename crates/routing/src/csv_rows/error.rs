//! What is wrong with a table, and where.

use std::io;

use csv::{ErrorKind, Position};

/// Why a table cannot be used. Lines count from 1, the header included.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the parts of each message")]
pub enum CsvError {
    /// The file cannot be opened, or not be read beyond `line`.
    #[error("{file}: {source}")]
    File { file: String, line: u64, source: io::Error },
    /// A row has more or fewer fields than the header.
    #[error("{file}, line {line}: {found} fields, must be {expected}: {columns}")]
    Fields { file: String, line: u64, found: u64, expected: u64, columns: String },
    /// The header or a row is wrong as a whole.
    #[error("{file}, line {line}: {reason}")]
    Line { file: String, line: u64, reason: String },
    /// One value is wrong.
    #[error("{file}, line {line}, column {column}: {value:?}, must be {expected}")]
    Value { file: String, line: u64, column: String, value: String, expected: String },
    /// There is no row at all, or none in the part of the file that was requested: `within`, in words.
    #[error("{file}: no {what}{within}")]
    Empty { file: String, what: &'static str, within: String },
}

/// What is wrong with a table, without the table's name: for callers that put their own name of the source in front.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RowError {
    /// The line, from 1.
    pub line: u64,
    /// The field, its value, and what would be right.
    pub reason: String,
}

impl CsvError {
    /// The name of the table, as the reader was given it.
    pub fn file(&self) -> &str {
        match self {
            Self::File { file, .. }
            | Self::Fields { file, .. }
            | Self::Line { file, .. }
            | Self::Value { file, .. }
            | Self::Empty { file, .. } => file,
        }
    }

    /// An error of the `csv` crate. `line_before` is the line of the last row that was read.
    pub(super) fn from_csv(file: String, line_before: u64, columns: String, error: csv::Error) -> Self {
        let line = error.position().map_or(line_before, Position::line);
        match error.into_kind() {
            ErrorKind::Io(source) => Self::File { file, line, source },
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                Self::Fields { file, line, found: len, expected: expected_len, columns }
            }
            ErrorKind::Utf8 { .. } => Self::Line { file, line, reason: "not UTF-8 text".to_owned() },
            // Nothing else happens while rows are read: they are not written, sought or deserialized here.
            _ => Self::Line { file, line, reason: "not a CSV row".to_owned() },
        }
    }
}

impl From<CsvError> for RowError {
    fn from(error: CsvError) -> Self {
        let (line, reason) = match error {
            CsvError::File { line, source, .. } => {
                (line, format!("cannot be read after this line: {source}"))
            }
            CsvError::Fields { line, found, expected, .. } => {
                (line, format!("{found} fields, there are {expected} columns"))
            }
            CsvError::Line { line, reason, .. } => (line, reason),
            CsvError::Value { line, column, value, expected, .. } => {
                (line, format!("{column} {value:?} must be {expected}"))
            }
            CsvError::Empty { what, within, .. } => (1, format!("no {what}{within}")),
        };
        Self { line, reason }
    }
}
