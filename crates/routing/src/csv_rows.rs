//! Reads CSV tables, plain or gzipped, one row at a time. The caller defines what the columns mean.
//!
//! A row becomes a value of a serde type ([`CsvRow::read`]), or is read field by field if the columns are not known
//! when the code is written ([`CsvRow::text`], [`CsvRow::number`]). Every error names the file, the line, the column,
//! the value and what would be right. Blanks around a field are ignored.
//!
//! Numbers are plain decimal: `-12`, `0.5`, `1e-05`. Other spellings (`0x10`, `+5`, `1_000`, `.5`, `inf`) are errors.
//!
//! ```
//! use kerb_routing::csv_rows::{CsvError, CsvTable, LastLine, TypedRow};
//!
//! #[derive(serde::Deserialize)]
//! struct Stop<'r> {
//!     name: &'r str,
//!     platforms: u32,
//! }
//!
//! impl<'r> TypedRow<'r> for Stop<'r> {
//!     const NUMBERS: &'static [&'static str] = &["platforms"];
//! }
//!
//! let text = "name,platforms\nHarbor,2\nMarket,two\n";
//! let mut table = CsvTable::new(text.as_bytes(), "stops.csv", LastLine::MustEnd)?;
//! let row = table.next_row()?.expect("a first row");
//! let stop: Stop<'_> = row.read()?;
//! assert_eq!((stop.name, stop.platforms), ("Harbor", 2));
//! let error = table.next_row()?.expect("a second row").read::<Stop<'_>>().err().expect("a word is no number");
//! assert_eq!(error.to_string(), "stops.csv, line 3, column platforms: \"two\", must be a number");
//! # Ok::<(), CsvError>(())
//! ```

mod error;
mod number;
mod row;
mod source;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use csv::{Position, Reader, ReaderBuilder, StringRecord, Trim};

pub use error::{CsvError, RowError};
pub use row::{CsvRow, TypedRow};
pub use source::LastLine;

use source::Source;

/// The size of a read from a file in bytes.
const BUFFER_BYTES: usize = 1 << 16;

/// A table during reading. It keeps one row in memory.
pub struct CsvTable<R: Read> {
    file: String,
    reader: Reader<Source<R>>,
    columns: StringRecord,
    /// The number of first columns that the caller reads, for the errors.
    first_columns: usize,
    record: StringRecord,
}

impl CsvTable<BufReader<File>> {
    /// Opens a file. Errors name its path.
    pub fn open(path: &Path, last_line: LastLine) -> Result<Self, CsvError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::new(BufReader::with_capacity(BUFFER_BYTES, file), name, last_line),
            Err(source) => Err(CsvError::File { file: name, line: 1, source }),
        }
    }
}

impl<R: Read> CsvTable<R> {
    /// Reads the header. Errors name `file`.
    pub fn new(source: R, file: impl Into<String>, last_line: LastLine) -> Result<Self, CsvError> {
        let file = file.into();
        let source = match Source::new(source, last_line) {
            Ok(source) => source,
            Err(source) => return Err(CsvError::File { file, line: 1, source }),
        };
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(source);
        let columns = match reader.headers() {
            Ok(headers) => headers.clone(),
            Err(error) => return Err(CsvError::from_csv(file, 1, String::new(), error)),
        };
        Ok(Self { file, reader, first_columns: columns.len(), columns, record: StringRecord::new() })
    }

    /// The names of the columns.
    pub fn columns(&self) -> &StringRecord {
        &self.columns
    }

    /// The index of a column; `None` when the table does not have it.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|own| own == name)
    }

    /// The index of a column; an error when the table does not have it.
    pub fn require(&self, name: &str) -> Result<usize, CsvError> {
        self.column(name).ok_or_else(|| self.header_error(format!("there is no column {name:?}")))
    }

    /// Checks that the table has all of these columns, in any order.
    pub fn require_all(&self, names: &[&str]) -> Result<(), CsvError> {
        names.iter().try_for_each(|name| self.require(name).map(|_index| ()))
    }

    /// Checks that the table starts with these columns in this order. If `exact`, it must not have others.
    pub fn require_first(&mut self, names: &[&str], exact: bool) -> Result<(), CsvError> {
        let compared = if exact { self.columns.len() } else { names.len() };
        if self.columns.iter().take(compared).eq(names.iter().copied()) {
            self.first_columns = names.len();
            return Ok(());
        }
        let found = self.columns.iter().collect::<Vec<_>>().join(",");
        let must = if exact { "be" } else { "begin with" };
        Err(self.header_error(format!("the columns are {found:?}, must {must} {:?}", names.join(","))))
    }

    /// The next row; `None` at the end of the table.
    pub fn next_row(&mut self) -> Result<Option<CsvRow<'_>>, CsvError> {
        let line_before = self.record.position().map_or(1, Position::line);
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Ok(Some(CsvRow { file: &self.file, columns: &self.columns, record: &self.record })),
            Ok(false) => Ok(None),
            Err(error) => {
                let columns = self.columns.iter().take(self.first_columns).collect::<Vec<_>>().join(",");
                Err(CsvError::from_csv(self.file.clone(), line_before, columns, error))
            }
        }
    }

    /// Reads all remaining rows.
    pub fn read_all<T>(
        mut self,
        mut read: impl FnMut(CsvRow<'_>) -> Result<T, CsvError>,
    ) -> Result<Vec<T>, CsvError> {
        let mut all = Vec::new();
        while let Some(row) = self.next_row()? {
            all.push(read(row)?);
        }
        Ok(all)
    }

    fn header_error(&self, reason: String) -> CsvError {
        CsvError::Line { file: self.file.clone(), line: 1, reason }
    }
}
