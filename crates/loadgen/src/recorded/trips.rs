//! Reads real taxi trips from a CSV file, plain or gzipped: pickup, drop-off and time of each request.

use std::io::Read;
use std::path::Path;

use jiff::civil::Date;
use jiff::fmt::temporal::Pieces;
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
    // jiff also reads forms that RFC 3339 does not have.
    let is_rfc = text.as_bytes().get(10) == Some(&b'T')
        && ["Z", "+00:00"].iter().any(|zone| text.len() == 19 + zone.len());
    let pieces = is_rfc.then(|| Pieces::parse(text).ok()).flatten()?;
    let zone = pieces.to_numeric_offset()?;
    let time = zone.to_timestamp(pieces.date().to_datetime(pieces.time()?)).ok()?;
    Some((time.as_second(), i64::from(zone.seconds())))
}

/// Returns the day of the calendar that the text names, as `2008-05-22`.
pub fn parse_day(text: &str) -> Result<String, String> {
    let day: Result<Date, _> = text.parse();
    day.map(|day| day.to_string())
        .map_err(|_no_day| format!("{text:?}, must be a day of the calendar like 2008-05-22"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(parse_day("2008-02-29"), Ok("2008-02-29".to_owned()));
        for wrong in ["2007-02-29", "2008-02-30", "2008-05", "2008-13-01", "today", ""] {
            assert!(parse_day(wrong).is_err_and(|error| error.contains("a day of the calendar")), "{wrong}");
        }
    }

    #[test]
    fn times_are_read_with_their_zone() {
        assert_eq!(parse_time_s("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_time_s("2008-05-22T17:00:00-07:00"), Some(1_211_500_800));
        assert_eq!(parse_time_s("2008-05-23T05:30:00+05:30"), Some(1_211_500_800));
        assert_eq!(parse_time_s("2000-02-29T00:00:00Z"), Some(951_782_400));
        assert_eq!(parse_time_s("1969-12-31T23:59:59Z"), Some(-1));
        for wrong in [
            "",
            "2008-05-22",
            "2008-05-22 17:00:00Z",
            "2008-13-01T00:00:00Z",
            "2008-05-22T17:00:00",
            "2008-02-30T00:00:00Z",
            "2007-02-29T00:00:00Z",
            "2008-04-31T00:00:00Z",
            "2008-00-10T00:00:00Z",
            "2008-05-22T24:00:00Z",
            "2008-05-22T17:00:00+1:00",
        ] {
            assert_eq!(parse_time_s(wrong), None, "{wrong}");
        }
    }
}
