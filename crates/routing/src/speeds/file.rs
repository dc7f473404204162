//! Speed files: CSV, plain or packed by gzip.
//!
//! | columns | what |
//! |---|---|
//! | `from_lat`, `from_lon`, `to_lat`, `to_lon` | a direction by its ends, as `kerb roads segments` lists them; `way` may tell streets apart that run side by side |
//! | or `segment`, `direction` | by its number in this network file; `direction` is `forward` or `reverse` |
//! | `speed_kmh` | at all hours |
//! | and, or instead, `kmh_0` to `kmh_167` | at an hour of the week, from Monday at midnight; all 168 or none |
//!
//! A row may leave a speed empty. Other columns are not read. A direction that stands twice has the last row's speeds.

use std::io::{self, Read, Write};

use super::hour::{HOURS, HourOfWeek};
use super::key::{DIRECTIONS, DirectionName, Segments};
use super::listing::listed;
use super::speed::Speed;
use super::table::SpeedTable;
use crate::csv_rows::{CsvError, LastLine, Row, RowError, Table};
use crate::graph::{DirectedSegment, Network};

/// Reads a speed file. It is taken whole or not at all.
pub fn read_speeds(
    source: impl Read,
    network: &Network,
    segments: &Segments,
) -> Result<SpeedTable, RowError> {
    // The callers name the file in front of the errors.
    let mut rows = Table::new(source, "", LastLine::MustEnd)?;
    let names = Names::find(&rows)?;
    let speeds = Speeds::find(&rows)?;
    let mut table = SpeedTable::new(network);
    while let Some(row) = rows.next_row()? {
        let arcs = segments.find(&names.read(row)?).map_err(|error| row.error(error.to_string()))?;
        for arc in arcs {
            speeds.read(row, arc, &mut table)?;
        }
    }
    Ok(table)
}

/// A row of a speed file: a direction's speed at all hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeedRow {
    /// Its line, from 1.
    pub line: u64,
    /// Whose speed.
    pub direction: DirectionName,
    /// The speed.
    pub speed: Speed,
}

/// Reads the rows that have a speed at all hours, for who has no network: whoever has it finds the directions.
pub fn read_rows(source: impl Read) -> Result<Vec<SpeedRow>, RowError> {
    // The callers name the file in front of the errors.
    let mut rows = Table::new(source, "", LastLine::MustEnd)?;
    let names = Names::find(&rows)?;
    let always = rows.require("speed_kmh")?;
    let mut read = Vec::new();
    while let Some(row) = rows.next_row()? {
        let direction = names.read(row)?;
        let speed = speed(row, always)?;
        read.extend(speed.map(|speed| SpeedRow { line: row.line(), direction, speed }));
    }
    Ok(read)
}

/// Writes a table whose speeds change with the hour: directions by their ends, and a speed for each hour.
pub fn write_speeds(table: &SpeedTable, network: &Network, out: impl Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    let names = ["way", "from_lat", "from_lon", "to_lat", "to_lon"].map(str::to_owned);
    out.write_record(names.into_iter().chain((0..HOURS).map(hour_column)))?;
    for row in listed(network) {
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
enum Names {
    Ends { from: [usize; 2], to: [usize; 2], way: Option<usize> },
    Number { segment: usize, direction: usize },
}

impl Names {
    fn find(rows: &Table<impl Read>) -> Result<Self, CsvError> {
        if rows.column("from_lat").is_none() && rows.column("segment").is_some() {
            let (segment, direction) = (rows.require("segment")?, rows.require("direction")?);
            return Ok(Self::Number { segment, direction });
        }
        let from = [rows.require("from_lat")?, rows.require("from_lon")?];
        let to = [rows.require("to_lat")?, rows.require("to_lon")?];
        Ok(Self::Ends { from, to, way: rows.column("way") })
    }

    fn read(&self, row: Row<'_>) -> Result<DirectionName, CsvError> {
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

/// The columns that hold speeds.
struct Speeds {
    always: Option<usize>,
    by_hour: Vec<(HourOfWeek, usize)>,
}

impl Speeds {
    fn find(rows: &Table<impl Read>) -> Result<Self, CsvError> {
        let always = rows.column("speed_kmh");
        let has_hours = rows.column(&hour_column(0)).is_some();
        if !has_hours {
            return Ok(Self { always: Some(rows.require("speed_kmh")?), by_hour: Vec::new() });
        }
        let hours = HourOfWeek::all().map(|hour| Ok((hour, rows.require(&hour_column(hour.number()))?)));
        Ok(Self { always, by_hour: hours.collect::<Result<_, _>>()? })
    }

    fn read(&self, row: Row<'_>, arc: DirectedSegment, table: &mut SpeedTable) -> Result<(), CsvError> {
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

fn speed(row: Row<'_>, column: usize) -> Result<Option<Speed>, CsvError> {
    if row.text(column).is_empty() {
        return Ok(None);
    }
    let wrong = |_| row.wrong(column, "1 to 300 km/h");
    Speed::new(row.number(column)?).map(Some).map_err(wrong)
}
