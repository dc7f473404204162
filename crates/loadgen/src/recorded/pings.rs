//! Reads a day of taxi pings from a CSV file, plain or gzipped. [`crate::recorded::track`] turns them into movements.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use kerb_geometry::LatLng;
use kerb_routing::csv_rows::{CsvError, CsvRow, CsvTable, LastLine, TypedRow};
use serde::Deserialize;

/// The columns, in this order.
pub const COLUMNS: [&str; 5] = ["time", "cab_id", "lat", "lon", "occupied"];

/// Indices of the latitude and the longitude.
const PLACE: [usize; 2] = [2, 3];

/// Maximum bytes of a cab's id: with its prefix the driver id stays within the limit of 64.
pub const CAB_ID_BYTES_MAX: usize = 60;

/// The shipped slice.
const SHIPPED: &[u8] = include_bytes!("../../../../data/sf_2008-05-22_17h.csv.gz");
/// Its name in errors.
const SHIPPED_NAME: &str = "data/sf_2008-05-22_17h.csv.gz";

/// The position of a cab at a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// When the position was measured, Unix seconds.
    pub time_s: i64,
    /// Index into [`Pings::cabs`].
    pub cab: u32,
    /// The measured position.
    pub place: LatLng,
    /// Whether a passenger is in the cab.
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

impl Pings {
    /// Half an hour of San Francisco, which comes with the project; see `data/DATA.md`.
    pub fn shipped() -> Result<Self, CsvError> {
        Self::read(SHIPPED, SHIPPED_NAME)
    }

    /// Reads a file, plain or gzipped.
    pub fn read_file(path: &Path) -> Result<Self, CsvError> {
        Self::read_table(CsvTable::open(path, LastLine::MayBeOpen)?, &path.display().to_string())
    }

    /// Reads CSV text, plain or gzipped; `name` stands in the errors.
    pub fn read(reader: impl Read, name: &str) -> Result<Self, CsvError> {
        Self::read_table(CsvTable::new(reader, name, LastLine::MayBeOpen)?, name)
    }

    fn read_table(mut table: CsvTable<impl Read>, name: &str) -> Result<Self, CsvError> {
        table.require_first(&COLUMNS, true)?;
        let (mut all, mut index) = (Self::default(), HashMap::new());
        let pings = table.read_all(|row| {
            let ping: PingRow<'_> = row.read()?;
            let cab = all.cab(ping.cab(row)?, &mut index);
            Ok(Ping {
                time_s: row.unix_seconds("time", ping.time)?,
                cab,
                place: row.position(PLACE)?,
                occupied: ping.occupied(row)?,
            })
        })?;
        all.pings = pings;
        if all.pings.is_empty() {
            return Err(CsvError::Empty { file: name.to_owned(), what: "pings", within: String::new() });
        }
        all.pings.sort_by_key(|p| p.time_s);
        Ok(all)
    }

    /// Returns the pings of `from_s <= time < until_s` and the cabs that have one.
    #[must_use]
    pub fn cut(&self, from_s: i64, until_s: i64) -> Self {
        let (mut part, mut index) = (Self::default(), HashMap::new());
        for ping in self.pings.iter().filter(|p| (from_s..until_s).contains(&p.time_s)) {
            let cab = part.cab(&self.cabs[ping.cab as usize], &mut index);
            part.pings.push(Ping { cab, ..*ping });
        }
        part
    }

    /// Returns the time of the first ping, Unix seconds.
    pub fn begins_s(&self) -> i64 {
        self.pings.first().map_or(0, |p| p.time_s)
    }

    /// Returns the time of the last ping, Unix seconds.
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

/// A row of the file; [`CsvRow::position`] reads and checks its position.
#[derive(Deserialize)]
struct PingRow<'r> {
    time: i64,
    cab_id: &'r str,
    occupied: &'r str,
}

impl<'r> TypedRow<'r> for PingRow<'r> {
    const NUMBERS: &'static [&'static str] = &["time"];

    fn expected(_column: &str) -> &'static str {
        "unix time in whole seconds"
    }
}

impl<'r> PingRow<'r> {
    fn cab(&self, row: CsvRow<'_>) -> Result<&'r str, CsvError> {
        let is_id = (1..=CAB_ID_BYTES_MAX).contains(&self.cab_id.len());
        is_id
            .then_some(self.cab_id)
            .ok_or_else(|| row.wrong_in("cab_id", format!("an id of 1 to {CAB_ID_BYTES_MAX} bytes")))
    }

    fn occupied(&self, row: CsvRow<'_>) -> Result<bool, CsvError> {
        match self.occupied {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(row.wrong_in("occupied", "0 or 1")),
        }
    }
}
