//! The demand of a scenario: the trips that riders request, drawn for a seed.

mod demand_map;
mod field;
mod zones;

use kerb_geometry::LatLng;
use kerb_loadgen::city::shifted;
use kerb_loadgen::recorded::trips::{self, Trip};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::scenario::random_streams::{Purpose, between, happens, pick, stream};
use crate::scenario::street_map::StreetMap;
use crate::scenario::{Burst, DemandSource, Files, Scenario, ScenarioError, VehicleClass};
pub(crate) use demand_map::DemandMap;
use zones::Zones;

/// Maximum passengers of one request, by the service's limit.
const PARTY_MAX: u32 = 16;
/// Maximum difference in time between a real trip and its copies, milliseconds.
const COPY_MS: i64 = 450_000;
/// Maximum distance of a copy's ends from the real ones, north and east, meters.
const COPY_M: f64 = 100.0;

/// A trip that a rider is going to request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TripDemand {
    /// Time of the request, milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
    pub(crate) pickup: LatLng,
    pub(crate) dropoff: LatLng,
    pub(crate) passengers: u32,
    /// Index of the vehicle class in the scenario.
    pub(crate) class: u16,
}

/// A trip before its vehicle class is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TripDraft {
    at_ms: i64,
    pickup: LatLng,
    dropoff: LatLng,
    passengers: u32,
}

/// The data from which demand is drawn.
#[derive(Debug)]
pub(crate) enum DemandData {
    /// Recorded trips within the scenario's time.
    Trips(Vec<Trip>),
    /// Counts of trips between zones.
    Zones(Zones),
    /// A random field, whose parameters are in the scenario.
    Field,
}

impl DemandData {
    /// Reads the files that the scenario names.
    pub(crate) fn load(scenario: &Scenario, files: &Files) -> Result<Self, ScenarioError> {
        match &scenario.demand.source {
            DemandSource::Trips { file, shift_s } => {
                let mut trips = trips::read(files.text(file)?, file)?;
                for trip in &mut trips {
                    trip.time_s += shift_s;
                }
                trips.retain(|trip| (scenario.from_ms()..scenario.to_ms()).contains(&(trip.time_s * 1_000)));
                if trips.is_empty() {
                    return Err(no_agents("demand.source.file", "riders", scenario));
                }
                Ok(Self::Trips(trips))
            }
            DemandSource::Zones { counts, zones, nodes, weekday, days } => {
                Ok(Self::Zones(Zones::load(files, [counts, zones, nodes], *weekday, *days)?))
            }
            DemandSource::Field { .. } => Ok(Self::Field),
        }
    }

    /// Draws the trips of a run, by time. A trip with an end off the map is left out.
    pub(crate) fn draw(&self, scenario: &Scenario, street_map: &StreetMap, seed: u64) -> Vec<TripDemand> {
        let drafts = match (self, &scenario.demand.source) {
            (Self::Trips(trips), _) => from_trips(trips, scenario, seed),
            (Self::Zones(zones), _) => zones.draw(scenario, seed),
            (Self::Field, DemandSource::Field { .. }) => field::draw(scenario, seed),
            (Self::Field, _) => unreachable!("a field is loaded for a field"),
        };
        let mut trip_demands = Vec::with_capacity(drafts.len());
        for (number, draft) in (0..).zip(drafts) {
            let is_on_map =
                street_map.snap(draft.pickup).is_some() && street_map.snap(draft.dropoff).is_some();
            if is_on_map && draft.pickup != draft.dropoff {
                trip_demands.push(draft.with_class(&scenario.classes, seed, number));
            }
        }
        trip_demands.sort_by_key(|demand| demand.at_ms);
        trip_demands
    }
}

impl TripDraft {
    fn with_class(self, classes: &[VehicleClass], seed: u64, number: u64) -> TripDemand {
        // Even streams draw classes; the odd ones draw times and places.
        let mut rng = stream(seed, Purpose::Demand, number << 1);
        let class = pick(&mut rng, classes.iter().map(|class| class.riders));
        let passengers = self.passengers.clamp(1, classes[class].seats.min(PARTY_MAX));
        let Self { at_ms, pickup, dropoff, .. } = self;
        // A scenario has a handful of classes.
        TripDemand { at_ms, pickup, dropoff, passengers, class: class as u16 }
    }
}

/// Repeats each recorded trip as often as the scenario's scale and bursts define.
fn from_trips(trips: &[Trip], scenario: &Scenario, seed: u64) -> Vec<TripDraft> {
    let within = scenario.from_ms()..scenario.to_ms();
    let mut drafts = Vec::with_capacity(trips.len());
    for (number, trip) in (0_u64..).zip(trips) {
        let mut rng = stream(seed, Purpose::Demand, number << 1 | 1);
        let at_ms = trip.time_s * 1_000;
        let times = scenario.demand.scale * burst_factor(&scenario.demand.bursts, at_ms - within.start);
        let count = times.floor() as u32 + u32::from(happens(&mut rng, times.fract()));
        let passengers = trip.passengers.unwrap_or(1);
        let real = TripDraft { at_ms, pickup: trip.pickup, dropoff: trip.dropoff, passengers };
        let copies: Vec<_> = (1..count).map(|_| copy(real, &mut rng)).collect();
        let all = (0..count.min(1)).map(|_| real).chain(copies);
        drafts.extend(all.filter(|draft| within.contains(&draft.at_ms)));
    }
    drafts
}

/// Returns a copy of a real trip at another time and from neighboring places.
fn copy(real: TripDraft, rng: &mut Pcg64Mcg) -> TripDraft {
    let mut near = |at| {
        let mut meters = || between(rng, [-COPY_M, COPY_M]);
        shifted(at, meters(), meters())
    };
    let (pickup, dropoff) = (near(real.pickup), near(real.dropoff));
    TripDraft { at_ms: real.at_ms + rng.random_range(-COPY_MS..=COPY_MS), pickup, dropoff, ..real }
}

/// Returns the factor on demand at this time after the beginning: the product of all bursts that are on.
fn burst_factor(bursts: &[Burst], after_ms: i64) -> f64 {
    let during = |burst: &&Burst| {
        let begins_ms = i64::from(burst.after_s) * 1_000;
        (begins_ms..begins_ms + i64::from(burst.for_s) * 1_000).contains(&after_ms)
    };
    bursts.iter().filter(during).map(|burst| burst.factor).product()
}

/// Returns the error of a city without riders or without drivers.
pub(crate) fn no_agents(field: &'static str, what: &'static str, scenario: &Scenario) -> ScenarioError {
    ScenarioError::NoAgents { field, what, from: scenario.from.clone(), duration_s: scenario.duration_s }
}
