//! Reads driven trips for the evaluation of travel times: `request_time` and `dropoff_time` (RFC 3339 with an offset),
//! `pickup_lat`, `pickup_lon`, `dropoff_lat`, `dropoff_lon`.
//!
//! | excluded trips | reason |
//! |---|---|
//! | shorter than 2 min or longer than 2 h | times have a resolution of a minute; a car that is hired by the hour takes no direct route |
//! | ends less than 500 m apart | a round trip, or a mistake |
//! | slower than 3 km/h or faster than 100 km/h in a straight line | the car waited, or the table is wrong |
//! | no drop-off time | there is no time to compare with |

use std::io::Read;

use jiff::Timestamp;
use jiff::civil::Date;
use kerb_geometry::{LatLng, distance_m};

use crate::csv_rows::{CsvError, CsvRow, CsvTable, LastLine, RowError};
use crate::speeds::UtcOffset;

const TIME_S: std::ops::RangeInclusive<i64> = 120..=7_200;
const STRAIGHT_MIN_M: f64 = 500.0;
const STRAIGHT_KMH: std::ops::RangeInclusive<f64> = 3.0..=100.0;

/// A trip with its real travel time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrivenTrip {
    /// The start in seconds since the Unix epoch.
    pub start_s: i64,
    /// The travel time in seconds.
    pub time_s: f64,
    /// The position of the pickup.
    pub from: LatLng,
    /// The position of the drop-off.
    pub to: LatLng,
}

/// The numbers of trips in a table, by the reason for which they were excluded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DrivenTripCounts {
    /// Rows on the requested days.
    pub read: u64,
    /// Trips without a drop-off time.
    pub without_end: u64,
    /// Trips that were too short or too long in time.
    pub odd_time: u64,
    /// Trips whose ends are too near each other.
    pub too_near: u64,
    /// Trips that were too slow or too fast.
    pub odd_speed: u64,
    /// Trips that were not excluded.
    pub kept: u64,
}

/// A day of the calendar, in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl std::str::FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Day).map_err(|_no_date| format!("{text:?} must be a day such as 2008-05-17"))
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Day {
    fn of(start_s: i64, offset: UtcOffset) -> Option<Self> {
        let local = Timestamp::from_second(start_s.checked_add(offset.s())?).ok()?;
        Some(Self(jiff::tz::Offset::UTC.to_datetime(local).date()))
    }
}

/// Reads the trips that started on the days of a range. `offset` defines the local time of the days.
pub fn read_trips(
    source: impl Read,
    offset: UtcOffset,
    days: std::ops::RangeInclusive<Day>,
) -> Result<(Vec<DrivenTrip>, DrivenTripCounts), RowError> {
    // The callers name the file in front of the errors.
    let mut table = CsvTable::new(source, "", LastLine::MustEnd)?;
    let (start, end) = (table.require("request_time")?, table.require("dropoff_time")?);
    let from = [table.require("pickup_lat")?, table.require("pickup_lon")?];
    let to = [table.require("dropoff_lat")?, table.require("dropoff_lon")?];
    let mut counts = DrivenTripCounts::default();
    let mut trips = Vec::new();
    while let Some(row) = table.next_row()? {
        let start_s = instant_s(row, start)?;
        if !Day::of(start_s, offset).is_some_and(|day| days.contains(&day)) {
            continue;
        }
        counts.read += 1;
        if row.text(end).is_empty() {
            counts.without_end += 1;
            continue;
        }
        let time_s = (instant_s(row, end)? - start_s) as f64;
        let trip = DrivenTrip { start_s, time_s, from: row.position(from)?, to: row.position(to)? };
        trips.extend(trip.is_comparable(&mut counts).then_some(trip));
    }
    counts.kept = trips.len() as u64;
    Ok((trips, counts))
}

impl DrivenTrip {
    /// Whether the trip can be compared. If not, counts it at the first rule that excludes it.
    fn is_comparable(&self, counts: &mut DrivenTripCounts) -> bool {
        let straight_m = distance_m(self.from, self.to);
        // The time is a difference of whole seconds, so the cast keeps it.
        let count = if !TIME_S.contains(&(self.time_s as i64)) {
            &mut counts.odd_time
        } else if straight_m < STRAIGHT_MIN_M {
            &mut counts.too_near
        } else if !STRAIGHT_KMH.contains(&(straight_m / self.time_s * 3.6)) {
            &mut counts.odd_speed
        } else {
            return true;
        };
        *count += 1;
        false
    }
}

fn instant_s(row: CsvRow<'_>, column: usize) -> Result<i64, CsvError> {
    let instant = row.text(column).parse::<Timestamp>();
    instant
        .map(Timestamp::as_second)
        .map_err(|_no_time| row.wrong(column, "a time such as 2008-05-22T17:00:00-07:00"))
}
