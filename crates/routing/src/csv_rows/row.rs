//! One row of a table: as a value of a serde type, or field by field.

use std::str::FromStr;

use csv::{ErrorKind, Position, StringRecord};
use kerb_geometry::LatLng;
use serde::Deserialize;

use super::error::CsvError;

/// A type that a row is read into. Its fields have the names of the columns.
pub trait TypedRow<'r>: Deserialize<'r> {
    /// What a column must hold, for the error when it does not: by default a number, because every text is a text.
    fn expected(_column: &str) -> &'static str {
        "a number"
    }
}

/// The row that was read last.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    pub(super) file: &'r str,
    pub(super) columns: &'r StringRecord,
    pub(super) record: &'r StringRecord,
}

impl<'r> Row<'r> {
    /// The row as a value. Columns that the type does not have are not read.
    pub fn read<T: TypedRow<'r>>(self) -> Result<T, CsvError> {
        self.record.deserialize(Some(self.columns)).map_err(|error| self.wrong_type(&error, T::expected))
    }

    /// The line, from 1, the header included.
    pub fn line(self) -> u64 {
        self.record.position().map_or(1, Position::line)
    }

    /// The text of a field.
    pub fn text(self, column: usize) -> &'r str {
        // The reader refuses rows that are not as long as the header.
        self.record.get(column).unwrap_or_default()
    }

    /// The number in a field.
    pub fn number<T: FromStr>(self, column: usize) -> Result<T, CsvError> {
        self.text(column).parse().map_err(|_no_number| self.wrong(column, "a number"))
    }

    /// The position in the columns of a latitude and a longitude.
    pub fn position(self, [lat, lon]: [usize; 2]) -> Result<LatLng, CsvError> {
        let (lat_deg, lon_deg) = (self.degrees(lat, 90.0)?, self.degrees(lon, 180.0)?);
        LatLng::new(lat_deg, lon_deg).map_err(|error| self.wrong(lat, error.to_string()))
    }

    /// The error for a wrong value.
    pub fn wrong(self, column: usize, expected: impl Into<String>) -> CsvError {
        CsvError::Value {
            file: self.file.to_owned(),
            line: self.line(),
            column: self.columns.get(column).unwrap_or_default().to_owned(),
            value: self.text(column).to_owned(),
            expected: expected.into(),
        }
    }

    /// As [`Row::wrong`], for a column by its name.
    pub fn wrong_in(self, column: &str, expected: impl Into<String>) -> CsvError {
        let index = self.columns.iter().position(|own| own == column);
        self.wrong(index.unwrap_or(self.columns.len()), expected)
    }

    /// The error for a row that is wrong as a whole.
    pub fn error(self, reason: impl Into<String>) -> CsvError {
        CsvError::Line { file: self.file.to_owned(), line: self.line(), reason: reason.into() }
    }

    fn degrees(self, column: usize, limit: f64) -> Result<f64, CsvError> {
        // The comparison also refuses what is not a number.
        let degrees = self.text(column).parse::<f64>().ok().filter(|degrees| degrees.abs() <= limit);
        degrees.ok_or_else(|| self.wrong(column, format!("degrees from -{limit} to {limit}")))
    }

    fn wrong_type(self, error: &csv::Error, expected: impl Fn(&str) -> &'static str) -> CsvError {
        let field = match error.kind() {
            ErrorKind::Deserialize { err, .. } => err.field(),
            _ => None,
        };
        // A row has at most as many fields as fit in memory, so the index fits, too.
        match field.and_then(|field| usize::try_from(field).ok()) {
            Some(column) => self.wrong(column, expected(self.columns.get(column).unwrap_or_default())),
            // An error of the row as a whole: a column of the type stands in the header twice, or not at all.
            None => match error.kind() {
                ErrorKind::Deserialize { err, .. } => self.error(err.kind().to_string()),
                _ => self.error(error.to_string()),
            },
        }
    }
}
