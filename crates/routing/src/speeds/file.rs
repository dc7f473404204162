//! Speed files: CSV, plain or gzipped.
//!
//! | columns | meaning |
//! |---|---|
//! | `from_lat`, `from_lon`, `to_lat`, `to_lon` | a direction by its ends, as `kerb roads segments` lists them; an optional `way` distinguishes parallel streets |
//! | or `segment`, `direction` | a direction by its number in this network file; `direction` is `forward` or `reverse` |
//! | `speed_kmh` | the speed at all hours |
//! | in addition or instead, `kmh_0` to `kmh_167` | the speed at an hour of the week, from Monday at midnight; all 168 columns or none |
//!
//! A speed may be empty. Other columns are ignored. If two rows name the same direction, the last one counts.

use std::io::{self, Read, Write};

use super::direction_index::{DIRECTIONS, DirectionIndex, DirectionName};
use super::hour::{HOURS, HourOfWeek};
use super::listing::list_directions;
use super::speed::Speed;
use super::table::SpeedTable;
use crate::csv_rows::{CsvError, CsvRow, CsvTable, LastLine, RowError};
use crate::network::{DirectedSegment, Network};

/// Reads a speed file. Any error rejects the whole file.
pub fn read_speeds(
    source: impl Read,
    network: &Network,
    segments: &DirectionIndex,
) -> Result<SpeedTable, RowError> {
    // The callers name the file in front of the errors.
    let mut rows = CsvTable::new(source, "", LastLine::MustEnd)?;
    let names = NameColumns::find(&rows)?;
    let speeds = SpeedColumns::find(&rows)?;
    let mut table = SpeedTable::new(network);
    while let Some(row) = rows.next_row()? {
        let arcs = segments.find(&names.read(row)?).map_err(|error| row.error(error.to_string()))?;
        for arc in arcs {
            speeds.read(row, arc, &mut table)?;
        }
    }
    Ok(table)
}

/// A row of a speed file with a speed at all hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeedRow {
    /// The line of the row; the header is line 1.
    pub line: u64,
    /// The direction of a segment that has this speed.
    pub direction: DirectionName,
    /// The speed at all hours of the week.
    pub speed: Speed,
}

/// Reads the rows that have a speed at all hours, without a network. The receiver of the rows resolves their names.
pub fn read_rows(source: impl Read) -> Result<Vec<SpeedRow>, RowError> {
    // The callers name the file in front of the errors.
    let mut rows = CsvTable::new(source, "", LastLine::MustEnd)?;
    let names = NameColumns::find(&rows)?;
    let always = rows.require("speed_kmh")?;
    let mut read = Vec::new();
    while let Some(row) = rows.next_row()? {
        let direction = names.read(row)?;
        let speed = speed(row, always)?;
        read.extend(speed.map(|speed| SpeedRow { line: row.line(), direction, speed }));
    }
    Ok(read)
}

/// Writes a table with a speed for each hour of the week, and directions by their ends.
pub fn write_speeds(table: &SpeedTable, network: &Network, out: impl Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    let names = ["way", "from_lat", "from_lon", "to_lat", "to_lon"].map(str::to_owned);
    out.write_record(names.into_iter().chain((0..HOURS).map(hour_column)))?;
    for row in list_directions(network) {
        let [from, to] = row.ends;
        let ends = [from.lat_deg(), from.lon_deg(), to.lat_deg(), to.lon_deg()].map(|deg| deg.to_string());
        let speed =
            |hour| table.at(row.arc, hour).map_or(String::new(), |speed| format!("{:.1}", speed.kmh()));
        let names = std::iter::once(row.way.to_string()).chain(ends);
        out.write_record(names.chain(HourOfWeek::all().map(speed)))?;
    }
    out.flush()
}

fn hour_column(hour: usize) -> String {
    format!("kmh_{hour}")
}

/// The columns that name a direction.
enum NameColumns {
    Ends { from: [usize; 2], to: [usize; 2], way: Option<usize> },
    Number { segment: usize, direction: usize },
}

impl NameColumns {
    fn find(rows: &CsvTable<impl Read>) -> Result<Self, CsvError> {
        if rows.column("from_lat").is_none() && rows.column("segment").is_some() {
            let (segment, direction) = (rows.require("segment")?, rows.require("direction")?);
            return Ok(Self::Number { segment, direction });
        }
        let from = [rows.require("from_lat")?, rows.require("from_lon")?];
        let to = [rows.require("to_lat")?, rows.require("to_lon")?];
        Ok(Self::Ends { from, to, way: rows.column("way") })
    }

    fn read(&self, row: CsvRow<'_>) -> Result<DirectionName, CsvError> {
        match *self {
            Self::Ends { from, to, way } => {
                let way = match way.filter(|way| !row.text(*way).is_empty()) {
                    Some(way) => Some(row.number(way)?),
                    None => None,
                };
                Ok(DirectionName::Ends { from: row.position(from)?, to: row.position(to)?, way })
            }
            Self::Number { segment, direction } => {
                let word = row.text(direction);
                let Some(reverse) = DIRECTIONS.iter().position(|known| *known == word) else {
                    return Err(row.wrong(direction, "forward or reverse"));
                };
                Ok(DirectionName::Number { segment: row.number(segment)?, reverse: reverse == 1 })
            }
        }
    }
}

/// The columns that contain speeds.
struct SpeedColumns {
    always: Option<usize>,
    by_hour: Vec<(HourOfWeek, usize)>,
}

impl SpeedColumns {
    fn find(rows: &CsvTable<impl Read>) -> Result<Self, CsvError> {
        let always = rows.column("speed_kmh");
        let has_hours = rows.column(&hour_column(0)).is_some();
        if !has_hours {
            return Ok(Self { always: Some(rows.require("speed_kmh")?), by_hour: Vec::new() });
        }
        let hours = HourOfWeek::all().map(|hour| Ok((hour, rows.require(&hour_column(hour.number()))?)));
        Ok(Self { always, by_hour: hours.collect::<Result<_, _>>()? })
    }

    fn read(&self, row: CsvRow<'_>, arc: DirectedSegment, table: &mut SpeedTable) -> Result<(), CsvError> {
        if let Some(speed) = self.always.map(|column| speed(row, column)).transpose()?.flatten() {
            table.set(arc, speed);
        }
        for (hour, column) in &self.by_hour {
            if let Some(speed) = speed(row, *column)? {
                table.set_at(arc, *hour, speed);
            }
        }
        Ok(())
    }
}

/// The speed in a field; `None` when the field is empty.
fn speed(row: CsvRow<'_>, column: usize) -> Result<Option<Speed>, CsvError> {
    if row.text(column).is_empty() {
        return Ok(None);
    }
    let wrong = || row.wrong(column, "1 to 300 km/h");
    // NaN and infinity are well-known spellings of a float: out of range rather than malformed.
    if row.text(column).parse::<f64>().is_ok_and(|kmh| !kmh.is_finite()) {
        return Err(wrong());
    }
    Speed::new(row.number(column)?).map(Some).map_err(|_out_of_range| wrong())
}
