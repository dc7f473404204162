//! A day of real trips on the streets: read, snapped, and with durations.

use std::collections::HashMap;
use std::path::Path;

use kerb_geometry::LatLng;
use kerb_routing::Roads;
use kerb_routing::engine::{PhantomNode, Router};
use serde::Serialize;

use crate::fleet_size::slowness::{HOURS, Sample, Slowness};
use kerb_loadgen::recorded::trips;
use kerb_routing::csv_rows::{CsvError, CsvRow, CsvTable, LastLine};

/// The columns of a file of trips. A file may end after any of the last three.
const COLUMNS: [&str; 8] = [
    "request_time",
    "pickup_lat",
    "pickup_lon",
    "dropoff_lat",
    "dropoff_lon",
    "passengers",
    "dropoff_time",
    "cab_id",
];
const DROPOFF_TIME: usize = 6;
const CAB_ID: usize = 7;
/// Maximum duration of a trip, seconds. A longer one is a meter that was left on.
const DURATION_MAX_S: i64 = 3 * 3_600;

/// A line of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TripLine {
    /// Time of the pickup, unix seconds.
    pub(super) pickup_s: i64,
    /// Time of the pickup, seconds since local midnight.
    pub(super) of_day_s: i64,
    pub(super) pickup: LatLng,
    pub(super) dropoff: LatLng,
    /// Time of the drop-off, unix seconds, if the file has it.
    pub(super) dropoff_s: Option<i64>,
    /// Id of the cab; empty if the file does not have it.
    pub(super) cab: String,
}

/// A trip on the streets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTrip {
    /// Time of the pickup, unix seconds.
    pub pickup_s: i64,
    /// Time of the drop-off, unix seconds; after the pickup.
    pub dropoff_s: i64,
    /// Index of the pickup in [`Day::places`].
    pub from: u32,
    /// Index of the drop-off in [`Day::places`].
    pub to: u32,
}

/// Counts of the lines that are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DroppedTrips {
    /// Lines with an end that is too far from every street.
    pub off_map: u32,
    /// Lines that end before they begin, or more than three hours later.
    pub no_duration: u32,
}

/// The trips of a day.
#[derive(Debug)]
pub struct Day {
    /// Trips by time of pickup.
    pub trips: Vec<DayTrip>,
    /// Distinct pickups and drop-offs, each with its phantom nodes.
    pub places: Vec<Vec<PhantomNode>>,
    /// Local midnight, unix seconds.
    pub midnight_s: i64,
    /// Factors on free-flow travel times, by local hour.
    pub slowness: Slowness,
    /// Counts of the lines that are left out.
    pub dropped: DroppedTrips,
    /// Number of cabs that served the trips, if the file has their ids.
    pub cars: Option<usize>,
}

/// The reason why the trips of a day cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DayError {
    /// The file cannot be read, or is not a file of trips.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// No trip has a duration, and no factor is given.
    #[error("no trip of the day has a dropoff_time: give --slowdown, the factor on free-flow travel times")]
    NoDurations,
}

/// Reads the lines of a local date like `2008-05-22`.
pub(super) fn lines(path: &Path, date: &str) -> Result<Vec<TripLine>, CsvError> {
    let mut table = CsvTable::open(path, LastLine::MayBeOpen)?;
    let known = table.columns().iter().zip(COLUMNS).take_while(|(found, known)| found == known).count();
    // A file without one of the mandatory columns gets an error with the name of that column.
    let columns = &COLUMNS[..known.max(trips::COLUMNS.len())];
    table.require_first(columns, false)?;
    let lines = table.read_all(|row| {
        let is_of_date = row.text(0).get(..date.len()) == Some(date);
        is_of_date.then(|| line(row, columns.len())).transpose()
    })?;
    let mut lines: Vec<TripLine> = lines.into_iter().flatten().collect();
    if lines.is_empty() {
        let file = path.display().to_string();
        return Err(CsvError::Empty { file, what: "trips", within: format!(" on {date}") });
    }
    lines.sort_by_key(|line| line.pickup_s);
    Ok(lines)
}

/// Parses a row with this number of known columns.
fn line(row: CsvRow<'_>, known_columns: usize) -> Result<TripLine, CsvError> {
    let time = |column: usize| {
        let expected = "a time like 2008-05-22T17:00:00-07:00";
        trips::parse_time_s(row.text(column)).ok_or_else(|| row.wrong(column, expected))
    };
    let has = |column: usize| known_columns > column && !row.text(column).is_empty();
    Ok(TripLine {
        pickup_s: time(0)?,
        of_day_s: of_day_s(row.text(0)),
        pickup: row.position([1, 2])?,
        dropoff: row.position([3, 4])?,
        dropoff_s: has(DROPOFF_TIME).then(|| time(DROPOFF_TIME)).transpose()?,
        cab: if has(CAB_ID) { row.text(CAB_ID).to_owned() } else { String::new() },
    })
}

/// Returns the seconds since local midnight of a valid time.
fn of_day_s(text: &str) -> i64 {
    let number = |range| text.get(range).and_then(|part: &str| part.parse::<i64>().ok()).unwrap_or_default();
    number(11..13) * 3_600 + number(14..16) * 60 + number(17..19)
}

impl Day {
    /// Snaps the lines of a day to the streets. Durations of the file are kept, and the factors by hour are fitted to them
    /// unless `slowdown` is given.
    pub(super) fn new(roads: &Roads, lines: &[TripLine], slowdown: Option<f64>) -> Result<Day, DayError> {
        let (mut places, mut dropped) = (PlaceTable::default(), DroppedTrips::default());
        let mut on_map = Vec::with_capacity(lines.len());
        for line in lines {
            match (places.number(roads, line.pickup), places.number(roads, line.dropoff)) {
                (Some(from), Some(to)) => on_map.push((line, from, to)),
                _ => dropped.off_map += 1,
            }
        }
        let router = roads.engine().router();
        let free_ms = |from: u32, to: u32| free_ms(&router, &places.ends, from, to);
        let samples = on_map.iter().filter_map(|(line, from, to)| {
            let real_s = duration_s(line)?;
            Some(Sample { hour: hour(line.of_day_s), real_s: real_s as f64, free_ms: free_ms(*from, *to) })
        });
        let slowness = match slowdown {
            Some(factor) => Slowness::uniform(factor),
            None => Slowness::fit(samples).ok_or(DayError::NoDurations)?,
        };
        let mut trips = Vec::with_capacity(on_map.len());
        for (line, from, to) in &on_map {
            let has_dropoff = line.dropoff_s.is_some();
            let estimate_s = || slowness.drive_ms(hour(line.of_day_s), free_ms(*from, *to)) / 1_000.0;
            let lasts_s =
                if has_dropoff { duration_s(line) } else { Some((estimate_s().ceil() as i64).max(1)) };
            match lasts_s {
                Some(s) => trips.push(DayTrip {
                    pickup_s: line.pickup_s,
                    dropoff_s: line.pickup_s + s,
                    from: *from,
                    to: *to,
                }),
                None => dropped.no_duration += 1,
            }
        }
        let midnight_s = lines.first().map_or(0, |line| line.pickup_s - line.of_day_s);
        Ok(Day { trips, places: places.ends, midnight_s, slowness, dropped, cars: cars(lines) })
    }

    /// Returns the factor on free-flow travel times at this time.
    pub fn slowness_at(&self, at_s: i64) -> f64 {
        self.slowness.by_hour[hour(at_s - self.midnight_s)]
    }

    /// Returns the maximum number of simultaneous trips. No fleet can be smaller.
    pub fn busiest(&self) -> usize {
        let begins = self.trips.iter().map(|trip| (trip.pickup_s, 1));
        let ends = self.trips.iter().map(|trip| (trip.dropoff_s, -1));
        let mut events: Vec<(i64, i64)> = begins.chain(ends).collect();
        // At the same second, ends sort before beginnings.
        events.sort_unstable();
        let running = events.iter().scan(0, |now, (_, change)| {
            *now += change;
            Some(*now)
        });
        running.max().unwrap_or(0) as usize
    }
}

fn duration_s(line: &TripLine) -> Option<i64> {
    line.dropoff_s.map(|dropoff_s| dropoff_s - line.pickup_s).filter(|s| (1..=DURATION_MAX_S).contains(s))
}

/// Returns the hour of the day. A time before or after the day wraps around.
fn hour(of_day_s: i64) -> usize {
    of_day_s.div_euclid(3_600).rem_euclid(HOURS as i64) as usize
}

fn cars(lines: &[TripLine]) -> Option<usize> {
    let mut cabs: Vec<&str> =
        lines.iter().map(|line| line.cab.as_str()).filter(|cab| !cab.is_empty()).collect();
    cabs.sort_unstable();
    cabs.dedup();
    (!cabs.is_empty()).then_some(cabs.len())
}

fn free_ms(router: &Router, places: &[Vec<PhantomNode>], from: u32, to: u32) -> f64 {
    // A network is strongly connected, so a travel time exists.
    let time_ms = router.travel_time_ms(&places[from as usize], &places[to as usize]);
    f64::from(time_ms.unwrap_or(kerb_routing::engine::UNREACHABLE_MS))
}

/// The distinct places, numbered.
#[derive(Default)]
struct PlaceTable {
    numbers: HashMap<LatLng, Option<u32>>,
    ends: Vec<Vec<PhantomNode>>,
}

impl PlaceTable {
    /// Returns the number of a place; `None` off the map.
    fn number(&mut self, roads: &Roads, at: LatLng) -> Option<u32> {
        let ends = &mut self.ends;
        *self.numbers.entry(at).or_insert_with(|| {
            let here = roads.phantom_nodes(at).ok().filter(|here| !here.is_empty())?;
            ends.push(here);
            Some(ends.len() as u32 - 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_moment_is_counted_by_hand() {
        let trip = |pickup_s, dropoff_s| DayTrip { pickup_s, dropoff_s, from: 0, to: 0 };
        let day = Day {
            trips: vec![trip(0, 10), trip(5, 20), trip(10, 30), trip(40, 50)],
            places: Vec::new(),
            midnight_s: 0,
            slowness: Slowness::uniform(1.0),
            dropped: DroppedTrips::default(),
            cars: None,
        };
        // From 5 to 10 there are two trips; at 10 one ends and one begins.
        assert_eq!(day.busiest(), 2);
    }
}
