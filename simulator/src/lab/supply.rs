//! Who drives, from where, and when: a scenario's fleet, drawn for a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use kerb_geometry::LatLng;
use rand::RngExt;

use super::demand::{Wish, nobody};
use super::draws::{Purpose, between, pick, stream};
use super::ground::Ground;
use super::scenario::{Files, FleetSource, Scenario, ScenarioError};
use kerb_loadgen::pings::{CAB_ID_BYTES_MAX, Pings};
use kerb_loadgen::track::GAP_MAX_S;
use kerb_loadgen::trips::parse_time_s;
use kerb_routing::csv_rows::{CsvTable, LastLine};

const START_COLUMNS: [&str; 4] = ["time", "cab_id", "lat", "lon"];
const HOUR_MS: f64 = 3_600_000.0;

/// A driver before the first minute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cab {
    /// As the data name it, or a number.
    pub(super) name: String,
    /// On the streets.
    pub(super) place: LatLng,
    /// On duty from and until, milliseconds since the Unix epoch; by time, apart, within the run.
    pub(super) shifts: Vec<Range<i64>>,
    /// By its number among the scenario's classes.
    pub(super) class: u16,
}

/// A cab as the data have it.
#[derive(Clone, Debug)]
struct Found {
    name: String,
    place: LatLng,
    shifts: Vec<Range<i64>>,
}

/// What a fleet is drawn from.
#[derive(Debug)]
pub(super) struct SupplyData {
    /// Empty for drivers who are placed.
    found: Vec<Found>,
}

impl SupplyData {
    /// Reads what the scenario names.
    pub(super) fn load(scenario: &Scenario, files: &Files) -> Result<Self, ScenarioError> {
        let found = match &scenario.fleet.source {
            FleetSource::Starts { file, drivers_max, .. } => starts(files, file, scenario, *drivers_max)?,
            FleetSource::Pings { file, drivers_max } => {
                let pings = Pings::read(files.text(file)?, file)?;
                from_pings(&pings, scenario.from_ms()..scenario.to_ms(), *drivers_max)
            }
            FleetSource::Placed { .. } => return Ok(Self { found: Vec::new() }),
        };
        if found.is_empty() {
            return Err(nobody("fleet.source.file", "drivers", scenario));
        }
        Ok(Self { found })
    }

    /// The drivers of a run, in the order of the data; those off the map are left out.
    pub(super) fn draw(&self, scenario: &Scenario, ground: &Ground, wishes: &[Wish], seed: u64) -> Vec<Cab> {
        let within = scenario.from_ms()..scenario.to_ms();
        let found = match scenario.fleet.source {
            FleetSource::Placed { drivers, shift_h } => {
                let placed = (0..drivers).map(|number| placed(number, shift_h, &within, wishes, seed));
                placed.collect()
            }
            FleetSource::Starts { shift_h, .. } => {
                let shortened = self.found.iter().cloned().enumerate().map(|(number, mut cab)| {
                    let mut rng = stream(seed, Purpose::Supply, (number as u64) << 1);
                    let long_ms = shift_h.map(|hours| (between(&mut rng, hours) * HOUR_MS) as i64);
                    for shift in &mut cab.shifts {
                        shift.end = long_ms.map_or(shift.end, |ms| shift.end.min(shift.start + ms));
                    }
                    cab
                });
                shortened.collect()
            }
            FleetSource::Pings { .. } => self.found.clone(),
        };
        let shares = scenario.classes.iter().map(|class| class.fleet);
        let on_map = found.into_iter().enumerate().filter_map(|(number, cab)| {
            let mut rng = stream(seed, Purpose::Supply, (number as u64) << 1 | 1);
            let class = pick(&mut rng, shares.clone()) as u16;
            let place = ground.beside(cab.place)?;
            Some(Cab { name: cab.name, place, shifts: cab.shifts, class })
        });
        on_map.collect()
    }
}

/// A driver where a rider will ask: where demand is. Without riders there is no place, and the driver stands at 0, 0.
fn placed(number: u32, shift_h: Option<[f64; 2]>, within: &Range<i64>, wishes: &[Wish], seed: u64) -> Found {
    let mut rng = stream(seed, Purpose::Supply, u64::from(number) << 1);
    let shift = match shift_h {
        Some(hours) => {
            let long_ms = (between(&mut rng, hours) * HOUR_MS) as i64;
            let begins_ms = rng.random_range(within.start - long_ms..within.end);
            begins_ms.max(within.start)..(begins_ms + long_ms).min(within.end)
        }
        None => within.clone(),
    };
    let wish = wishes.get(rng.random_range(0..wishes.len().max(1)));
    let place = wish.map_or_else(|| LatLng::new(0.0, 0.0).expect("on the globe"), |wish| wish.pickup);
    let shifts = if shift.is_empty() { Vec::new() } else { vec![shift] };
    Found { name: number.to_string(), place, shifts }
}

/// The first row of each cab, to the end of the run.
fn starts(files: &Files, file: &str, scenario: &Scenario, most: u32) -> Result<Vec<Found>, ScenarioError> {
    let mut table = CsvTable::new(files.text(file)?, file, LastLine::MayBeOpen)?;
    table.require_first(&START_COLUMNS, false)?;
    let rows = table.read_all(|row| {
        let time_s = parse_time_s(row.text(0));
        let time_s = time_s.ok_or_else(|| row.wrong(0, "a time like 2008-05-22T17:00:00-07:00"))?;
        let name = row.text(1).to_owned();
        if name.is_empty() || name.len() > CAB_ID_BYTES_MAX {
            return Err(row.wrong(1, format!("an id of 1 to {CAB_ID_BYTES_MAX} bytes")));
        }
        Ok((time_s * 1_000, name, row.position([2, 3])?))
    })?;
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for (at_ms, name, place) in rows {
        let shift = at_ms.max(scenario.from_ms())..scenario.to_ms();
        if !shift.is_empty() && found.len() < most as usize && seen.insert(name.clone()) {
            found.push(Found { name, place, shifts: vec![shift] });
        }
    }
    Ok(found)
}

/// Each cab where it first was free within the run, on duty as long as it reported without a long silence. Where the
/// file ends before the run does, nobody goes home because of it.
fn from_pings(pings: &Pings, within: Range<i64>, most: u32) -> Vec<Found> {
    let (gap_ms, file_ends_ms) = (GAP_MAX_S * 1_000, pings.ends_s() * 1_000);
    let mut cabs = BTreeMap::<u32, Found>::new();
    let mut order = Vec::new();
    for ping in &pings.pings {
        let at_ms = ping.time_s * 1_000;
        if !within.contains(&at_ms) {
            continue;
        }
        if let Some(cab) = cabs.get_mut(&ping.cab) {
            let last = cab.shifts.last_mut().expect("a cab is found with a shift");
            if at_ms - last.end > gap_ms {
                cab.shifts.push(at_ms..at_ms + 1);
            } else {
                last.end = at_ms + 1;
            }
        } else if !ping.occupied && order.len() < most as usize {
            let name = pings.cabs[ping.cab as usize].clone();
            let shift = at_ms..at_ms + 1;
            cabs.insert(ping.cab, Found { name, place: ping.place, shifts: vec![shift] });
            order.push(ping.cab);
        }
    }
    for cab in cabs.values_mut() {
        if let Some(last) = cab.shifts.last_mut().filter(|last| last.end + gap_ms > file_ends_ms) {
            last.end = within.end;
        }
    }
    order.iter().filter_map(|cab| cabs.remove(cab)).collect()
}
