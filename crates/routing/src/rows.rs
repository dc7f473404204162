//! Tables of text, row by row: CSV, plain or packed by gzip, with the line and the field in every complaint.

use std::io::{self, BufRead, BufReader, Read};
use std::str::FromStr;

use csv::{Position, Reader, StringRecord};
use flate2::bufread::MultiGzDecoder;
use kerb_geometry::LatLng;

/// What is wrong with a table, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RowError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it: the field, its value, and what would be right.
    pub reason: String,
}

/// A table that is being read.
pub(crate) struct Rows<R: Read> {
    reader: Reader<Whole<Unpacked<R>>>,
    headers: StringRecord,
    row: StringRecord,
}

impl<R: Read> Rows<R> {
    pub(crate) fn open(source: R) -> Result<Self, RowError> {
        let source =
            Unpacked::new(source).map_err(|error| RowError { line: 1, reason: error.to_string() })?;
        let mut reader = Reader::from_reader(Whole { source, last: b'\n' });
        let headers = reader.headers().map_err(|error| failed(&error, 1))?.clone();
        Ok(Self { reader, headers, row: StringRecord::new() })
    }

    /// The place of a column.
    pub(crate) fn column(&self, name: &str) -> Result<usize, RowError> {
        self.find(name).ok_or_else(|| self.wrong(format!("there is no column {name:?}")))
    }

    /// The place of a column, if it is there.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.headers.iter().position(|header| header.trim() == name)
    }

    /// Goes to the next row, if there is one.
    pub(crate) fn next(&mut self) -> Result<bool, RowError> {
        let line = self.line();
        self.reader.read_record(&mut self.row).map_err(|error| failed(&error, line))
    }

    /// The name of a column.
    pub(crate) fn name(&self, column: usize) -> &str {
        &self.headers[column]
    }

    pub(crate) fn text(&self, column: usize) -> &str {
        self.row[column].trim()
    }

    pub(crate) fn number<T: FromStr>(&self, column: usize) -> Result<T, RowError> {
        self.text(column).parse().map_err(|_no_number| self.wrong_field(column, "a number"))
    }

    pub(crate) fn place(&self, [lat, lon]: [usize; 2]) -> Result<LatLng, RowError> {
        LatLng::new(self.number(lat)?, self.number(lon)?).map_err(|error| self.wrong(error.to_string()))
    }

    /// A complaint about a field: its name, its value, and what it must be.
    pub(crate) fn wrong_field(&self, column: usize, must_be: &str) -> RowError {
        self.wrong(format!("{} {:?} must be {must_be}", self.name(column), self.text(column)))
    }

    /// A complaint about the row.
    pub(crate) fn wrong(&self, reason: String) -> RowError {
        RowError { line: self.line(), reason }
    }

    /// The line of the row, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.row.position().map_or(1, Position::line)
    }
}

fn failed(error: &csv::Error, before: u64) -> RowError {
    let line = error.position().map_or(before, Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, there are {expected_len} columns")
        }
        csv::ErrorKind::Io(error) => format!("cannot be read after this line: {error}"),
        _ => error.to_string(),
    };
    RowError { line, reason }
}

/// A source that is unpacked when it begins as gzip does.
enum Unpacked<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
}

impl<R: Read> Unpacked<R> {
    fn new(source: R) -> io::Result<Self> {
        let mut source = BufReader::new(source);
        Ok(match source.fill_buf()? {
            [0x1f, 0x8b, ..] => Self::Gzip(Box::new(MultiGzDecoder::new(source))),
            _ => Self::Plain(source),
        })
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(buffer),
            Self::Gzip(source) => source.read(buffer),
        }
    }
}

/// A text whose last line must be ended: a file that was cut inside its last number would be believed otherwise.
struct Whole<R> {
    source: R,
    last: u8,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        match buffer[..count].last() {
            Some(last) => self.last = *last,
            None if self.last != b'\n' && !buffer.is_empty() => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the last line has no end: it was cut",
                ));
            }
            None => {}
        }
        Ok(count)
    }
}
