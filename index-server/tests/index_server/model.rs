//! Compares the index with a map under random operations of several ingest nodes: updates, removals, evictions, snapshots,
//! resyncs, membership views and time, in any order.

use std::collections::{BTreeMap, BTreeSet};

use kerb_geometry::{Circle, LatLng};
use kerb_index_server::{Index, Options, SourceStream};
use kerb_ports::{Batch, DriverFilter, Eviction, Search, Slot};
use kerb_types::{Millis, NodeId, ShardId, Sharding, Timestamp, UpdateVersion};
use proptest::prelude::*;

use crate::fleet::{NOW_MS, State, apply, bind_slots, number_of, profile, run_search, update};

const DRIVERS: u32 = 40;
const SHARDS: u16 = 8;
const POSITION_TTL_MS: i64 = 60_000;

fn sharding() -> Sharding {
    Sharding::new(SHARDS, kerb_types::Partitioning::Tile).unwrap()
}

#[derive(Clone, Debug)]
enum Operation {
    /// A source reports drivers. A row is a driver's number, its sequence and the code of its position.
    Update {
        source: usize,
        rows: Vec<(u32, u64, u8)>,
    },
    Remove {
        source: usize,
        drivers: Vec<u32>,
    },
    Eviction {
        source: usize,
        driver: u32,
        sequence: u64,
    },
    /// A snapshot of some shards that contains some of their drivers.
    Snapshot {
        source: usize,
        shards: u8,
        rows: Vec<(u32, u64, u8)>,
    },
    Reopen {
        source: usize,
    },
    Resync {
        shards: u8,
    },
    /// A membership view: held shards and live sources, as masks.
    View {
        held: u8,
        live: u8,
    },
    AdvanceTime {
        ms: i64,
    },
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let row = (0..DRIVERS, 0..30_u64, any::<u8>());
    let rows = || prop::collection::vec(row.clone(), 0..12);
    let source = 0..3_usize;
    let one = prop_oneof![
        8 => (source.clone(), rows()).prop_map(|(source, rows)| Operation::Update { source, rows }),
        2 => (source.clone(), prop::collection::vec(0..DRIVERS, 0..6))
            .prop_map(|(source, drivers)| Operation::Remove { source, drivers }),
        2 => (source.clone(), 0..DRIVERS, 0..30_u64)
            .prop_map(|(source, driver, sequence)| Operation::Eviction { source, driver, sequence }),
        2 => (source.clone(), any::<u8>(), rows())
            .prop_map(|(source, shards, rows)| Operation::Snapshot { source, shards, rows }),
        1 => source.prop_map(|source| Operation::Reopen { source }),
        1 => any::<u8>().prop_map(|shards| Operation::Resync { shards }),
        1 => (any::<u8>(), 0..8_u8).prop_map(|(held, live)| Operation::View { held, live }),
        1 => (0..160_i64).prop_map(|ticks| Operation::AdvanceTime { ms: ticks * 250 }),
    ];
    prop::collection::vec(one, 1..60)
}

/// Times from 80 s before the start to 40 s after it, in whole units of the index's time, so that drivers expire exactly.
fn update_version(sequence: u64) -> UpdateVersion {
    UpdateVersion { sequence, time: NOW_MS + Millis::new((sequence as i64 - 20) * 4_000) }
}

/// Sixteen places in several shards, with several positions close to each place.
fn place(code: u8) -> LatLng {
    let (x, y) = (f64::from(code % 4), f64::from(code / 4 % 4));
    LatLng::new(37.6 + y * 0.07, -122.5 + x * 0.1 + f64::from(code / 16) * 0.0001).unwrap()
}

/// The state that the index should have.
#[derive(Default)]
struct Model {
    now: Timestamp,
    drivers: BTreeMap<u32, (State, usize)>,
    tombstones: BTreeMap<u32, (UpdateVersion, i64)>,
    held: BTreeSet<ShardId>,
    live: BTreeSet<usize>,
    connected: BTreeSet<usize>,
    finished: BTreeMap<ShardId, BTreeSet<usize>>,
}

impl Model {
    fn shard(number: u32, state: &State) -> ShardId {
        sharding().shard_of(&profile(number).id, state.position)
    }

    /// Whether the index takes this state, although it had a newer one.
    fn accepts(&self, source: usize, number: u32, update_version: UpdateVersion) -> bool {
        let tombstone = self.tombstones.get(&number);
        let is_over = |up_to: &UpdateVersion| update_version > *up_to || up_to.time.is_ahead_of(self.now);
        match self.drivers.get(&number) {
            Some((known, owner)) => *owner == source && known.update_version.time.is_ahead_of(self.now),
            None => tombstone.is_none_or(|(up_to, _)| is_over(up_to)),
        }
    }

    fn update(&mut self, source: usize, number: u32, state: State) {
        let now = self.now;
        let known = self.drivers.get_mut(&number);
        let is_newer = known.as_ref().is_none_or(|(known, owner)| {
            let set_back = *owner == source && known.update_version.time.is_ahead_of(now);
            state.update_version > known.update_version || set_back
        });
        if !is_newer {
            if let Some((known, _)) = known
                .filter(|(known, owner)| *owner == source && known.update_version == state.update_version)
            {
                known.status = state.status;
            }
            return;
        }
        let known = self.drivers.get(&number);
        if known.is_none()
            && let Some((up_to, _)) = self.tombstones.get(&number)
        {
            if state.update_version <= *up_to && !up_to.time.is_ahead_of(now) {
                return;
            }
            self.tombstones.remove(&number);
        }
        let old = self.now - state.update_version.time > Millis::new(POSITION_TTL_MS);
        if old || !self.held.contains(&Self::shard(number, &state)) {
            self.drivers.remove(&number);
        } else {
            self.drivers.insert(number, (state, source));
        }
    }

    fn remove(&mut self, source: usize, number: u32) {
        if let Some((state, _)) = self.drivers.get(&number).filter(|(_, owner)| *owner == source) {
            // Only states older than the removed one are rejected.
            self.add_tombstone(
                number,
                UpdateVersion { time: state.update_version.time - Millis::new(1), ..state.update_version },
            );
            self.drivers.remove(&number);
        }
    }

    fn add_tombstone(&mut self, number: u32, update_version: UpdateVersion) {
        let until = self.now + Millis::new(POSITION_TTL_MS);
        let tombstone = self.tombstones.entry(number).or_insert((update_version, until.as_millis()));
        *tombstone = (tombstone.0.max(update_version), until.as_millis());
    }

    fn evict(&mut self, number: u32, update_version: UpdateVersion) {
        self.add_tombstone(number, update_version);
        if self.drivers.get(&number).is_some_and(|(state, _)| state.update_version <= update_version) {
            self.drivers.remove(&number);
        }
    }

    /// Completes a snapshot that contained the drivers `sent`.
    fn complete_snapshot(&mut self, source: usize, shards: &[ShardId], sent: &BTreeSet<u32>) {
        self.drivers.retain(|number, (state, owner)| {
            *owner != source || sent.contains(number) || !shards.contains(&Self::shard(*number, state))
        });
        for shard in shards.iter().filter(|shard| self.held.contains(shard)) {
            self.finished.entry(*shard).or_default().insert(source);
        }
    }

    fn empty(&mut self, shard: ShardId) {
        self.drivers.retain(|number, (state, _)| Self::shard(*number, state) != shard);
        self.finished.remove(&shard);
    }

    fn expire(&mut self) {
        let now = self.now;
        self.tombstones.retain(|_, (_, until)| *until > now.as_millis());
        self.drivers.retain(|_, (state, _)| now - state.update_version.time <= Millis::new(POSITION_TTL_MS));
    }

    fn covered(&self, shard: ShardId) -> bool {
        let finished = self.finished.get(&shard);
        let mut needed = self.live.union(&self.connected);
        self.held.contains(&shard) && needed.all(|source| finished.is_some_and(|f| f.contains(source)))
    }
}

/// The index, the model, and the sources of both.
struct World {
    index: Index,
    streams: [SourceStream; 3],
    rounds: u64,
    model: Model,
    /// The highest sequence that any source has sent for each driver.
    newest: BTreeMap<u32, u64>,
}

fn node(source: usize) -> NodeId {
    NodeId::new(&format!("ingest-{source}")).unwrap()
}

fn chosen(mask: u8) -> Vec<ShardId> {
    sharding().all().filter(|shard| mask >> shard.0 & 1 == 1).collect()
}

impl World {
    fn new() -> Self {
        let options = Options {
            drivers_max: 10_000,
            position_ttl_ms: Millis::new(POSITION_TTL_MS),
            ..Options::default()
        };
        let index = Index::new(&options, sharding(), NOW_MS);
        index.set_view(&chosen(0xff), &[]).unwrap();
        let streams = [0, 1, 2].map(|source| index.open(&node(source)).unwrap());
        let held = chosen(0xff).into_iter().collect();
        let connected = (0..3).collect();
        let model = Model { now: NOW_MS, held, connected, ..Model::default() };
        let mut world = Self { index, streams, rounds: 0, model, newest: BTreeMap::new() };
        (0..3).for_each(|source| world.bind_slots(source));
        world
    }

    fn bind_slots(&mut self, source: usize) {
        apply(&self.index, &mut self.streams[source], &bind_slots(0..DRIVERS), self.model.now);
    }

    fn update(&mut self, source: usize, rows: &[(u32, u64, u8)]) -> BTreeSet<u32> {
        let mut batch = Batch::default();
        let rows: BTreeMap<u32, _> = rows.iter().map(|row| (row.0, row)).collect();
        for (number, (_, sequence, code)) in rows {
            // An older sequence is only sent if it is rejected: a driver whose clock jumps back may expire late.
            let newest = self.newest.entry(number).or_default();
            if *sequence < *newest && self.model.accepts(source, number, update_version(*sequence)) {
                continue;
            }
            *newest = (*newest).max(*sequence);
            let update_version = update_version(*sequence);
            let status = kerb_types::IndexedStatus::ALL[usize::from(code % 5)];
            let state = State { position: place(*code), update_version, status };
            batch.updates.push(update(sharding(), number, state));
            self.model.update(source, number, state);
        }
        apply(&self.index, &mut self.streams[source], &batch, self.model.now);
        batch.updates.iter().map(|update| update.slot.get()).collect()
    }

    fn run(&mut self, operation: Operation) {
        match operation {
            Operation::Update { source, rows } => drop(self.update(source, &rows)),
            Operation::Remove { source, drivers } => {
                for number in &drivers {
                    self.model.remove(source, *number);
                }
                let batch =
                    Batch { removals: drivers.into_iter().map(Slot::new).collect(), ..Batch::default() };
                apply(&self.index, &mut self.streams[source], &batch, self.model.now);
            }
            Operation::Eviction { source, driver, sequence } => {
                let update_version = update_version(sequence);
                self.model.evict(driver, update_version);
                let evictions = vec![Eviction { id: profile(driver).id.clone(), update_version }];
                let batch = Batch { evictions, ..Batch::default() };
                apply(&self.index, &mut self.streams[source], &batch, self.model.now);
            }
            Operation::Snapshot { source, shards, rows } => self.snapshot(source, &chosen(shards), &rows),
            Operation::Reopen { source } => {
                self.index.close(&mut self.streams[source]);
                self.streams[source] = self.index.open(&node(source)).unwrap();
                self.bind_slots(source);
            }
            Operation::Resync { shards } => self.resync(&chosen(shards)),
            Operation::View { held, live } => self.view(&chosen(held), live),
            Operation::AdvanceTime { ms } => {
                self.model.now += Millis::new(ms);
                self.model.expire();
                self.index.expire_due(self.model.now);
                while self.index.reclaim_step(self.model.now) {}
            }
        }
    }

    fn snapshot(&mut self, source: usize, shards: &[ShardId], rows: &[(u32, u64, u8)]) {
        self.rounds += 1;
        self.index.snapshot_begin(&mut self.streams[source], self.rounds, shards).unwrap();
        let sent = self.update(source, rows);
        let mut completion = self.index.snapshot_end(&mut self.streams[source], self.rounds).unwrap();
        while self.index.complete_snapshot_step(&self.streams[source], &mut completion).unwrap() {}
        self.model.complete_snapshot(source, shards, &sent);
    }

    fn resync(&mut self, shards: &[ShardId]) {
        let held: Vec<_> = shards.iter().copied().filter(|shard| self.model.held.contains(shard)).collect();
        assert_eq!(self.index.begin_resync(shards).is_ok(), held.len() == shards.len());
        let emptied = self.index.begin_resync(&held).unwrap();
        if held.is_empty() {
            assert_eq!(emptied, self.model.held.iter().copied().collect::<Vec<_>>());
        }
        for shard in emptied {
            self.index.drop_drivers(shard);
            self.model.empty(shard);
        }
    }

    fn view(&mut self, held: &[ShardId], live: u8) {
        let sources = || (0..3_usize).filter(|source| live >> source & 1 == 1);
        for shard in self.index.set_view(held, &sources().map(node).collect::<Vec<_>>()).unwrap() {
            self.index.drop_drivers(shard);
        }
        for shard in self.model.held.clone() {
            if !held.contains(&shard) {
                self.model.empty(shard);
            }
        }
        self.model.held = held.iter().copied().collect();
        self.model.live = sources().collect();
    }

    /// Asserts that index and model have the same drivers and the same covered shards.
    fn check(&self) {
        let stats = self.index.stats();
        let held: Vec<_> = stats.iter().map(|stat| stat.shard).collect();
        assert_eq!(held, self.model.held.iter().copied().collect::<Vec<_>>());
        for stat in &stats {
            let here =
                |(number, (state, _)): &(&u32, &(State, usize))| Model::shard(**number, state) == stat.shard;
            assert_eq!(stat.drivers, self.model.drivers.iter().filter(here).count() as u64);
            assert_eq!(stat.covered, self.model.covered(stat.shard), "{stat:?}");
        }
        for statuses in [0, 0b10, 0b100, 0b1010, 0b10_0000, 0b100_0010] {
            self.check_search(DriverFilter { statuses, ..DriverFilter::ANY });
        }
    }

    /// Asserts that a search finds exactly the drivers that pass the filter.
    fn check_search(&self, filter: DriverFilter) {
        let world = Circle::new(LatLng::new(37.7, -122.3).unwrap(), 100_000.0).unwrap();
        let search = Search::WithinRadius { circle: world, limit: 1_000, after: None };
        let answer = run_search(&self.index, sharding().all().collect(), search, filter);
        let covered: BTreeSet<_> = sharding().all().filter(|shard| self.model.covered(*shard)).collect();
        let uncovered: BTreeSet<_> = answer.uncovered.iter().copied().collect();
        assert_eq!(uncovered, sharding().all().filter(|shard| !covered.contains(shard)).collect());
        let right: BTreeMap<_, _> =
            self.model.drivers.iter().map(|(number, (state, _))| (*number, *state)).collect();
        let right: BTreeMap<_, _> = right
            .into_iter()
            .filter(|(number, state)| covered.contains(&Model::shard(*number, state)))
            .filter(|(_, state)| filter.statuses == 0 || filter.statuses >> state.status as u8 & 1 == 1)
            .collect();
        let found: BTreeMap<_, _> = answer
            .neighbors
            .iter()
            .map(|neighbor| {
                let state = State {
                    position: neighbor.position,
                    update_version: neighbor.update_version,
                    status: neighbor.status,
                };
                (number_of(&neighbor.profile.id), state)
            })
            .collect();
        assert_eq!(found.len(), answer.neighbors.len());
        assert_eq!(found, right);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_equals_the_model(operations in operations()) {
        let mut world = World::new();
        world.check();
        for operation in operations {
            world.run(operation);
            world.check();
        }
    }
}
