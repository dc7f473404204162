//! Reads a day of taxi pings from a CSV file, plain or gzipped. It does not move anybody: see [`crate::track`].

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use kerb_spatial::LatLng;

/// The columns, in this order.
pub const COLUMNS: [&str; 5] = ["time", "cab_id", "lat", "lon", "occupied"];

/// Bytes of a cab's id, at most: with the prefix of its driver id it stays within the limit of 64.
pub const CAB_ID_BYTES_MAX: usize = 60;

/// The shipped slice.
const SHIPPED: &[u8] = include_bytes!("../data/sf_2008-05-22_17h.csv.gz");
/// Its name in errors.
const SHIPPED_NAME: &str = "simulator/data/sf_2008-05-22_17h.csv.gz";

/// Where a cab was at some second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Unix seconds.
    pub time_s: i64,
    /// Index into [`Pings::cabs`].
    pub cab: u32,
    /// Where.
    pub place: LatLng,
    /// With a passenger.
    pub occupied: bool,
}

/// A file of pings, sorted by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pings {
    /// The cabs' ids.
    pub cabs: Vec<String>,
    /// All pings, by time; pings of the same second in the file's order.
    pub pings: Vec<Ping>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PingsError {
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
    /// There is no ping at all in the file, or in the part of it that was asked for.
    #[error("{file}: no pings{within}")]
    Empty {
        /// Which file.
        file: String,
        /// The part that was asked for, in words.
        within: String,
    },
}

impl Pings {
    /// Half an hour of San Francisco, which comes with the project; see `data/DATA.md`.
    pub fn shipped() -> Result<Self, PingsError> {
        Self::read(MultiGzDecoder::new(SHIPPED), SHIPPED_NAME)
    }

    /// Reads a file; one whose name ends in `.gz` is unpacked.
    pub fn read_file(path: &Path) -> Result<Self, PingsError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| PingsError::File { file: name.clone(), source })?;
        let file = BufReader::with_capacity(1 << 16, file);
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
            Self::read(MultiGzDecoder::new(file), &name)
        } else {
            Self::read(file, &name)
        }
    }

    /// Reads CSV text; `name` stands in the errors.
    pub fn read(reader: impl Read, name: &str) -> Result<Self, PingsError> {
        let mut csv = csv::ReaderBuilder::new().from_reader(reader);
        check_header(csv.headers().map_err(|e| from_csv(name, e))?, name)?;
        let (mut all, mut index) = (Self::default(), HashMap::new());
        let mut record = csv::StringRecord::new();
        while csv.read_record(&mut record).map_err(|e| from_csv(name, e))? {
            let row = Row { record: &record, file: name };
            let cab = all.cab(row.cab()?, &mut index);
            all.pings.push(Ping { time_s: row.time()?, cab, place: row.place()?, occupied: row.occupied()? });
        }
        if all.pings.is_empty() {
            return Err(PingsError::Empty { file: name.to_owned(), within: String::new() });
        }
        all.pings.sort_by_key(|p| p.time_s);
        Ok(all)
    }

    /// Only the pings of `from_s <= time < until_s`, and the cabs that have one.
    #[must_use]
    pub fn cut(&self, from_s: i64, until_s: i64) -> Self {
        let (mut part, mut index) = (Self::default(), HashMap::new());
        for ping in self.pings.iter().filter(|p| (from_s..until_s).contains(&p.time_s)) {
            let cab = part.cab(&self.cabs[ping.cab as usize], &mut index);
            part.pings.push(Ping { cab, ..*ping });
        }
        part
    }

    /// Time of the first ping, unix seconds.
    pub fn begins_s(&self) -> i64 {
        self.pings.first().map_or(0, |p| p.time_s)
    }

    /// Time of the last ping, unix seconds.
    pub fn ends_s(&self) -> i64 {
        self.pings.last().map_or(0, |p| p.time_s)
    }

    fn cab(&mut self, id: &str, index: &mut HashMap<String, u32>) -> u32 {
        if let Some(&cab) = index.get(id) {
            return cab;
        }
        let cab = self.cabs.len() as u32;
        index.insert(id.to_owned(), cab);
        self.cabs.push(id.to_owned());
        cab
    }
}

/// One line, read field by field.
struct Row<'a> {
    record: &'a csv::StringRecord,
    file: &'a str,
}

impl Row<'_> {
    fn time(&self) -> Result<i64, PingsError> {
        self.field(0).parse().ok().ok_or_else(|| self.wrong(0, "unix time in whole seconds"))
    }

    fn cab(&self) -> Result<&str, PingsError> {
        let value = self.field(1);
        if value.is_empty() || value.len() > CAB_ID_BYTES_MAX {
            return Err(self.wrong(1, format!("an id of 1 to {CAB_ID_BYTES_MAX} bytes")));
        }
        Ok(value)
    }

    fn place(&self) -> Result<LatLng, PingsError> {
        let (lat, lon) = (self.degrees(2, 90.0)?, self.degrees(3, 180.0)?);
        LatLng::new(lat, lon).map_err(|e| self.wrong(2, e.to_string()))
    }

    fn degrees(&self, column: usize, limit: f64) -> Result<f64, PingsError> {
        let degrees = self.field(column).parse::<f64>().ok().filter(|d| d.abs() <= limit);
        degrees.ok_or_else(|| self.wrong(column, format!("degrees from -{limit} to {limit}")))
    }

    fn occupied(&self) -> Result<bool, PingsError> {
        match self.field(4) {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(self.wrong(4, "0 or 1")),
        }
    }

    fn field(&self, column: usize) -> &str {
        // The reader refuses lines that are not as long as the header, which was checked.
        self.record.get(column).unwrap_or_default().trim()
    }

    fn wrong(&self, column: usize, expected: impl Into<String>) -> PingsError {
        PingsError::Value {
            file: self.file.to_owned(),
            line: self.record.position().map_or(0, csv::Position::line),
            column: COLUMNS[column],
            value: self.field(column).to_owned(),
            expected: expected.into(),
        }
    }
}

fn check_header(header: &csv::StringRecord, name: &str) -> Result<(), PingsError> {
    if header.iter().map(str::trim).eq(COLUMNS) {
        return Ok(());
    }
    let found = header.iter().collect::<Vec<_>>().join(",");
    let reason = format!("the columns are {found:?}, must be {:?}", COLUMNS.join(","));
    Err(PingsError::Line { file: name.to_owned(), line: 1, reason })
}

fn from_csv(name: &str, error: csv::Error) -> PingsError {
    let line = error.position().map_or(0, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { len, .. } => {
            format!("{len} fields, must be {}: {}", COLUMNS.len(), COLUMNS.join(","))
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    match error.into_kind() {
        csv::ErrorKind::Io(source) => PingsError::File { file: name.to_owned(), source },
        _ => PingsError::Line { file: name.to_owned(), line, reason },
    }
}
