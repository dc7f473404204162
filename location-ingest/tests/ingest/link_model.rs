//! Fanout against a model: after any history, what the index servers hold is what the table says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kerb_location_ingest::{
    DriverTable, Fanout, HANDOVER_MAX_MS, HANDOVER_MS, Horizon, LINK_BATCH_ROWS_MAX, LinkState, Metrics,
    RateLimit,
};
use kerb_types::{DriverStatus, MembershipView, Millis, NodeId, ShardId, ShardMap, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::fake_index::FakeIndex;
use crate::fixture::{NOW_MS, assert_same, node, place, profile, report, searchable, sharding};

const HORIZON: Horizon =
    Horizon { now: NOW_MS, expired_before_ms: Timestamp::from_millis(NOW_MS.as_millis() - 60_000) };
const SERVERS: [&str; 4] = ["a", "b", "c", "d"];
/// Times of ticks after which handovers are over: departures are sent, confirmed, known to be confirmed, and removed after
/// the time of a search.
pub(crate) const HANDOVER: [i64; 5] = [0, 1, 2, 3, 3 + HANDOVER_MS.get()];

/// Sends the server all its frames, and confirms them.
fn send_all(state: &mut LinkState, table: &DriverTable, now: Timestamp, server: &mut FakeIndex) {
    while let Some(frame) = state.next_frame(table, Horizon { now, ..HORIZON }) {
        server.apply(&node("ingest"), frame);
    }
    if let Some(tick) = state.unconfirmed_tick() {
        state.confirm(tick);
    }
}

/// A table, its links, and the contents of the index servers.
struct World {
    rng: Pcg64Mcg,
    table: DriverTable,
    fanout: Fanout,
    metrics: Metrics,
    servers: BTreeMap<NodeId, FakeIndex>,
    source: NodeId,
    map: ShardMap,
    sequence: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let map = ShardMap::place(sharding().shards(), 2, &[node("a"), node("b"), node("c")]);
        let mut world = Self {
            rng: Pcg64Mcg::seed_from_u64(seed),
            table: DriverTable::new(sharding(), 80),
            fanout: Fanout::new(sharding().shards()),
            metrics: Metrics::default(),
            servers: BTreeMap::new(),
            source: node("ingest"),
            map,
            sequence: 0,
        };
        world.apply_map();
        world
    }

    fn apply_map(&mut self) {
        let view = MembershipView { nodes: Vec::new(), shard_map: Arc::new(self.map.clone()) };
        let changes = self.fanout.apply_view(&self.table, &view);
        for link in changes.removed {
            self.servers.remove(&link.node);
        }
        for server in self.map.servers() {
            self.servers.entry(server.clone()).or_default().hold(self.map.shards_of(server));
        }
    }

    fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..55 => self.report(),
            55..60 => {
                let (driver, flags): (_, [bool; 2]) = (self.rng.random_range(0..60), self.rng.random());
                if let Some(slot) = self.table.slot(&profile(driver).id) {
                    self.table.deindex_if(slot, |_| !flags[0]);
                    self.table.set_connected(slot, flags[0]);
                    self.table.set_reserved(slot, flags[1]);
                }
            }
            60..64 => self.retire(),
            64..67 => self.change_profile(),
            67..75 => drop(self.fanout.tick(&self.table, &self.metrics, false, NOW_MS)),
            75..90 => self.send(),
            90..93 => self.reopen(),
            93..97 => self.resync(),
            _ => self.change_map(),
        }
    }

    fn report(&mut self) {
        let driver = self.rng.random_range(0..60);
        // The table may be full: a retired driver's slot may not be free yet.
        let Ok(registered) = self.table.register(&profile(driver), |_| ()) else { return };
        self.sequence += 1;
        let mut report = report(place(self.rng.random_range(0..300)), self.sequence, NOW_MS);
        report.status = Some(DriverStatus::ALL[self.rng.random_range(0..4)]);
        if self.rng.random_range(0..20) == 0 {
            report.update_version.time = NOW_MS - Millis::new(60_000);
        }
        self.table.apply(&registered, &report, NOW_MS, RateLimit::NONE).unwrap();
    }

    fn retire(&mut self) {
        let driver = self.rng.random_range(0..60);
        if let Some(slot) = self.table.slot(&profile(driver).id)
            && self.table.retire(slot, |_| true)
        {
            self.fanout.retire([slot]);
        }
    }

    fn change_profile(&mut self) {
        let mut profile = profile(self.rng.random_range(0..60));
        profile.vehicle_class.0 = self.rng.random_range(0..8);
        let _ = self.table.register(&profile, |_| ());
    }

    /// Sends a few frames of one link.
    fn send(&mut self) {
        let links = self.fanout.links();
        let link = &links[self.rng.random_range(0..links.len())];
        for _ in 0..self.rng.random_range(1..5) {
            let mut state = link.state.lock();
            let Some(frame) = state.next_frame(&self.table, HORIZON) else {
                state.unconfirmed_tick().into_iter().for_each(|tick| state.confirm(tick));
                break;
            };
            self.servers.get_mut(&link.node).unwrap().apply(&self.source, frame);
        }
    }

    fn reopen(&mut self) {
        let links = self.fanout.links();
        let link = &links[self.rng.random_range(0..links.len())];
        let mut state = link.state.lock();
        if state.is_open() {
            state.close();
        } else {
            state.open();
            self.servers.get_mut(&link.node).unwrap().open(&self.source);
        }
    }

    fn resync(&mut self) {
        let links = self.fanout.links();
        let link = &links[self.rng.random_range(0..links.len())];
        let shards: Vec<_> =
            self.map.shards_of(&link.node).into_iter().filter(|_| self.rng.random_bool(0.4)).collect();
        let mut state = link.state.lock();
        if state.is_open() && !shards.is_empty() {
            self.servers.get_mut(&link.node).unwrap().empty(&shards);
            state.resync(&shards);
        }
    }

    fn change_map(&mut self) {
        let mut servers: Vec<_> =
            SERVERS.iter().map(|name| node(name)).filter(|_| self.rng.random_bool(0.7)).collect();
        if servers.is_empty() {
            servers.push(node("a"));
        }
        self.map = ShardMap::place(sharding().shards(), self.rng.random_range(1..3), &servers);
        self.apply_map();
    }

    /// Sends everything, and compares the servers with the table.
    fn settle_and_compare(&mut self) {
        for now in HANDOVER.map(|after_ms| NOW_MS + Millis::new(after_ms)) {
            self.fanout.tick(&self.table, &self.metrics, false, now);
            for link in self.fanout.links() {
                let server = self.servers.get_mut(&link.node).unwrap();
                let mut state = link.state.lock();
                if !state.is_open() {
                    state.open();
                    server.open(&self.source);
                }
                send_all(&mut state, &self.table, now, server);
                assert_eq!(state.pending(), 0);
            }
        }
        for (id, server) in &self.servers {
            let shards = self.map.shards_of(id);
            let wanted =
                searchable(&self.table, HORIZON.expired_before_ms, |shard: ShardId| shards.contains(&shard));
            assert_same(&format!("server {id}"), &server.content(), &wanted);
        }
    }
}

#[test]
fn after_any_history_the_servers_equal_the_table() {
    for seed in 0..150 {
        println!("seed {seed}");
        let mut world = World::new(seed);
        for step in 0..1_500 {
            world.step();
            if step % 300 == 299 {
                world.settle_and_compare();
            }
        }
    }
}

#[test]
fn a_slow_server_gets_one_row_a_driver_however_many_updates_there_were() {
    let table = DriverTable::new(sharding(), 20_000);
    let fanout = Fanout::new(sharding().shards());
    let metrics = Metrics::default();
    let shard_map = Arc::new(ShardMap::place(sharding().shards(), 1, &[node("slow")]));
    fanout.apply_view(&table, &MembershipView { nodes: Vec::new(), shard_map });
    let link = fanout.links().remove(0);
    link.state.lock().open();
    let drivers: Vec<_> = (0..10_000).map(|i| table.register(&profile(i), |_| ()).unwrap()).collect();
    for sequence in 1..30 {
        for driver in &drivers {
            let at = place(u64::from(driver.slot.get()) + sequence);
            table.apply(driver, &report(at, sequence, NOW_MS), NOW_MS, RateLimit::NONE).unwrap();
        }
        fanout.tick(&table, &metrics, false, NOW_MS);
        assert!(link.state.lock().pending() <= drivers.len());
    }
    let mut rows = 0;
    let mut frames = 0;
    while let Some(frame) = link.state.lock().next_frame(&table, HORIZON) {
        frames += 1;
        if let kerb_ports::Frame::Batch(batch) = frame {
            assert!(batch.updates.len() <= LINK_BATCH_ROWS_MAX);
            assert!(batch.updates.iter().all(|update| update.update_version.sequence == 29));
            rows += batch.updates.len();
        }
    }
    assert!(
        (10_000..=20_000).contains(&rows),
        "{rows} rows: a driver of the snapshot may be pending once more"
    );
    assert!(frames < 12, "{frames} frames");
}

#[test]
fn concurrent_writers_and_links_end_equal() {
    let table = DriverTable::new(sharding(), 500);
    let fanout = Fanout::new(sharding().shards());
    let metrics = Metrics::default();
    let map = Arc::new(ShardMap::place(sharding().shards(), 1, &[node("a"), node("b")]));
    fanout.apply_view(&table, &MembershipView { nodes: Vec::new(), shard_map: map.clone() });
    let source = node("ingest");
    let mut servers: Vec<FakeIndex> = Vec::new();
    for link in fanout.links() {
        let mut server = FakeIndex::default();
        server.hold(map.shards_of(&link.node));
        server.open(&source);
        link.state.lock().open();
        servers.push(server);
    }
    let writing = AtomicBool::new(true);
    let drain = |servers: &mut Vec<FakeIndex>, now: Timestamp| {
        fanout.tick(&table, &metrics, false, now);
        for (link, server) in fanout.links().iter().zip(servers) {
            send_all(&mut link.state.lock(), &table, now, server);
        }
    };
    std::thread::scope(|scope| {
        let writer = |thread: u64| {
            let table = &table;
            move || {
                for round in 1..400_u64 {
                    for driver in 0..200 {
                        let registered = table.register(&profile(driver), |_| ()).unwrap();
                        let at = place(round * 17 + driver as u64 * 5 + thread);
                        let _ = table.apply(
                            &registered,
                            &report(at, round * 2 + thread, NOW_MS),
                            NOW_MS,
                            RateLimit::NONE,
                        );
                    }
                }
            }
        };
        let writers = [scope.spawn(writer(0)), scope.spawn(writer(1))];
        let drainer = scope.spawn(|| {
            while writing.load(Ordering::Relaxed) {
                drain(&mut servers, NOW_MS);
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        writing.store(false, Ordering::Relaxed);
        drainer.join().unwrap();
    });
    for after_ms in HANDOVER {
        drain(&mut servers, NOW_MS + Millis::new(after_ms));
    }
    for (link, server) in fanout.links().iter().zip(&servers) {
        let shards = map.shards_of(&link.node);
        let wanted = searchable(&table, HORIZON.expired_before_ms, |shard| shards.contains(&shard));
        assert_same("server", &server.content(), &wanted);
    }
}

/// One driver that moves between two positions, whose shards are on two servers.
struct Mover {
    table: DriverTable,
    fanout: Fanout,
    servers: Vec<FakeIndex>,
    first_server: usize,
    places: [u64; 2],
    sequence: u64,
}

impl Mover {
    fn new() -> Self {
        let table = DriverTable::new(sharding(), 10);
        let fanout = Fanout::new(sharding().shards());
        let map = Arc::new(ShardMap::place(sharding().shards(), 1, &[node("a"), node("b")]));
        fanout.apply_view(&table, &MembershipView { nodes: Vec::new(), shard_map: map.clone() });
        let mut servers: Vec<FakeIndex> = Vec::new();
        for link in fanout.links() {
            let mut server = FakeIndex::default();
            server.hold(map.shards_of(&link.node));
            server.open(&node("ingest"));
            link.state.lock().open();
            servers.push(server);
        }
        let holder_of = |at: u64| map.holders(sharding().shard_of(&profile(1).id, place(at)))[0] as usize;
        let first_server = holder_of(0);
        let other = (1..1_000).find(|at| holder_of(*at) != first_server).unwrap();
        Self { table, fanout, servers, first_server, places: [0, other], sequence: 0 }
    }

    fn report(&mut self, place_number: usize) {
        self.sequence += 1;
        let driver = self.table.register(&profile(1), |_| ()).unwrap();
        let report = report(place(self.places[place_number]), self.sequence, NOW_MS);
        self.table.apply(&driver, &report, NOW_MS, RateLimit::NONE).unwrap();
    }

    /// Runs a tick at this time after the start, and sends its frames to some servers: 0 is the server of the first position.
    /// Returns the number of drivers on each.
    fn tick(&mut self, after_ms: i64, receivers: &[usize]) -> [usize; 2] {
        let now = NOW_MS + Millis::new(after_ms);
        self.fanout.tick(&self.table, &Metrics::default(), false, now);
        for (i, link) in self.fanout.links().iter().enumerate() {
            if receivers.iter().any(|receiver| self.first_server ^ receiver == i) {
                send_all(&mut link.state.lock(), &self.table, now, &mut self.servers[i]);
            }
        }
        [self.servers[self.first_server].content().len(), self.servers[1 - self.first_server].content().len()]
    }
}

#[test]
fn a_moved_driver_stays_on_its_old_server_for_the_time_of_a_search() {
    let mut mover = Mover::new();
    mover.report(0);
    assert_eq!(mover.tick(0, &[0, 1]), [1, 0]);
    mover.report(1);
    for after_ms in [100, 200, 300, 400] {
        assert_eq!(mover.tick(after_ms, &[0, 1]), [1, 1], "{after_ms}");
    }
    // The new server has the driver from 100 on. The departure waits for the tick after the next, whose confirmation is known
    // at 400.
    assert_eq!(mover.tick(400 + HANDOVER_MS.get() - 1, &[0, 1]), [1, 1]);
    assert_eq!(mover.tick(400 + HANDOVER_MS.get(), &[0, 1]), [0, 1]);
    // The driver moves and comes back within the handover: it is not removed.
    mover.report(0);
    assert_eq!(mover.tick(2_000, &[0, 1]), [1, 1]);
    mover.report(1);
    assert_eq!(mover.tick(2_100, &[0, 1]), [1, 1]);
    for after_ms in [2_200, 2_300, 2_400, 2_500, 3_000] {
        mover.tick(after_ms, &[0, 1]);
    }
    assert_eq!(mover.tick(3_100, &[0, 1]), [0, 1]);
}

#[test]
fn a_driver_stays_on_its_old_server_until_a_slow_new_one_confirms_it() {
    let mut mover = Mover::new();
    mover.report(0);
    mover.tick(0, &[0, 1]);
    mover.tick(1, &[0, 1]);
    mover.report(1);
    for after_ms in (100..HANDOVER_MAX_MS.get()).step_by(100) {
        assert_eq!(mover.tick(after_ms, &[0]), [1, 0], "{after_ms}");
    }
    // The handover does not wait forever for a server that stays behind.
    for after_ms in [0, 100, 200, 300].map(|more_ms| HANDOVER_MAX_MS.get() + more_ms) {
        mover.tick(after_ms, &[0]);
    }
    assert_eq!(mover.tick(HANDOVER_MAX_MS.get() + 400, &[0]), [0, 0]);
}
