//! Drives out of a table of positions: `time` (unix seconds), `cab_id`, `lat`, `lon`, `occupied` (0 or 1), by time.
//!
//! Only positions with a passenger count: who carries one drives, and who carries none may stand and wait.

use std::collections::HashMap;
use std::io::Read;

use kerb_geometry::LatLng;
use serde::Deserialize;

use crate::csv_rows::{LastLine, RowError, Table, TypedRow};

/// A position of a car.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ping {
    /// Unix seconds.
    pub at_s: i64,
    /// Where.
    pub place: LatLng,
}

/// Positions of one car with no gap between them, by time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drive {
    /// At least two.
    pub pings: Vec<Ping>,
}

/// What makes a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriveRules {
    /// A longer silence ends it, seconds.
    pub gap_max_s: i64,
}

impl Default for DriveRules {
    fn default() -> Self {
        Self { gap_max_s: 180 }
    }
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PingCounts {
    /// All rows.
    pub read: u64,
    /// Of cars without a passenger.
    pub vacant: u64,
    /// Not after the one before of the same car.
    pub out_of_order: u64,
    /// In drives.
    pub used: u64,
}

#[derive(Deserialize)]
struct PingRow<'r> {
    time: i64,
    cab_id: &'r str,
    occupied: &'r str,
}

impl<'r> TypedRow<'r> for PingRow<'r> {}

/// Reads the table into drives.
pub fn read_pings(source: impl Read, rules: DriveRules) -> Result<(Vec<Drive>, PingCounts), RowError> {
    // The callers name the file in front of the errors.
    let mut table = Table::new(source, "", LastLine::MustEnd)?;
    table.require_all(&["time", "cab_id", "occupied"])?;
    let place = [table.require("lat")?, table.require("lon")?];
    let mut counts = PingCounts::default();
    let mut open = HashMap::<String, Drive>::new();
    let mut drives = Vec::new();
    while let Some(row) = table.next_row()? {
        counts.read += 1;
        let PingRow { time, cab_id: cab, occupied } = row.read()?;
        let ping = Ping { at_s: time, place: row.position(place)? };
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
                match drive.pings.last().map(|last| ping.at_s - last.at_s) {
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
    // A map has no order of its own, and the same table shall give the same speeds.
    drives.sort_by_key(|drive| {
        (drive.pings[0].at_s, drive.pings[0].place.lat_e7(), drive.pings[0].place.lon_e7())
    });
    counts.used = drives.iter().map(|drive| drive.pings.len() as u64).sum();
    Ok((drives, counts))
}
