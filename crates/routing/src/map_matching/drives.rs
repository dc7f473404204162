//! Reads drives from a table of positions: `time` (Unix seconds), `cab_id`, `lat`, `lon`, `occupied` (0 or 1), sorted
//! by time.
//!
//! Only occupied cars count. A vacant car may stand and wait.

use std::collections::HashMap;
use std::io::Read;

use kerb_geometry::LatLng;
use serde::Deserialize;

use crate::csv_rows::{CsvTable, LastLine, RowError, TypedRow};

/// A position of a car at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ping {
    /// The time in seconds since the Unix epoch.
    pub at_s: i64,
    /// The position, with the noise of its measurement.
    pub place: LatLng,
}

/// The positions of one car without a long gap, in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drive {
    /// The positions: at least two.
    pub pings: Vec<Ping>,
}

/// The rules that divide positions into drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriveRules {
    /// The longest gap between two positions of a drive, in seconds.
    pub gap_max_s: i64,
}

impl Default for DriveRules {
    fn default() -> Self {
        Self { gap_max_s: 180 }
    }
}

/// The numbers of positions in a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PingCounts {
    /// The number of rows.
    pub read: u64,
    /// Positions of vacant cars.
    pub vacant: u64,
    /// Positions that are not later than the same car's position before.
    pub out_of_order: u64,
    /// Positions that are part of a drive.
    pub used: u64,
}

#[derive(Deserialize)]
struct PingRow<'r> {
    time: i64,
    cab_id: &'r str,
    occupied: &'r str,
}

impl<'r> TypedRow<'r> for PingRow<'r> {
    const NUMBERS: &'static [&'static str] = &["time"];
}

/// Reads a table into drives.
pub fn read_pings(source: impl Read, rules: DriveRules) -> Result<(Vec<Drive>, PingCounts), RowError> {
    // The callers name the file in front of the errors.
    let mut table = CsvTable::new(source, "", LastLine::MustEnd)?;
    table.require_all(&["time", "cab_id", "occupied"])?;
    let place = [table.require("lat")?, table.require("lon")?];
    let mut counts = PingCounts::default();
    let mut open = HashMap::<String, Drive>::new();
    let mut drives = Vec::new();
    while let Some(row) = table.next_row()? {
        counts.read += 1;
        let PingRow { time, cab_id: cab, occupied } = row.read()?;
        let ping = Ping { at_s: row.unix_seconds("time", time)?, place: row.position(place)? };
        match occupied {
            "0" => {
                counts.vacant += 1;
                drives.extend(open.remove(cab));
            }
            "1" => {
                let drive = match open.get_mut(cab) {
                    Some(drive) => drive,
                    None => open.entry(cab.to_owned()).or_default(),
                };
                match drive.pings.last().map(|last| ping.at_s.saturating_sub(last.at_s)) {
                    Some(..=0) => counts.out_of_order += 1,
                    Some(gap_s) if gap_s > rules.gap_max_s => {
                        drives.push(std::mem::replace(drive, Drive { pings: vec![ping] }));
                    }
                    _ => drive.pings.push(ping),
                }
            }
            _ => return Err(row.wrong_in("occupied", "0 or 1").into()),
        }
    }
    drives.extend(open.into_values());
    drives.retain(|drive| drive.pings.len() > 1);
    // A hash map has no fixed order, but the same table must always give the same speeds.
    drives.sort_by_key(|drive| {
        (drive.pings[0].at_s, drive.pings[0].place.lat_e7(), drive.pings[0].place.lon_e7())
    });
    counts.used = drives.iter().map(|drive| drive.pings.len() as u64).sum();
    Ok((drives, counts))
}
