//! A small index, a program for its writer, searches next to it, and the checks of their answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use kerb_geometry::{Circle, LatLng, Polygon};
use kerb_index_server::explore::{Plan, Random, Rule, Task, run};
use kerb_index_server::{BatchProgress, Index, Options, SearchBudget, SourceStream};
use kerb_ports::{Batch, DriverFilter, Neighbor, Search, ShardQuery, ShardResult, Slot, SlotBinding, Update};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, IndexedStatus, Motion, NodeId, ShardId, Sharding, Timestamp,
    UpdateVersion, VehicleClass,
};

const NOW_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// The place where all positions are the same, so that its drivers form a chain of leaves.
pub(crate) const CROWD: i32 = -500;
/// Searches of a reader.
const SEARCHES: usize = 3;

/// A driver's report. Places are 11 m apart on a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) driver: u32,
    pub(crate) place: i32,
    pub(crate) status: IndexedStatus,
}

/// A step of the writer.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Reports(Vec<Report>),
    /// The drivers leave.
    Remove(Vec<u32>),
    /// The slot of the first driver now names the second.
    Rebind(u32, u32),
    /// The shard is emptied.
    Resync,
}

/// The fleet at the beginning, and what the writer does while searches run.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) fleet: Vec<Report>,
    pub(crate) writes: Vec<Write>,
}

pub(crate) fn report(driver: u32, place: i32) -> Report {
    Report { driver, place, status: IndexedStatus::Available }
}

fn profile(driver: u32) -> Arc<DriverProfile> {
    Arc::new(DriverProfile {
        id: DriverId::new(&format!("d{driver}")).unwrap(),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
    })
}

/// The position of a report. Its longitude encodes the driver and the sequence, except in the crowd.
fn position(report: Report, sequence: u64) -> LatLng {
    let own = if report.place == CROWD { 0 } else { report.driver as i32 * 100 + sequence as i32 };
    LatLng::from_e7(377_700_000 + report.place * 1_000, -1_224_200_000 + own).unwrap()
}

/// Decodes the driver and the sequence of a position; `None` in the crowd.
fn decode(position: LatLng) -> Option<(u32, u64)> {
    let own = position.lon_e7() + 1_224_200_000;
    (position.lat_e7() != 377_700_000 + CROWD * 1_000).then_some((own as u32 / 100, own as u64 % 100))
}

/// The index and its only source.
struct World {
    index: Index,
    stream: Mutex<SourceStream>,
}

impl World {
    fn new(scenario: &Scenario) -> Self {
        let sharding = Sharding::new(2, Sharding::default().partitioning()).unwrap();
        let options = Options { drivers_max: 128, ..Options::default() };
        let index = Index::new(&options, sharding, NOW_MS);
        let shards: Vec<_> = sharding.all().collect();
        index.set_view(&shards, &[]).unwrap();
        let mut stream = index.open(&NodeId::new("a").unwrap()).unwrap();
        index.snapshot_begin(&mut stream, 1, &shards).unwrap();
        let world = Self { index, stream: Mutex::new(stream) };
        let slot_bindings = scenario
            .fleet
            .iter()
            .map(|r| SlotBinding { slot: Slot::new(r.driver), profile: profile(r.driver) });
        world.apply(&Batch { slot_bindings: slot_bindings.collect(), ..Batch::default() });
        world.write(&Write::Reports(scenario.fleet.clone()), 1);
        let mut stream = world.stream.lock().unwrap();
        let mut completion = world.index.snapshot_end(&mut stream, 1).unwrap();
        while world.index.complete_snapshot_step(&stream, &mut completion).unwrap() {}
        drop(stream);
        world
    }

    fn apply(&self, batch: &Batch) {
        let mut stream = self.stream.lock().unwrap();
        let mut progress = BatchProgress::default();
        while self.index.apply(&mut stream, batch, &mut progress, NOW_MS).unwrap() {}
    }

    fn write(&self, write: &Write, sequence: u64) {
        let mut batch = Batch::default();
        match write {
            Write::Reports(reports) => {
                batch.updates.extend(reports.iter().map(|report| Update {
                    slot: Slot::new(report.driver),
                    shard: ShardId(0),
                    position: position(*report, sequence),
                    update_version: UpdateVersion { sequence, time: NOW_MS },
                    motion: Motion::NONE,
                    status: report.status,
                }));
            }
            Write::Remove(drivers) => batch.removals.extend(drivers.iter().copied().map(Slot::new)),
            Write::Rebind(slot, driver) => {
                batch.slot_bindings.push(SlotBinding { slot: Slot::new(*slot), profile: profile(*driver) });
            }
            Write::Resync => {
                self.index.begin_resync(&[ShardId(0)]).unwrap();
                self.index.drop_drivers(ShardId(0));
                return;
            }
        }
        self.apply(&batch);
    }

    fn search(&self, search: Search, filter: DriverFilter) -> ShardResult {
        let query = ShardQuery { shards: vec![ShardId(0)], extra_shards: vec![], search, filter };
        self.index.search(&query, &mut SearchBudget::new(usize::MAX, &|| false)).unwrap()
    }
}

/// The drivers that every answer must contain: those that are always present with one of these statuses.
fn always_there(scenario: &Scenario, statuses: u8) -> BTreeSet<u32> {
    let mut seen: BTreeMap<u32, bool> = BTreeMap::new();
    let passes = |status: IndexedStatus| statuses == 0 || statuses >> status as u8 & 1 == 1;
    for report in &scenario.fleet {
        seen.insert(report.driver, passes(report.status));
    }
    for write in &scenario.writes {
        match write {
            Write::Reports(reports) => {
                for report in reports {
                    seen.entry(report.driver).and_modify(|all| *all &= passes(report.status));
                }
            }
            Write::Remove(drivers) => drivers.iter().for_each(|driver| {
                seen.insert(*driver, false);
            }),
            Write::Rebind(..) | Write::Resync => {}
        }
    }
    seen.into_iter().filter(|(_, all)| *all).map(|(driver, _)| driver).collect()
}

fn wrong(answer: &ShardResult, must: &BTreeSet<u32>, torn_allowed: bool) -> Option<String> {
    let mut found = BTreeSet::new();
    for neighbor in &answer.neighbors {
        let driver: u32 = neighbor.profile.id.as_str()[1..].parse().unwrap();
        if !found.insert(driver) {
            return Some(format!("driver {driver} is in the answer twice"));
        }
        if let Some(error) = wrong_neighbor(neighbor, driver, torn_allowed) {
            return Some(error);
        }
    }
    let missing: Vec<_> = must.difference(&found).collect();
    (answer.uncovered.is_empty() && !missing.is_empty()).then(|| format!("drivers {missing:?} are missing"))
}

fn wrong_neighbor(neighbor: &Neighbor, driver: u32, torn_allowed: bool) -> Option<String> {
    let (own, sequence) = decode(neighbor.position)?;
    if own != driver {
        return Some(format!("driver {driver} has the position of driver {own}"));
    }
    let torn = sequence != neighbor.update_version.sequence;
    (torn && !torn_allowed).then(|| {
        format!("driver {driver} has position {sequence} with state {}", neighbor.update_version.sequence)
    })
}

/// Chooses a search over all drivers, with a limit that is their number or twice that.
fn query(random: &mut Random, drivers: u32) -> (Search, DriverFilter) {
    let at = |place: i32| position(report(0, place), 0);
    let circle = Circle::new(at(0), 20_000.0).unwrap();
    let limit = [drivers, 2 * drivers][random.below(2)];
    let statuses = [0, 1 << IndexedStatus::Available as u8, 0b1100][random.below(3)];
    let search = match random.below(3) {
        0 => Search::Nearest { circle, k: limit },
        1 => Search::WithinRadius { circle, limit, after: None },
        _ => {
            let corner = |lat: f64, lon: f64| LatLng::new(lat, lon).unwrap();
            let ring =
                [corner(37.6, -122.5), corner(37.6, -122.3), corner(37.9, -122.3), corner(37.9, -122.5)];
            Search::WithinPolygon {
                polygon: Arc::new(Polygon::new(ring.into()).unwrap()),
                limit,
                after: None,
            }
        }
    };
    (search, DriverFilter { statuses, ..DriverFilter::ANY })
}

/// The last report of each driver that stays to the end, with its sequence.
fn last_reports(scenario: &Scenario) -> BTreeMap<u32, (u64, Report)> {
    let mut last: BTreeMap<_, _> =
        scenario.fleet.iter().map(|report| (report.driver, (1, *report))).collect();
    for (sequence, write) in (2..).zip(&scenario.writes) {
        match write {
            Write::Reports(reports) => {
                for report in reports {
                    last.entry(report.driver).and_modify(|last| *last = (sequence, *report));
                }
            }
            Write::Remove(drivers) => last.retain(|driver, _| !drivers.contains(driver)),
            Write::Rebind(..) => {}
            // Nobody stays.
            Write::Resync => last.clear(),
        }
    }
    last
}

/// Runs the searches of one reader, and adds wrong answers to `errors`. If a search has returned a driver's last report,
/// the next searches must return it too.
fn read(
    world: &World,
    scenario: &Scenario,
    queries: Vec<(Search, DriverFilter)>,
    torn_allowed: bool,
    errors: &Mutex<Vec<String>>,
) {
    let last = last_reports(scenario);
    let mut known: Vec<Report> = Vec::new();
    for (search, filter) in queries {
        let passes =
            |report: &&Report| filter.statuses == 0 || filter.statuses >> report.status as u8 & 1 == 1;
        let mut must = always_there(scenario, filter.statuses);
        must.extend(known.iter().filter(passes).map(|report| report.driver));
        let answer = world.search(search.clone(), filter);
        if let Some(error) = wrong(&answer, &must, torn_allowed) {
            errors.lock().unwrap().push(format!("{error} in {search:?}, statuses {:b}", filter.statuses));
        }
        for neighbor in &answer.neighbors {
            let driver: u32 = neighbor.profile.id.as_str()[1..].parse().unwrap();
            if let Some((sequence, report)) = last.get(&driver)
                && *sequence == neighbor.update_version.sequence
            {
                known.push(*report);
            }
        }
    }
}

/// Runs the scenario once. Returns a description of a wrong answer.
pub(crate) fn execute(scenario: &Scenario, seed: u64, undone: Option<Rule>) -> Option<String> {
    let mut random = Random::new(seed);
    let plan = Plan::random(&mut random, undone);
    let world = World::new(scenario);
    let errors = Mutex::new(Vec::new());
    let write = || {
        for (sequence, write) in (2..).zip(&scenario.writes) {
            world.write(write, sequence);
        }
    };
    let mut tasks: Vec<Task<'_>> = vec![Box::new(write)];
    // A search may find a driver before it leaves, and another one after it has come.
    let newcomers = scenario.writes.iter().filter(|write| matches!(write, Write::Rebind(..))).count();
    let drivers = (scenario.fleet.len() + newcomers) as u32;
    for _ in 0..=random.below(2) {
        let queries: Vec<_> = (0..SEARCHES).map(|_| query(&mut random, drivers)).collect();
        let (world, errors) = (&world, &errors);
        // A search does not wait for a writer that is stopped in the middle of a record.
        let torn_allowed = plan.stall_after.is_some();
        tasks.push(Box::new(move || read(world, scenario, queries, torn_allowed, errors)));
    }
    let result = run(plan, random, tasks);
    let error = result.err().or_else(|| errors.into_inner().unwrap().into_iter().next())?;
    Some(format!("seed {seed}, {plan:?}: {error}"))
}
