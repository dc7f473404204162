//! One row of a table, read as a value of a serde type or field by field.

use std::str::FromStr;

use csv::{ErrorKind, Position, StringRecord};
use kerb_geometry::LatLng;
use serde::Deserialize;

use super::error::CsvError;
use super::number::{expected_number, parse_decimal};

/// Unix seconds from which on a time counts as milliseconds: the year 5138, and as milliseconds the year 1973.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// A serde type that a row is read into. Its fields have the names of the columns.
pub trait TypedRow<'r>: Deserialize<'r> {
    /// The columns that hold numbers. They must be in plain decimal, which serde alone does not check.
    const NUMBERS: &'static [&'static str];

    /// What a column must hold, for the error when it does not. By default a number, because text fields accept any
    /// text.
    fn expected(_column: &str) -> &'static str {
        "a number"
    }
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct CsvRow<'r> {
    pub(super) file: &'r str,
    pub(super) columns: &'r StringRecord,
    pub(super) record: &'r StringRecord,
}

impl<'r> CsvRow<'r> {
    /// Reads the row as a value. Columns that the type does not have are ignored.
    pub fn read<T: TypedRow<'r>>(self) -> Result<T, CsvError> {
        for (column, name) in self.columns.iter().enumerate().filter(|(_, name)| T::NUMBERS.contains(name)) {
            // Only the notation: the field's type decides about range, fractions and empty texts. Every plain decimal
            // is an `f64`.
            let text = self.text(column);
            if !text.is_empty() && parse_decimal::<f64>(text).is_none() {
                return Err(self.wrong(column, self.expected::<T>(column, name)));
            }
        }
        self.record.deserialize(Some(self.columns)).map_err(|error| self.wrong_type::<T>(&error))
    }

    /// The line of the row; the header is line 1.
    pub fn line(self) -> u64 {
        self.record.position().map_or(1, Position::line)
    }

    /// The text of a field, without the blanks around it.
    pub fn text(self, column: usize) -> &'r str {
        // The reader rejects rows that have fewer fields than the header.
        self.record.get(column).unwrap_or_default()
    }

    /// The number in a field, in plain decimal.
    pub fn number<T: FromStr>(self, column: usize) -> Result<T, CsvError> {
        let text = self.text(column);
        parse_decimal(text).ok_or_else(|| self.wrong(column, expected_number(text)))
    }

    /// Checks a Unix time in whole seconds that was read from a column. A time in milliseconds is rejected: read as seconds,
    /// it would be far in the future.
    pub fn unix_seconds(self, column: &str, time: i64) -> Result<i64, CsvError> {
        if time.unsigned_abs() < MILLISECONDS_FROM {
            return Ok(time);
        }
        Err(self.wrong_in(column, "unix time in whole seconds: this looks like milliseconds"))
    }

    /// The position in two columns: latitude and longitude in degrees.
    pub fn position(self, [lat, lon]: [usize; 2]) -> Result<LatLng, CsvError> {
        let (lat_deg, lon_deg) = (self.degrees(lat, 90.0)?, self.degrees(lon, 180.0)?);
        LatLng::new(lat_deg, lon_deg).map_err(|error| self.wrong(lat, error.to_string()))
    }

    /// Makes the error for a wrong value. `expected` is what would be right.
    pub fn wrong(self, column: usize, expected: impl Into<String>) -> CsvError {
        CsvError::Value {
            file: self.file.to_owned(),
            line: self.line(),
            column: self.columns.get(column).unwrap_or_default().to_owned(),
            value: self.text(column).to_owned(),
            expected: expected.into(),
        }
    }

    /// Like [`CsvRow::wrong`], for a column by its name.
    pub fn wrong_in(self, column: &str, expected: impl Into<String>) -> CsvError {
        let index = self.columns.iter().position(|own| own == column);
        self.wrong(index.unwrap_or(self.columns.len()), expected)
    }

    /// Makes the error for a row that is wrong as a whole.
    pub fn error(self, reason: impl Into<String>) -> CsvError {
        CsvError::Line { file: self.file.to_owned(), line: self.line(), reason: reason.into() }
    }

    fn degrees(self, column: usize, limit: f64) -> Result<f64, CsvError> {
        let degrees = parse_decimal::<f64>(self.text(column)).filter(|degrees| degrees.abs() <= limit);
        degrees.ok_or_else(|| self.wrong(column, format!("degrees from -{limit} to {limit}")))
    }

    /// What a column of a typed row must hold. For numbers it depends on the text: see [`expected_number`].
    fn expected<T: TypedRow<'r>>(self, column: usize, name: &str) -> &'static str {
        match T::expected(name) {
            "a number" => expected_number(self.text(column)),
            expected => expected,
        }
    }

    fn wrong_type<T: TypedRow<'r>>(self, error: &csv::Error) -> CsvError {
        let field = match error.kind() {
            ErrorKind::Deserialize { err, .. } => err.field(),
            _ => None,
        };
        // All fields are in memory, so an index of one fits `usize`.
        match field.and_then(|field| usize::try_from(field).ok()) {
            Some(column) => {
                let name = self.columns.get(column).unwrap_or_default();
                self.wrong(column, self.expected::<T>(column, name))
            }
            // An error of the whole row: the header has a column of the type twice, or not at all.
            None => match error.kind() {
                ErrorKind::Deserialize { err, .. } => self.error(err.kind().to_string()),
                _ => self.error(error.to_string()),
            },
        }
    }
}
