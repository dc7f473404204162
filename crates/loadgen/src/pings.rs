//! Reads a day of taxi pings from a CSV file, plain or gzipped. It does not move anybody: see [`crate::track`].

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use kerb_geometry::LatLng;

use crate::sheet::{self, Row, SheetError};

/// The columns, in this order.
pub const COLUMNS: [&str; 5] = ["time", "cab_id", "lat", "lon", "occupied"];

/// Bytes of a cab's id, at most: with the prefix of its driver id it stays within the limit of 64.
pub const CAB_ID_BYTES_MAX: usize = 60;

/// The shipped slice.
const SHIPPED: &[u8] = include_bytes!("../../../data/sf_2008-05-22_17h.csv.gz");
/// Its name in errors.
const SHIPPED_NAME: &str = "data/sf_2008-05-22_17h.csv.gz";

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

impl Pings {
    /// Half an hour of San Francisco, which comes with the project; see `data/DATA.md`.
    pub fn shipped() -> Result<Self, SheetError> {
        Self::read(MultiGzDecoder::new(SHIPPED), SHIPPED_NAME)
    }

    /// Reads a file; one whose name ends in `.gz` is unpacked.
    pub fn read_file(path: &Path) -> Result<Self, SheetError> {
        let (reader, name) = sheet::open(path)?;
        Self::read(reader, &name)
    }

    /// Reads CSV text; `name` stands in the errors.
    pub fn read(reader: impl Read, name: &str) -> Result<Self, SheetError> {
        let (mut all, mut index) = (Self::default(), HashMap::new());
        let pings = sheet::read(reader, name, &COLUMNS, true, |row| {
            let cab = all.cab(cab(&row)?, &mut index);
            Ok(Ping { time_s: time(&row)?, cab, place: row.place(2)?, occupied: occupied(&row)? })
        })?;
        all.pings = pings;
        if all.pings.is_empty() {
            return Err(SheetError::Empty { file: name.to_owned(), what: "pings", within: String::new() });
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

fn time(row: &Row<'_>) -> Result<i64, SheetError> {
    row.field(0).parse().ok().ok_or_else(|| row.wrong(0, "unix time in whole seconds"))
}

fn cab<'a>(row: &'a Row<'_>) -> Result<&'a str, SheetError> {
    let value = row.field(1);
    if value.is_empty() || value.len() > CAB_ID_BYTES_MAX {
        return Err(row.wrong(1, format!("an id of 1 to {CAB_ID_BYTES_MAX} bytes")));
    }
    Ok(value)
}

fn occupied(row: &Row<'_>) -> Result<bool, SheetError> {
    match row.field(4) {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(row.wrong(4, "0 or 1")),
    }
}
