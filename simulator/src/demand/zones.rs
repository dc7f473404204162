//! Demand as counts between zones. Each quarter of an hour and pair of zones has a Poisson number of trips between random
//! street corners of the zones.

use std::collections::BTreeMap;
use std::io::Read;

use kerb_geometry::LatLng;
use rand::RngExt;

use super::{TripDraft, burst_factor};
use crate::scenario::random_streams::{Purpose, stream};
use crate::scenario::{Files, Scenario, ScenarioError};
use kerb_routing::csv_rows::{CsvError, CsvRow, CsvTable, LastLine};

const COUNT_COLUMNS: [&str; 5] =
    ["weekday", "slot_15min", "pickup_zone", "dropoff_zone", "trips_in_2018_business_days"];
const ZONE_COLUMNS: [&str; 2] = ["node_id", "taxi_zone"];
const NODE_COLUMNS: [&str; 3] = ["node_id", "lat", "lon"];
const SLOT_MS: i64 = 900_000;
const DAY_MS: i64 = 86_400_000;

/// The counts of one weekday, and the corners of each zone.
#[derive(Debug)]
pub(crate) struct Zones {
    /// Sorted by slot, then by pair of zones.
    flows: Vec<Flow>,
    corners: BTreeMap<u32, Vec<LatLng>>,
}

#[derive(Clone, Copy, Debug)]
struct Flow {
    slot: u32,
    from: u32,
    to: u32,
    /// Mean number of trips in the slot.
    mean: f64,
}

impl Zones {
    /// Reads the three CSV files.
    pub(crate) fn load(
        files: &Files,
        [counts, zones, nodes]: [&str; 3],
        weekday: u8,
        days: f64,
    ) -> Result<Self, ScenarioError> {
        let places = table(files, nodes, &NODE_COLUMNS)?
            .read_all(|row| Ok((row.text(0).to_owned(), row.position([1, 2])?)))?;
        let places: BTreeMap<String, LatLng> = places.into_iter().collect();
        let mut corners = BTreeMap::<u32, Vec<LatLng>>::new();
        let nodes_of = table(files, zones, &ZONE_COLUMNS)?.read_all(|row| {
            // Some nodes are in no zone.
            let zone = if row.text(1).is_empty() { None } else { Some(number(row, 1)?) };
            Ok((row.text(0).to_owned(), zone))
        })?;
        for (node, zone) in nodes_of {
            // A node without a position is no corner.
            if let (Some(place), Some(zone)) = (places.get(&node), zone) {
                corners.entry(zone).or_default().push(*place);
            }
        }
        let flows = table(files, counts, &COUNT_COLUMNS)?.read_all(|row| {
            let (slot, from, to) = (number(row, 1)?, number(row, 2)?, number(row, 3)?);
            let flow = Flow { slot, from, to, mean: f64::from(number(row, 4)?) / days };
            Ok((number(row, 0)? == u32::from(weekday)).then_some(flow))
        })?;
        let has_corners = |flow: &Flow| corners.contains_key(&flow.from) && corners.contains_key(&flow.to);
        let mut flows: Vec<Flow> = flows.into_iter().flatten().filter(has_corners).collect();
        flows.sort_by_key(|flow| (flow.slot, flow.from, flow.to));
        if flows.is_empty() {
            let within = format!(" of weekday {weekday} between zones that have nodes");
            return Err(CsvError::Empty { file: counts.to_owned(), what: "counts", within }.into());
        }
        Ok(Self { flows, corners })
    }

    /// Draws the trips of a run. A run of several days repeats the same counts.
    pub(crate) fn draw(&self, scenario: &Scenario, seed: u64) -> Vec<TripDraft> {
        let (from_ms, to_ms, offset_ms) =
            (scenario.from_ms(), scenario.to_ms(), scenario.utc_offset_s() * 1_000);
        let midnight_ms = (from_ms + offset_ms).div_euclid(DAY_MS) * DAY_MS - offset_ms;
        let mut drafts = Vec::new();
        for day in 0..=(to_ms - midnight_ms).div_euclid(DAY_MS) {
            for (number, flow) in self.flows.iter().enumerate() {
                let begins_ms = midnight_ms + day * DAY_MS + i64::from(flow.slot) * SLOT_MS;
                if begins_ms + SLOT_MS <= from_ms || begins_ms >= to_ms {
                    continue;
                }
                let mut rng = stream(seed, Purpose::Demand, (day as u64) << 32 | (number as u64) << 1 | 1);
                let factor =
                    scenario.demand.scale * burst_factor(&scenario.demand.bursts, begins_ms - from_ms);
                for _ in 0..poisson(&mut rng, flow.mean * factor) {
                    let at_ms = begins_ms + rng.random_range(0..SLOT_MS);
                    let mut corner = |zone| {
                        let corners = &self.corners[&zone];
                        corners[rng.random_range(0..corners.len())]
                    };
                    let (pickup, dropoff) = (corner(flow.from), corner(flow.to));
                    drafts.push(TripDraft { at_ms, pickup, dropoff, passengers: 1 });
                }
            }
        }
        drafts.retain(|draft| (from_ms..to_ms).contains(&draft.at_ms));
        drafts
    }
}

fn table(files: &Files, name: &str, columns: &[&str]) -> Result<CsvTable<Box<dyn Read>>, ScenarioError> {
    let mut table = CsvTable::new(files.text(name)?, name, LastLine::MayBeOpen)?;
    table.require_first(columns, false)?;
    Ok(table)
}

fn number(row: CsvRow<'_>, column: usize) -> Result<u32, CsvError> {
    row.text(column).parse().ok().ok_or_else(|| row.wrong(column, "a whole number"))
}

/// Draws a Poisson number (Knuth, The Art of Computer Programming 2, 3.4.1). A large mean is split into parts, because the
/// sum of Poisson numbers is one too, and `exp` of a large mean would underflow.
fn poisson(rng: &mut impl RngExt, mean: f64) -> u32 {
    const PART: f64 = 30.0;
    let (mut left, mut count) = (mean, 0);
    while left > 0.0 {
        let limit = (-left.min(PART)).exp();
        left -= PART;
        let mut product = rng.random::<f64>();
        while product > limit {
            count += 1;
            product *= rng.random::<f64>();
        }
    }
    count
}
