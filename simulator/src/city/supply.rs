//! The supply of a scenario: the drivers, their starting places and their shifts, drawn for a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use kerb_geometry::LatLng;
use kerb_loadgen::recorded::pings::{CAB_ID_BYTES_MAX, Pings};
use kerb_loadgen::recorded::track::GAP_MAX_S;
use kerb_loadgen::recorded::trips::parse_time_s;
use kerb_routing::csv_rows::{CsvTable, LastLine};
use rand::RngExt;

use crate::demand::{TripDemand, no_agents};
use crate::scenario::random_streams::{Purpose, between, pick, stream};
use crate::scenario::street_map::StreetMap;
use crate::scenario::{Files, FleetSource, Scenario, ScenarioError};

const START_COLUMNS: [&str; 4] = ["time", "cab_id", "lat", "lon"];
const HOUR_MS: f64 = 3_600_000.0;

/// A driver at the beginning of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InitialDriver {
    /// The cab's id in the data, or a number.
    pub(super) name: String,
    /// Starting place, snapped to the streets.
    pub(super) place: LatLng,
    /// Shifts in milliseconds since the Unix epoch; by time, without overlap, within the run.
    pub(super) shifts: Vec<Range<i64>>,
    /// Index of the vehicle class in the scenario.
    pub(super) class: u16,
}

/// A cab of the data.
#[derive(Clone, Debug)]
struct RecordedCab {
    name: String,
    place: LatLng,
    shifts: Vec<Range<i64>>,
}

/// The data from which a fleet is drawn.
#[derive(Debug)]
pub(super) struct SupplyData {
    /// Recorded cabs; empty if the scenario places drivers at random.
    cabs: Vec<RecordedCab>,
}

impl SupplyData {
    /// Reads the files that the scenario names.
    pub(super) fn load(scenario: &Scenario, files: &Files) -> Result<Self, ScenarioError> {
        let cabs = match &scenario.fleet.source {
            FleetSource::Starts { file, drivers_max, .. } => {
                read_starts(files, file, scenario, *drivers_max)?
            }
            FleetSource::Pings { file, drivers_max } => {
                let pings = Pings::read(files.text(file)?, file)?;
                let within = scenario.from_ms()..scenario.to_ms();
                from_pings(&pings, within, scenario.drained_ms(), *drivers_max)
            }
            FleetSource::Placed { .. } => return Ok(Self { cabs: Vec::new() }),
        };
        if cabs.is_empty() {
            return Err(no_agents("fleet.source.file", "drivers", scenario));
        }
        Ok(Self { cabs })
    }

    /// Draws the drivers of a run, in the order of the data. A driver off the map is left out.
    pub(super) fn draw(
        &self,
        scenario: &Scenario,
        street_map: &StreetMap,
        trip_demands: &[TripDemand],
        seed: u64,
    ) -> Vec<InitialDriver> {
        let within = scenario.from_ms()..scenario.to_ms();
        let drained_ms = scenario.drained_ms();
        let cabs = match scenario.fleet.source {
            FleetSource::Placed { drivers, shift_h } => {
                let placed = (0..drivers)
                    .map(|number| place(number, shift_h, &within, drained_ms, trip_demands, seed));
                placed.collect()
            }
            FleetSource::Starts { shift_h, .. } => {
                let shortened = (0_u64..).zip(self.cabs.iter().cloned()).map(|(number, mut cab)| {
                    let mut rng = stream(seed, Purpose::Supply, number << 1);
                    let length_ms = shift_h.map(|hours| (between(&mut rng, hours) * HOUR_MS) as i64);
                    for shift in &mut cab.shifts {
                        shift.end = length_ms.map_or(shift.end, |ms| shift.end.min(shift.start + ms));
                    }
                    cab
                });
                shortened.collect()
            }
            FleetSource::Pings { .. } => self.cabs.clone(),
        };
        let shares = scenario.classes.iter().map(|class| class.fleet);
        let on_map = (0_u64..).zip(cabs).filter_map(|(number, cab)| {
            // Even streams draw shifts and places, odd streams classes.
            let mut rng = stream(seed, Purpose::Supply, number << 1 | 1);
            let class = pick(&mut rng, shares.clone()) as u16;
            let place = street_map.snap(cab.place)?;
            Some(InitialDriver { name: cab.name, place, shifts: cab.shifts, class })
        });
        on_map.collect()
    }
}

/// Places a driver at a random pickup. Without riders there is no such place, and the driver stands at 0, 0.
fn place(
    number: u32,
    shift_h: Option<[f64; 2]>,
    within: &Range<i64>,
    drained_ms: i64,
    trip_demands: &[TripDemand],
    seed: u64,
) -> RecordedCab {
    let mut rng = stream(seed, Purpose::Supply, u64::from(number) << 1);
    let shift = match shift_h {
        Some(hours) => {
            let length_ms = (between(&mut rng, hours) * HOUR_MS) as i64;
            // A shift may have begun before the run, so that about as many drivers work at each time.
            let begins_ms = rng.random_range(within.start - length_ms..within.end);
            begins_ms.max(within.start)..(begins_ms + length_ms).min(drained_ms)
        }
        None => within.start..drained_ms,
    };
    let demand = trip_demands.get(rng.random_range(0..trip_demands.len().max(1)));
    let place = demand.map_or_else(|| LatLng::new(0.0, 0.0).expect("on the globe"), |demand| demand.pickup);
    let shifts = if shift.is_empty() { Vec::new() } else { vec![shift] };
    RecordedCab { name: number.to_string(), place, shifts }
}

/// Reads the first row of each cab. Its shift lasts until the end of the drain.
fn read_starts(
    files: &Files,
    file: &str,
    scenario: &Scenario,
    drivers_max: u32,
) -> Result<Vec<RecordedCab>, ScenarioError> {
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
    let (mut seen, mut cabs) = (BTreeSet::new(), Vec::new());
    for (at_ms, name, place) in rows {
        let shift = at_ms.max(scenario.from_ms())..scenario.drained_ms();
        if at_ms < scenario.to_ms() && cabs.len() < drivers_max as usize && seen.insert(name.clone()) {
            cabs.push(RecordedCab { name, place, shifts: vec![shift] });
        }
    }
    Ok(cabs)
}

/// Returns each cab at the place where it was first free within the run. It is on shift as long as it reports without a
/// long gap. A shift at the end of the file, or of `within`, lasts until `drained_ms`: it is not known when it ended.
fn from_pings(pings: &Pings, within: Range<i64>, drained_ms: i64, drivers_max: u32) -> Vec<RecordedCab> {
    let (gap_ms, known_until_ms) = (GAP_MAX_S * 1_000, within.end.min(pings.ends_s() * 1_000));
    let mut cabs = BTreeMap::<u32, RecordedCab>::new();
    let mut order = Vec::new();
    for ping in &pings.pings {
        let at_ms = ping.time_s * 1_000;
        if !within.contains(&at_ms) {
            continue;
        }
        if let Some(cab) = cabs.get_mut(&ping.cab) {
            let last = cab.shifts.last_mut().expect("a cab is inserted with a shift");
            if at_ms - last.end > gap_ms {
                cab.shifts.push(at_ms..at_ms + 1);
            } else {
                last.end = at_ms + 1;
            }
        } else if !ping.occupied && order.len() < drivers_max as usize {
            let name = pings.cabs[ping.cab as usize].clone();
            let shift = at_ms..at_ms + 1;
            cabs.insert(ping.cab, RecordedCab { name, place: ping.place, shifts: vec![shift] });
            order.push(ping.cab);
        }
    }
    for cab in cabs.values_mut() {
        if let Some(last) = cab.shifts.last_mut().filter(|last| last.end + gap_ms > known_until_ms) {
            last.end = drained_ms;
        }
    }
    order.iter().filter_map(|cab| cabs.remove(cab)).collect()
}
