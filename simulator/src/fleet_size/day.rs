//! A day of real trips on the streets: read, snapped, and with a time of arrival.

use std::collections::HashMap;
use std::path::Path;

use kerb_geometry::LatLng;
use kerb_routing::Roads;
use kerb_routing::engine::{PhantomNode, Routes};
use serde::Serialize;

use crate::fleet_size::slowness::{HOURS, Sample, Slowness};
use kerb_loadgen::trips;
use kerb_routing::csv_rows::{CsvError, LastLine, Row, Table};

/// The columns of a file that tells when a trip ended and who drove it; a file may end after any of the last three.
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
/// A trip that took longer than this is a meter that was left running, seconds.
const DURATION_MAX_S: i64 = 3 * 3_600;

/// A trip as its line tells it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TripLine {
    /// Unix seconds.
    pub(super) pickup_s: i64,
    /// Seconds since midnight, local.
    pub(super) of_day_s: i64,
    pub(super) pickup: LatLng,
    pub(super) dropoff: LatLng,
    /// Unix seconds, where the file tells.
    pub(super) dropoff_s: Option<i64>,
    /// Empty where the file does not tell.
    pub(super) cab: String,
}

/// A trip on the streets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTrip {
    /// When the rider is picked up, unix seconds.
    pub pickup_s: i64,
    /// When the vehicle is free again, unix seconds; later than the pickup.
    pub dropoff_s: i64,
    /// Where it begins, by number in [`Day::places`].
    pub from: u32,
    /// Where it ends.
    pub to: u32,
}

/// What became of the day's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DroppedTrips {
    /// An end is too far from every street.
    pub off_map: u32,
    /// It ended before it began, or more than three hours later.
    pub no_duration: u32,
}

/// A day of trips, by time of pickup.
#[derive(Debug)]
pub struct Day {
    /// The trips.
    pub trips: Vec<DayTrip>,
    /// Where trips begin and end, each place once: its points on the streets.
    pub places: Vec<Vec<PhantomNode>>,
    /// Unix seconds of local midnight.
    pub midnight_s: i64,
    /// How much slower than free streets, by local hour.
    pub slowness: Slowness,
    /// Lines that are no trips.
    pub dropped: DroppedTrips,
    /// Cars that served the day's trips, where the file names them.
    pub cars: Option<usize>,
}

/// Why there is no day.
#[derive(Debug, thiserror::Error)]
pub enum DayError {
    /// The file is not to be had, or is not of trips.
    #[error(transparent)]
    Sheet(#[from] CsvError),
    /// No line tells how long its trip took, and nobody else did.
    #[error(
        "no trip of the day has a dropoff_time: give --slowdown, how many times longer than on free streets a way takes"
    )]
    NoDurations,
}

/// The lines of a local date like `2008-05-22`.
pub(super) fn lines(path: &Path, date: &str) -> Result<Vec<TripLine>, CsvError> {
    let mut table = Table::open(path, LastLine::MayBeOpen)?;
    let known = table.columns().iter().zip(COLUMNS).take_while(|(found, known)| found == known).count();
    // A file that lacks one of the first columns is refused by the name of that column.
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

/// Reads a row of which only the first columns are known.
fn line(row: Row<'_>, known_columns: usize) -> Result<TripLine, CsvError> {
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

/// Seconds since local midnight of a time that was read.
fn of_day_s(text: &str) -> i64 {
    let number = |range| text.get(range).and_then(|part: &str| part.parse::<i64>().ok()).unwrap_or_default();
    number(11..13) * 3_600 + number(14..16) * 60 + number(17..19)
}

impl Day {
    /// Puts a day's lines on the streets. Durations that the lines tell are kept and say how slow each hour is;
    /// `slowdown` says it instead where it is given.
    pub(super) fn new(roads: &Roads, lines: &[TripLine], slowdown: Option<f64>) -> Result<Day, DayError> {
        let (mut places, mut dropped) = (PlaceTable::default(), DroppedTrips::default());
        let mut on_map = Vec::with_capacity(lines.len());
        for line in lines {
            match (places.number(roads, line.pickup), places.number(roads, line.dropoff)) {
                (Some(from), Some(to)) => on_map.push((line, from, to)),
                _ => dropped.off_map += 1,
            }
        }
        let routes = roads.engine().routes();
        let free_ms = |from: u32, to: u32| free_ms(&routes, &places.ends, from, to);
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
            let told = line.dropoff_s.is_some();
            let reckoned = || slowness.drive_ms(hour(line.of_day_s), free_ms(*from, *to)) / 1_000.0;
            let lasts_s = if told { duration_s(line) } else { Some((reckoned().ceil() as i64).max(1)) };
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

    /// How many times longer than on free streets a way takes that begins at this time.
    pub fn slowness_at(&self, at_s: i64) -> f64 {
        self.slowness.by_hour[hour(at_s - self.midnight_s)]
    }

    /// The most trips that are under way at one time: no fleet can be smaller.
    pub fn busiest(&self) -> usize {
        let begins = self.trips.iter().map(|trip| (trip.pickup_s, 1));
        let ends = self.trips.iter().map(|trip| (trip.dropoff_s, -1));
        let mut events: Vec<(i64, i64)> = begins.chain(ends).collect();
        // At one time those that end come before those that begin.
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

/// The hour of the day; what lies before or after the day counts by the clock.
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

fn free_ms(routes: &Routes, places: &[Vec<PhantomNode>], from: u32, to: u32) -> f64 {
    // A network leads from everywhere to everywhere.
    let time_ms = routes.travel_time_ms(&places[from as usize], &places[to as usize]);
    f64::from(time_ms.unwrap_or(kerb_routing::engine::UNREACHABLE_MS))
}

/// Each place once.
#[derive(Default)]
struct PlaceTable {
    numbers: HashMap<LatLng, Option<u32>>,
    ends: Vec<Vec<PhantomNode>>,
}

impl PlaceTable {
    /// The number of a place; `None` off the map.
    fn number(&mut self, roads: &Roads, at: LatLng) -> Option<u32> {
        let ends = &mut self.ends;
        *self.numbers.entry(at).or_insert_with(|| {
            let here = roads.ends(at).ok().filter(|here| !here.is_empty())?;
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
        // From 5 to 10 two; at 10 one ends and one begins.
        assert_eq!(day.busiest(), 2);
    }
}
