//! Reads real taxi trips from a CSV file, plain or gzipped: pickup, drop-off and time of each request.

use std::io::Read;
use std::path::Path;

use kerb_geometry::LatLng;
use kerb_routing::csv_rows::{CsvError, CsvRow, CsvTable, LastLine, TypedRow};
use serde::Deserialize;

/// The first columns, in this order; more may follow.
pub const COLUMNS: [&str; 6] =
    ["request_time", "pickup_lat", "pickup_lon", "dropoff_lat", "dropoff_lon", "passengers"];

/// Indices of the latitude and the longitude of a place.
const PICKUP: [usize; 2] = [1, 2];
const DROPOFF: [usize; 2] = [3, 4];

/// The shipped slice.
const SHIPPED: &[u8] = include_bytes!("../../../../data/sf_trips_2008-05-22_17h.csv.gz");
/// Its name in errors.
const SHIPPED_NAME: &str = "data/sf_trips_2008-05-22_17h.csv.gz";

/// A recorded trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trip {
    /// When the ride was requested, Unix seconds.
    pub time_s: i64,
    /// The position of the pickup.
    pub pickup: LatLng,
    /// The position of the drop-off.
    pub dropoff: LatLng,
    /// The number of passengers; `None` when the file has none.
    pub passengers: Option<u32>,
}

/// The shipped hours of San Francisco, by time; see `data/DATA.md`.
pub fn shipped() -> Result<Vec<Trip>, CsvError> {
    read(SHIPPED, SHIPPED_NAME)
}

/// Reads a file, plain or gzipped. By time.
pub fn read_file(path: &Path) -> Result<Vec<Trip>, CsvError> {
    read_table(CsvTable::open(path, LastLine::MayBeOpen)?, &path.display().to_string())
}

/// Reads CSV text, plain or gzipped; `name` stands in the errors. By time.
pub fn read(reader: impl Read, name: &str) -> Result<Vec<Trip>, CsvError> {
    read_table(CsvTable::new(reader, name, LastLine::MayBeOpen)?, name)
}

fn read_table(mut table: CsvTable<impl Read>, name: &str) -> Result<Vec<Trip>, CsvError> {
    table.require_first(&COLUMNS, false)?;
    let mut trips = table.read_all(|row| {
        let (pickup, dropoff) = (row.position(PICKUP)?, row.position(DROPOFF)?);
        let TripRow { passengers } = row.read()?;
        Ok(Trip { time_s: time_s(row)?, pickup, dropoff, passengers })
    })?;
    if trips.is_empty() {
        return Err(CsvError::Empty { file: name.to_owned(), what: "trips", within: String::new() });
    }
    trips.sort_by_key(|trip| trip.time_s);
    Ok(trips)
}

/// The time of a row, unix seconds.
pub fn time_s(row: CsvRow<'_>) -> Result<i64, CsvError> {
    let expected = "a time like 2008-05-22T17:00:00-07:00";
    parse_time_s(row.text(0)).ok_or_else(|| row.wrong(0, expected))
}

/// What a line holds besides its time and its places, which [`time_s`] and [`CsvRow::position`] check.
#[derive(Deserialize)]
struct TripRow {
    passengers: Option<u32>,
}

impl TypedRow<'_> for TripRow {
    const NUMBERS: &'static [&'static str] = &["passengers"];

    fn expected(_column: &str) -> &'static str {
        "a whole number, or nothing"
    }
}

/// Unix seconds of a time as RFC 3339 writes it, without fractions of a second.
pub fn parse_time_s(text: &str) -> Option<i64> {
    parse_time(text).map(|(time_s, _)| time_s)
}

/// As [`parse_time_s`], and the seconds by which the time's zone is ahead of UTC.
pub fn parse_time(text: &str) -> Option<(i64, i64)> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let (time, zone) = (rest.strip_prefix('T')?.get(..8)?, rest.get(9..)?);
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let zone_s = zone_s(zone)?;
    Some((days_from_civil(year, month, day) * 86_400 + clock_s(hour, minute) + second - zone_s, zone_s))
}

/// Three whole numbers of digits alone.
fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten();
    let mut parts = text.split(between).map(digits);
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

/// Seconds ahead of UTC.
fn zone_s(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hour, minute) = zone.get(1..)?.split_once(':')?;
    let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok()?);
    (hour <= 23 && minute <= 59).then(|| sign * clock_s(hour.into(), minute.into()))
}

fn clock_s(hour: i64, minute: i64) -> i64 {
    hour * 3_600 + minute * 60
}

/// Days from 1 January 1970 in the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
/// `days_from_civil`): years begin in March, so that the leap day is the last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_zone() {
        assert_eq!(parse_time_s("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_time_s("2008-05-22T17:00:00-07:00"), Some(1_211_500_800));
        assert_eq!(parse_time_s("2008-05-23T05:30:00+05:30"), Some(1_211_500_800));
        assert_eq!(parse_time_s("2000-02-29T00:00:00Z"), Some(951_782_400));
        assert_eq!(parse_time_s("1969-12-31T23:59:59Z"), Some(-1));
        for wrong in ["", "2008-05-22", "2008-05-22 17:00:00Z", "2008-13-01T00:00:00Z", "2008-05-22T17:00:00"]
        {
            assert_eq!(parse_time_s(wrong), None, "{wrong}");
        }
    }
}
