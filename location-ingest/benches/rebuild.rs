//! One index server's share of the table, ready to be sent: through the reverse index, and by scanning the whole
//! table and hashing every position again. 1,024 shards over 16 servers.
//!
//! Two scans: of the entries in their order in memory, which no table could do faster; and of a plain map by id.
//!
//! `cargo bench -p kerb-location-ingest --bench rebuild [-- --drivers 10_000_000 --rounds 5 --replicas 1]`

mod common;

use std::collections::HashSet;
use std::hint::black_box;
use std::sync::Arc;

use common::{argument, median, position, profile, rng, timed};
use dashmap::DashMap;
use kerb_geometry::Tile;
use kerb_location_ingest::{DriverState, DriverTable, Horizon, LINK_BATCH_ROWS_MAX, LinkState, RateLimit};
use kerb_ports::{Batch, Frame, Slot, SlotBinding, Update};
use kerb_proto::convert::Report;
use kerb_types::{DriverId, IndexedStatus, NodeId, ShardId, ShardMap, Sharding, Timestamp};
use rand::seq::SliceRandom;

const SERVERS: usize = 16;

/// A driver table as a plain map.
type Map = DashMap<DriverId, (Slot, DriverState), foldhash::quality::RandomState>;

fn main() {
    let drivers = argument("--drivers", 1_000_000);
    let rounds = argument("--rounds", 9);
    let replicas = argument("--replicas", 1);
    let sharding = Sharding::default();
    let (fill_s, table) = timed(|| fill(sharding, drivers));
    let servers: Vec<_> = (0..SERVERS).map(|i| NodeId::new(&format!("index-{i}")).expect("legal")).collect();
    let map = ShardMap::place(sharding.shards(), replicas, &servers);
    println!(
        "{drivers} drivers, {} shards, {SERVERS} servers, {replicas} replicas (filled in {fill_s:.1} s)",
        sharding.shards()
    );

    let plain: Map = (0..table.slots_end().get())
        .map(Slot::new)
        .filter_map(|slot| Some((table.profile(slot)?.id, (slot, table.state(slot)?))))
        .collect();
    let mut seconds: [Vec<f64>; 5] = Default::default();
    let mut rows = 0;
    for _ in 0..rounds {
        let mut sums = [0.0; 5];
        rows = 0;
        for server in &servers {
            let shards = map.shards_of(server);
            let runs = [
                measured(None, |outbox| updates_by_reverse_index(&table, &shards, outbox)),
                measured(None, |outbox| updates_by_scan(&table, sharding, &shards, outbox)),
                measured(None, |outbox| updates_by_scan_of_a_map(&plain, sharding, &shards, outbox)),
                measured(None, |outbox| frames_by_link(&table, &shards, outbox)),
                measured(Some(&table), |outbox| updates_by_scan(&table, sharding, &shards, outbox)),
            ];
            assert!(runs.iter().all(|run| run.1 == runs[0].1), "all ways find the same drivers: {runs:?}");
            rows += runs[0].1;
            sums.iter_mut().zip(&runs).for_each(|(sum, run)| *sum += run.0);
        }
        for (all, sum) in seconds.iter_mut().zip(sums) {
            all.push(sum / SERVERS as f64 * 1e3);
        }
    }
    println!("one server's share, mean of all servers: {} drivers; {rounds} rounds", rows / SERVERS);
    let [reverse, scan, scan_of_map, link, scan_with_profiles] = seconds;
    println!("update batches:");
    compare("scan of the entries in memory's order", &reverse, &scan);
    compare("scan of a plain dashmap", &reverse, &scan_of_map);
    println!("update batches and the profiles of a first meeting, whose cost is the same in both:");
    compare("scan of the entries in memory's order", &link, &scan_with_profiles);
}

fn compare(against: &str, reverse_ms: &[f64], scan_ms: &[f64]) {
    let best = |all: &[f64]| all.iter().copied().fold(f64::INFINITY, f64::min);
    for (what, of) in
        [("median", &(|all: &[f64]| median(all.to_vec())) as &dyn Fn(&[f64]) -> f64), ("best", &best)]
    {
        let (reverse_ms, scan_ms) = (of(reverse_ms), of(scan_ms));
        let ratio = scan_ms / reverse_ms;
        println!(
            "  {what:6}: reverse index {reverse_ms:8.2} ms, {against} {scan_ms:8.2} ms, ratio {ratio:.1}"
        );
    }
}

/// Drivers of all places in the order in which they happen to come, each of which has moved once since.
fn fill(sharding: Sharding, drivers: usize) -> DriverTable {
    let table = DriverTable::new(sharding, drivers);
    let mut rng = rng();
    let mut registered: Vec<_> =
        (0..drivers).map(|i| table.register(&profile(i), |_| ()).expect("room")).collect();
    for sequence in 1..3 {
        registered.shuffle(&mut rng);
        for driver in &registered {
            let update_version = kerb_types::UpdateVersion { sequence, time: Timestamp::from_millis(1) };
            let (motion, accuracy_dm, status) = (kerb_types::Motion::NONE, 0, None);
            let report = Report { position: position(&mut rng), update_version, motion, accuracy_dm, status };
            table
                .apply(driver, &report, Timestamp::from_millis(1), RateLimit::NONE)
                .expect("registered just now");
        }
    }
    table
}

fn update(slot: Slot, state: &DriverState) -> Update {
    let DriverState { position, update_version, motion, status, shard, .. } = *state;
    let status = IndexedStatus::new(status, true, false).expect("no driver of the bench is offline");
    Update { slot, shard, position, update_version, motion, status }
}

fn updates_by_reverse_index(table: &DriverTable, shards: &[ShardId], outbox: &mut Outbox) {
    let slots = table.slots_in(shards.iter().copied());
    table.states(&slots, |slot, state| {
        if let Some(state) = state.filter(|state| state.indexed) {
            outbox.push(update(slot, &state));
        }
    });
}

/// As good as a scan gets: entries in their order in memory, without a lock, and no look at the driver's id.
fn updates_by_scan(table: &DriverTable, sharding: Sharding, shards: &[ShardId], outbox: &mut Outbox) {
    let mine = flags(sharding, shards);
    for slot in 0..table.slots_end().get() {
        if let Some(state) = table.state(Slot::new(slot)).filter(|state| state.indexed)
            && mine[usize::from(sharding.shard_of_tile(Tile::of(state.position)).0)]
        {
            outbox.push(update(Slot::new(slot), &state));
        }
    }
}

/// The same over a plain map from ids to states, which is what a table without slots and lists would be.
fn updates_by_scan_of_a_map(map: &Map, sharding: Sharding, shards: &[ShardId], outbox: &mut Outbox) {
    let mine = flags(sharding, shards);
    for driver in map {
        let (slot, state) = driver.value();
        if state.indexed && mine[usize::from(sharding.shard_of_tile(Tile::of(state.position)).0)] {
            outbox.push(update(*slot, state));
        }
    }
}

/// What an ingest node does when an index server connects.
fn frames_by_link(table: &DriverTable, shards: &[ShardId], outbox: &mut Outbox) {
    let mut link = LinkState::new(shards.iter().copied());
    link.open();
    while let Some(frame) = link.next_frame(
        table,
        Horizon { now: Timestamp::from_millis(0), expired_before_ms: Timestamp::from_millis(0) },
    ) {
        if let Frame::Batch(batch) = frame {
            outbox.send(batch);
        }
    }
}

/// Batches that are full are sent, that is, counted and dropped.
#[derive(Default)]
struct Outbox<'a> {
    batch: Batch,
    /// Where profiles come from, if they are wanted.
    profiles: Option<&'a DriverTable>,
    sent: usize,
}

impl Outbox<'_> {
    fn push(&mut self, update: Update) {
        if self.batch.updates.capacity() == 0 {
            self.batch.updates.reserve_exact(LINK_BATCH_ROWS_MAX);
        }
        self.batch.updates.push(update);
        if self.batch.updates.len() == LINK_BATCH_ROWS_MAX {
            self.end();
        }
    }

    fn end(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        if let Some(table) = self.profiles {
            let profile = |update: &Update| {
                table
                    .profile(update.slot)
                    .map(|profile| SlotBinding { slot: update.slot, profile: Arc::new(profile) })
            };
            batch.slot_bindings = batch.updates.iter().filter_map(profile).collect();
        }
        self.send(batch);
    }

    fn send(&mut self, batch: Batch) {
        self.sent += black_box(batch).updates.len();
    }
}

/// Seconds, and drivers sent.
fn measured(profiles: Option<&DriverTable>, work: impl FnOnce(&mut Outbox<'_>)) -> (f64, usize) {
    let mut outbox = Outbox { profiles, ..Outbox::default() };
    let (seconds, ()) = timed(|| {
        work(&mut outbox);
        outbox.end();
    });
    (seconds, outbox.sent)
}

fn flags(sharding: Sharding, shards: &[ShardId]) -> Vec<bool> {
    let shards: HashSet<_> = shards.iter().copied().collect();
    sharding.all().map(|shard| shards.contains(&shard)).collect()
}
