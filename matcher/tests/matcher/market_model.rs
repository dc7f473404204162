//! Random histories of two markets, in processes that crash and rivals that take over. In every history, the journals
//! reserve no driver and no trip twice, and lose nothing that was acknowledged.

mod ledger;

use std::collections::BTreeMap;

use kerb_geometry::LatLng;
use kerb_matcher::market::{Effect, Market, Proposal, Reassignment, Reservations, Rules};
use kerb_ports::DriverAction;
use kerb_trips::{
    Change, IdempotencyKey, MarketId, Record, RideRequest, RiderId, TripId, TripState, Version,
};
use kerb_types::{Capabilities, DriverId, Millis, Timestamp, TravelSource, VehicleClass};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use ledger::Ledger;

const DRIVERS: u32 = 12;
const RIDERS: u32 = 10;
const MARKETS: [&str; 2] = ["east", "west"];

/// A market's durable records. An append under another version than the newest fails.
#[derive(Default)]
struct Journal {
    records: Vec<Record>,
    snapshot: Option<(Version, Vec<u8>)>,
}

impl Journal {
    fn append(&mut self, expected: Version, record: Record) -> Result<Version, Version> {
        let current = Version::new(self.records.len() as u64);
        if expected != current {
            return Err(current);
        }
        self.records.push(record);
        Ok(current + 1)
    }
}

/// A process with a matcher.
struct Process {
    markets: Vec<Market>,
}

fn market_id(name: &str) -> MarketId {
    MarketId::new(name).unwrap()
}

fn rules() -> Rules {
    Rules {
        reassigned_max: 2,
        reassignment_cooldown_ms: Millis::new(4_000),
        ended_kept_ms: Millis::new(40_000),
        reconnect_grace_ms: Millis::new(8_000),
        offer_ms: Millis::new(5_000),
        waiting_max: 20,
        ..Rules::default()
    }
}

impl Process {
    /// Reads and fences every journal, before the process decides anything. From then on, appends of older processes fail in
    /// all markets.
    fn start(journals: &mut BTreeMap<&'static str, Journal>, now: Timestamp) -> Self {
        let reservations = Reservations::new();
        let markets = MARKETS.map(|name| {
            let journal = journals.get_mut(name).unwrap();
            let mut market = match &journal.snapshot {
                Some((version, bytes)) => {
                    Market::restore(market_id(name), rules(), reservations.clone(), *version, bytes).unwrap()
                }
                None => Market::new(market_id(name), rules(), reservations.clone()),
            };
            let fence = Record { at_ms: now, matcher: "fence".into(), changes: Vec::new() };
            journal.append(Version::new(journal.records.len() as u64), fence).unwrap();
            for version in market.version().get()..journal.records.len() as u64 {
                market.replay(Version::new(version + 1), &journal.records[version as usize]).unwrap();
            }
            assert_eq!(market.renew_reservations(), []);
            market
        });
        Self { markets: markets.into() }
    }
}

fn driver(n: u32) -> DriverId {
    DriverId::new(&format!("driver-{n}")).unwrap()
}

fn place(n: u32) -> LatLng {
    LatLng::new(37.7 + f64::from(n) * 0.003, -122.4).unwrap()
}

struct World {
    rng: Pcg64Mcg,
    now: Timestamp,
    journals: BTreeMap<&'static str, Journal>,
    /// The newest process, and the one before, which may not have noticed that it was replaced.
    processes: Vec<Process>,
    /// The acknowledged states of trips.
    acknowledged: Vec<(TripId, TripState)>,
    requests: u32,
    conflicts: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut journals = MARKETS.map(|name| (name, Journal::default())).into();
        let process = Process::start(&mut journals, Timestamp::from_millis(0));
        let rng = Pcg64Mcg::seed_from_u64(seed);
        Self {
            rng,
            now: Timestamp::from_millis(0),
            journals,
            processes: vec![process],
            acknowledged: Vec::new(),
            requests: 0,
            conflicts: 0,
        }
    }

    fn step(&mut self) {
        self.now += Millis::new(self.rng.random_range(0..700));
        let process = self.rng.random_range(0..self.processes.len());
        let market = self.rng.random_range(0..2);
        match self.rng.random_range(0..1_000) {
            0..8 => self.crash(),
            8..14 => self.rival(),
            14..24 => self.snapshot(market),
            _ => {
                for _ in 0..self.rng.random_range(1..6) {
                    self.decide(process, market);
                }
                self.commit(process, market);
            }
        }
    }

    fn crash(&mut self) {
        self.processes = vec![Process::start(&mut self.journals, self.now)];
    }

    fn rival(&mut self) {
        let rival = Process::start(&mut self.journals, self.now);
        self.processes.push(rival);
        self.processes.drain(..self.processes.len().saturating_sub(2));
    }

    fn snapshot(&mut self, market: usize) {
        let market = &self.processes.last().unwrap().markets[market];
        let journal = self.journals.get_mut(market.id().as_str()).unwrap();
        if market.version() == Version::new(journal.records.len() as u64) {
            journal.snapshot = Some((market.version(), market.snapshot()));
        }
    }

    fn decide(&mut self, process: usize, market: usize) {
        let (rng, now) = (&mut self.rng, self.now);
        let market = &mut self.processes[process].markets[market];
        let (driver_id, number) = (driver(rng.random_range(0..DRIVERS)), rng.random_range(1..30_u64));
        // Mostly the driver's own trip, sometimes any.
        let own = market.driver_connected(&driver_id).map(|notification| notification.trip().clone());
        let trip =
            own.filter(|_| rng.random_bool(0.8)).unwrap_or(TripId { market: market.id().clone(), number });
        match rng.random_range(0..100) {
            0..20 => {
                self.requests += u32::from(rng.random_bool(0.9));
                let rider = rng.random_range(0..RIDERS);
                let request = RideRequest {
                    rider: RiderId::new(&format!("rider-{rider}")).unwrap(),
                    key: IdempotencyKey::new(&format!("key-{}", self.requests)).unwrap(),
                    pickup: place(rider),
                    dropoff: place(rider + 1),
                    vehicle_class: VehicleClass(0),
                    capabilities: Capabilities(0),
                    party_size: 1,
                    wait_max_ms: Millis::new(20_000),
                };
                let _ = market.request(now, request);
            }
            20..45 => {
                let trips: Vec<_> = market.waiting().map(|waiting| waiting.trip.id.clone()).collect();
                let mut propose = |trip| {
                    let driver = driver(rng.random_range(0..DRIVERS));
                    Proposal { trip, driver, pickup_eta_s: 60, travel_source: TravelSource::Roads }
                };
                let proposals: Vec<_> = trips.into_iter().map(&mut propose).collect();
                market.offer(now, &proposals);
                let reassignments: Vec<_> = market
                    .en_route_trips(now)
                    .into_iter()
                    .map(|view| Reassignment { from: view.driver.clone(), to: propose(view.trip.id.clone()) })
                    .collect();
                market.reassign(now, &reassignments);
            }
            45..75 => {
                let reason = String::new();
                let action = match rng.random_range(0..12) {
                    0..4 => DriverAction::Accept,
                    4 => DriverAction::Decline { reason },
                    5..7 => DriverAction::Arrived,
                    7..9 => DriverAction::PickedUp,
                    9..11 => DriverAction::DroppedOff,
                    _ => DriverAction::Cancel { reason },
                };
                let _ = market.act(now, &driver_id, &trip, &action);
            }
            75..80 => market.driver_disconnected(now, &driver_id),
            80..83 => market.offer_undeliverable(now, &driver_id, &trip),
            83..86 => {
                let rider = RiderId::new(&format!("rider-{}", rng.random_range(0..RIDERS))).unwrap();
                let _ = market.cancel(now, &rider, &trip, "");
            }
            86 => drop(market.force_cancel(now, &trip, "")),
            87 => market.set_paused(rng.random_bool(0.2)),
            88..92 => {
                let mut seen = |n| (driver(n), place(rng.random_range(0..40)), now);
                let seen: Vec<_> = (0..DRIVERS).map(&mut seen).collect();
                market.drivers_moved(now, &seen);
            }
            _ => market.run_timers(now),
        }
    }

    /// Appends the pending record. A conflict ends the process.
    fn commit(&mut self, process: usize, market: usize) {
        let state = &mut self.processes[process].markets[market];
        let Some(record) = state.take_record(self.now) else { return };
        let journal = self.journals.get_mut(state.id().as_str()).unwrap();
        let Ok(version) = journal.append(state.version(), record) else {
            self.conflicts += 1;
            assert!(self.processes.len() > 1, "only a rival can have written");
            self.processes.remove(process);
            return;
        };
        for effect in state.committed(version) {
            if let Effect::TripChanged { trip } = effect
                && let Some(trip) = state.trip(&trip)
            {
                self.acknowledged.push((trip.id.clone(), trip.state));
            }
        }
    }
}

/// Checks each market by itself, and that no driver is reserved by both at the end.
fn check_journals(world: &World) -> Ledger {
    let mut whole = Ledger::default();
    for journal in world.journals.values() {
        let mut ledger = Ledger::default();
        for change in journal.records.iter().flat_map(|record| &record.changes) {
            if let Change::Trip { trip, event } = change {
                ledger.read(trip, event);
            }
        }
        whole.reached.extend(ledger.reached);
        whole.reassigned += ledger.reassigned;
        for (driver, trip) in ledger.trip_of {
            assert_eq!(
                whole.trip_of.insert(driver.clone(), trip),
                None,
                "{driver} is reserved by both markets"
            );
        }
    }
    whole
}

#[test]
fn no_history_reserves_twice_or_loses_an_acknowledged_state() {
    let (mut conflicts, mut completed, mut reservations, mut reassigned) = (0, 0, 0, 0);
    for seed in 0..200 {
        println!("seed {seed}");
        let mut world = World::new(seed);
        for step in 0..600 {
            world.step();
            if step % 100 == 0 {
                check_journals(&world);
            }
        }
        let ledger = check_journals(&world);
        for (trip, state) in &world.acknowledged {
            assert!(ledger.reached[trip].contains(state), "{trip} was acknowledged as {state}");
        }
        conflicts += world.conflicts;
        reassigned += ledger.reassigned;
        let states = ledger.reached.values().flatten();
        completed += states.clone().filter(|state| **state == TripState::Completed).count();
        reservations += states.filter(|state| **state == TripState::Offered).count();
    }
    println!(
        "{reservations} reservations, {reassigned} reassigned, {completed} completed, {conflicts} conflicts"
    );
    assert!(
        conflicts > 100 && completed > 400 && reservations > 10_000 && reassigned > 100,
        "the histories are rich enough to mean something"
    );
}

#[test]
fn a_replayed_or_restored_market_equals_the_original() {
    for seed in 0..40 {
        println!("seed {seed}");
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
        }
        for (i, name) in MARKETS.into_iter().enumerate() {
            let current = &world.processes.last().unwrap().markets[i];
            let journal = &world.journals[name];
            if current.version() != Version::new(journal.records.len() as u64) {
                continue;
            }
            let mut replayed = Market::new(market_id(name), rules(), Reservations::new());
            for (version, record) in (1..).zip(&journal.records) {
                replayed.replay(Version::new(version), record).unwrap();
            }
            let restored = Market::restore(
                market_id(name),
                rules(),
                Reservations::new(),
                current.version(),
                &current.snapshot(),
            );
            for other in [replayed, restored.unwrap()] {
                assert_eq!(other.counts(), current.counts());
                for waiting in current.waiting() {
                    assert_eq!(other.trip(&waiting.trip.id), Some(waiting.trip));
                }
                for (_, trip) in current.assigned() {
                    assert_eq!(other.trip(&trip.id), Some(trip));
                }
            }
        }
    }
}
