//! Who wants to go where, and when: a scenario's demand, drawn for a seed.

mod field;
mod map;
mod zones;

use kerb_geometry::LatLng;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::draws::{Purpose, between, happens, pick, stream};
use super::ground::Ground;
use super::scenario::{Burst, DemandSource, Files, Scenario, ScenarioError, VehicleClass};
use kerb_loadgen::city::shifted;
use kerb_loadgen::trips::{self, Trip};
pub(super) use map::DemandMap;
use zones::Zones;

/// Seats that the service gives to one request, at most.
const PARTY_MAX: u32 = 16;
/// A trip that comes again does so within so many milliseconds of the real one,
const AGAIN_MS: i64 = 450_000;
/// and so many meters to each side of its ends.
const AGAIN_M: f64 = 100.0;

/// A ride that somebody is going to ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wish {
    /// When, milliseconds since the Unix epoch.
    pub(super) at_ms: i64,
    pub(super) pickup: LatLng,
    pub(super) dropoff: LatLng,
    pub(super) passengers: u32,
    /// By its number among the scenario's classes.
    pub(super) class: u16,
}

/// Two ends of a ride and when it is wanted.
#[derive(Clone, Copy, Debug)]
struct Sketch {
    at_ms: i64,
    pickup: LatLng,
    dropoff: LatLng,
    passengers: u32,
}

/// What demand is drawn from.
#[derive(Debug)]
pub(super) enum DemandData {
    /// Trips within the scenario's time.
    Trips(Vec<Trip>),
    Zones(Zones),
    /// All stands in the scenario.
    Field,
}

impl DemandData {
    /// Reads what the scenario names.
    pub(super) fn load(scenario: &Scenario, files: &Files) -> Result<Self, ScenarioError> {
        match &scenario.demand.source {
            DemandSource::Trips { file, shift_s } => {
                let mut trips = trips::read(files.text(file)?, file)?;
                for trip in &mut trips {
                    trip.time_s += shift_s;
                }
                trips.retain(|trip| (scenario.from_ms()..scenario.to_ms()).contains(&(trip.time_s * 1_000)));
                if trips.is_empty() {
                    return Err(nobody("demand.source.file", "riders", scenario));
                }
                Ok(Self::Trips(trips))
            }
            DemandSource::Zones { counts, zones, nodes, weekday, days } => {
                Ok(Self::Zones(Zones::load(files, [counts, zones, nodes], *weekday, *days)?))
            }
            DemandSource::Field { .. } => Ok(Self::Field),
        }
    }

    /// The riders of a run, by time; those off the map are left out.
    pub(super) fn draw(&self, scenario: &Scenario, ground: &Ground, seed: u64) -> Vec<Wish> {
        let sketches = match (self, &scenario.demand.source) {
            (Self::Trips(trips), _) => from_trips(trips, scenario, seed),
            (Self::Zones(zones), _) => zones.draw(scenario, seed),
            (Self::Field, DemandSource::Field { .. }) => field::draw(scenario, seed),
            (Self::Field, _) => unreachable!("a field is loaded for a field"),
        };
        let mut wishes = Vec::with_capacity(sketches.len());
        for (number, sketch) in sketches.into_iter().enumerate() {
            let is_on_map = ground.beside(sketch.pickup).is_some() && ground.beside(sketch.dropoff).is_some();
            if is_on_map && sketch.pickup != sketch.dropoff {
                wishes.push(sketch.wish(&scenario.classes, seed, number as u64));
            }
        }
        wishes.sort_by_key(|wish| wish.at_ms);
        wishes
    }
}

impl Sketch {
    fn wish(self, classes: &[VehicleClass], seed: u64, number: u64) -> Wish {
        let mut rng = stream(seed, Purpose::Demand, number << 1);
        let class = pick(&mut rng, classes.iter().map(|class| class.riders));
        let passengers = self.passengers.clamp(1, classes[class].seats.min(PARTY_MAX));
        let Self { at_ms, pickup, dropoff, .. } = self;
        Wish { at_ms, pickup, dropoff, passengers, class: class as u16 }
    }
}

/// Each trip as often as the scenario's scale and bursts say.
fn from_trips(trips: &[Trip], scenario: &Scenario, seed: u64) -> Vec<Sketch> {
    let within = scenario.from_ms()..scenario.to_ms();
    let mut sketches = Vec::with_capacity(trips.len());
    for (number, trip) in trips.iter().enumerate() {
        let mut rng = stream(seed, Purpose::Demand, (number as u64) << 1 | 1);
        let at_ms = trip.time_s * 1_000;
        let times = scenario.demand.scale * burst_factor(&scenario.demand.bursts, at_ms - within.start);
        let copies = times.floor() as u32 + u32::from(happens(&mut rng, times.fract()));
        let passengers = trip.passengers.unwrap_or(1);
        let real = Sketch { at_ms, pickup: trip.pickup, dropoff: trip.dropoff, passengers };
        let again = (1..copies).map(|_| again(real, &mut rng));
        let all = (0..copies.min(1)).map(|_| real).chain(again.collect::<Vec<_>>());
        sketches.extend(all.filter(|sketch| within.contains(&sketch.at_ms)));
    }
    sketches
}

fn again(real: Sketch, rng: &mut Pcg64Mcg) -> Sketch {
    let mut near = |at| {
        let mut meters = || between(rng, [-AGAIN_M, AGAIN_M]);
        shifted(at, meters(), meters())
    };
    let (pickup, dropoff) = (near(real.pickup), near(real.dropoff));
    Sketch { at_ms: real.at_ms + rng.random_range(-AGAIN_MS..=AGAIN_MS), pickup, dropoff, ..real }
}

/// How much more demand there is so long after the beginning.
fn burst_factor(bursts: &[Burst], after_ms: i64) -> f64 {
    let during = |burst: &&Burst| {
        let begins_ms = i64::from(burst.after_s) * 1_000;
        (begins_ms..begins_ms + i64::from(burst.for_s) * 1_000).contains(&after_ms)
    };
    bursts.iter().filter(during).map(|burst| burst.factor).product()
}

/// A city without this kind of people.
pub(super) fn nobody(field: &'static str, what: &'static str, scenario: &Scenario) -> ScenarioError {
    ScenarioError::Nobody { field, what, from: scenario.from.clone(), duration_s: scenario.duration_s }
}
