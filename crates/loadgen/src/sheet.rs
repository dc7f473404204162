//! Reads tables from CSV files, plain or gzipped, and tells what is wrong by file, line and column. What the columns
//! mean is the caller's.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use kerb_geometry::LatLng;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The file cannot be read.
    #[error("{file}: {source}")]
    File {
        /// Which.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A line is not CSV, or has too few or too many fields.
    #[error("{file}, line {line}: {reason}")]
    Line {
        /// Which file.
        file: String,
        /// From 1, the header included.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A value is wrong.
    #[error("{file}, line {line}, column {column}: {value:?}, must be {expected}")]
    Value {
        /// Which file.
        file: String,
        /// From 1, the header included.
        line: u64,
        /// Name of the column.
        column: &'static str,
        /// The value that stands there.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// There is nothing at all in the file, or in the part of it that was asked for.
    #[error("{file}: no {what}{within}")]
    Empty {
        /// Which file.
        file: String,
        /// What should be there.
        what: &'static str,
        /// The part that was asked for, in words.
        within: String,
    },
}

/// A file's text and its name for errors; one whose name ends in `.gz` is unpacked.
pub fn open(path: &Path) -> Result<(Box<dyn Read>, String), SheetError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|source| SheetError::File { file: name.clone(), source })?;
    let file = BufReader::with_capacity(1 << 16, file);
    let is_gz = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    Ok((if is_gz { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) }, name))
}

/// One line, read field by field.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The fields. Those that are meant stand first, in the order of `columns`.
    pub record: &'a csv::StringRecord,
    /// Name of the file.
    pub file: &'a str,
    /// Names of the columns.
    pub columns: &'static [&'static str],
}

impl Row<'_> {
    /// Latitude in this column, longitude in the next one.
    pub fn place(&self, column: usize) -> Result<LatLng, SheetError> {
        let (lat, lon) = (self.degrees(column, 90.0)?, self.degrees(column + 1, 180.0)?);
        LatLng::new(lat, lon).map_err(|e| self.wrong(column, e.to_string()))
    }

    fn degrees(&self, column: usize, limit: f64) -> Result<f64, SheetError> {
        let degrees = self.field(column).parse::<f64>().ok().filter(|d| d.abs() <= limit);
        degrees.ok_or_else(|| self.wrong(column, format!("degrees from -{limit} to {limit}")))
    }

    /// A field without blanks around it.
    pub fn field(&self, column: usize) -> &str {
        // The reader refuses lines that are not as long as the header, which was checked.
        self.record.get(column).unwrap_or_default().trim()
    }

    /// The value of this column is wrong.
    pub fn wrong(&self, column: usize, expected: impl Into<String>) -> SheetError {
        SheetError::Value {
            file: self.file.to_owned(),
            line: self.record.position().map_or(0, csv::Position::line),
            column: self.columns[column],
            value: self.field(column).to_owned(),
            expected: expected.into(),
        }
    }
}

/// Reads all rows. The header's first columns must be these; when `exact`, there are no others.
pub fn read<T>(
    reader: impl Read,
    file: &str,
    columns: &'static [&'static str],
    exact: bool,
    mut each: impl FnMut(Row<'_>) -> Result<T, SheetError>,
) -> Result<Vec<T>, SheetError> {
    let mut csv = csv::ReaderBuilder::new().from_reader(reader);
    check_header(csv.headers().map_err(|e| from_csv(file, columns, e))?, file, columns, exact)?;
    let (mut rows, mut record) = (Vec::new(), csv::StringRecord::new());
    while csv.read_record(&mut record).map_err(|e| from_csv(file, columns, e))? {
        rows.push(each(Row { record: &record, file, columns })?);
    }
    Ok(rows)
}

fn check_header(
    header: &csv::StringRecord,
    file: &str,
    columns: &[&str],
    exact: bool,
) -> Result<(), SheetError> {
    let read = if exact { header.len() } else { columns.len() };
    if header.iter().take(read).map(str::trim).eq(columns.iter().copied()) {
        return Ok(());
    }
    let found = header.iter().collect::<Vec<_>>().join(",");
    let must = if exact { "be" } else { "begin with" };
    let reason = format!("the columns are {found:?}, must {must} {:?}", columns.join(","));
    Err(SheetError::Line { file: file.to_owned(), line: 1, reason })
}

fn from_csv(file: &str, columns: &[&str], error: csv::Error) -> SheetError {
    let line = error.position().map_or(0, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, must be {expected_len}: {}", columns.join(","))
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    match error.into_kind() {
        csv::ErrorKind::Io(source) => SheetError::File { file: file.to_owned(), source },
        _ => SheetError::Line { file: file.to_owned(), line, reason },
    }
}
