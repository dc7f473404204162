//! The errors of a table, with their place in it.

use std::io;

use csv::{ErrorKind, Position};

/// Why a table cannot be read. The header is line 1.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the parts of each message")]
pub enum CsvError {
    /// The file cannot be opened, or not be read beyond `line`.
    #[error("{file}: {source}")]
    File { file: String, line: u64, source: io::Error },
    /// The header and a row have different numbers of fields.
    #[error("{file}, line {line}: {found} fields, must be {expected}: {columns}")]
    Fields { file: String, line: u64, found: u64, expected: u64, columns: String },
    /// The header or a whole row is wrong.
    #[error("{file}, line {line}: {reason}")]
    Line { file: String, line: u64, reason: String },
    /// One value is wrong.
    #[error("{file}, line {line}, column {column}: {value:?}, must be {expected}")]
    Value { file: String, line: u64, column: String, value: String, expected: String },
    /// The file has no row, or none in the requested part of it. `within` describes that part.
    #[error("{file}: no {what}{within}")]
    Empty { file: String, what: &'static str, within: String },
}

/// An error of a table without the table's name. Callers put their own name of the source in front.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RowError {
    /// The line of the error; the header is line 1.
    pub line: u64,
    /// The field, its value, and what would be right.
    pub reason: String,
}

impl CsvError {
    /// The name that the caller gave to the table.
    pub fn file(&self) -> &str {
        match self {
            Self::File { file, .. }
            | Self::Fields { file, .. }
            | Self::Line { file, .. }
            | Self::Value { file, .. }
            | Self::Empty { file, .. } => file,
        }
    }

    /// Converts an error of the `csv` crate. `line_before` is the line of the last row that was read.
    pub(super) fn from_csv(file: String, line_before: u64, columns: String, error: csv::Error) -> Self {
        let line = error.position().map_or(line_before, Position::line);
        match error.into_kind() {
            ErrorKind::Io(source) => Self::File { file, line, source },
            ErrorKind::UnequalLengths { expected_len, len, .. } => {
                Self::Fields { file, line, found: len, expected: expected_len, columns }
            }
            ErrorKind::Utf8 { .. } => Self::Line { file, line, reason: "not UTF-8 text".to_owned() },
            // The other kinds come from writing, seeking and deserializing, which this reader does not do.
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
