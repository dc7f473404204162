//! Riders and drivers of two markets act at random, while the journal fails, streams break and matchers are replaced.
//! In the end the journal is audited, and holds everything that anybody was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kerb_assignment::Policy;
use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, DriverEvents, DriverNotification, Error, ErrorCode};
use kerb_trips::{Change, EventKind, MarketId, RideRequest, TripEvent, TripId, TripState};
use kerb_types::DriverId;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::fake_journal::Fault;
use crate::fakes::{World, driver, north, north_and_south, options, wish};
use crate::simulated_time::pass;

const STEPS: u32 = 500;
const RIDERS: u32 = 30;
const MARKETS: [&str; 2] = ["north", "south"];

#[tokio::test(start_paused = true)]
async fn what_was_answered_holds_and_nobody_is_promised_twice() {
    let (mut asked, mut reassigned) = (0, 0);
    for seed in 1..=8 {
        println!("seed {seed}");
        let policy = if seed % 2 == 0 { Policy::Reoptimize } else { Policy::Batch };
        let mut storm = Storm::new(seed, policy).await;
        for _ in 0..STEPS {
            storm.step().await;
        }
        let (queries, moves) = storm.judge();
        assert!(policy == Policy::Reoptimize || queries == 0, "nobody wanted it");
        asked += queries;
        reassigned += moves;
    }
    println!("{asked} drivers were asked to take a trip over, {reassigned} did");
    assert!(asked > 20 && reassigned > 2, "the storms are rich enough to mean something");
}

struct Storm {
    rng: Pcg64Mcg,
    world: Arc<World>,
    matcher: Matcher,
    options: Options,
    drivers: u32,
    /// Trips whose request was answered.
    trips: BTreeSet<TripId>,
    /// Actions that were answered as taken.
    taken: BTreeSet<(TripId, DriverId, &'static str)>,
    cancelled: BTreeSet<TripId>,
    /// Number of each rider's requests.
    keys: BTreeMap<u32, u32>,
}

fn name(number: u32) -> String {
    format!("d{number:02}")
}

impl Storm {
    async fn new(seed: u64, policy: Policy) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let world = World::new();
        // Somebody is free, so that somebody can be nearer.
        let drivers = if policy == Policy::Reoptimize { 24 } else { 12 };
        for number in 0..drivers {
            world.put(&name(number), rng.random_range(-3_000.0..3_000.0));
        }
        let options = Options {
            markets: north_and_south(),
            snapshot_every: 40,
            reconnect_grace_ms: 10_000,
            policy,
            // Who is under way is seen, and looked at, before it has arrived.
            track_interval_ms: if policy == Policy::Reoptimize { 100 } else { 3_000 },
            window_ms: if policy == Policy::Reoptimize { 200 } else { 1_000 },
            reoptimize_gain_s: 5,
            reoptimize_keep_s: 5,
            reoptimize_trip_max: 3,
            reoptimize_cooldown_s: 10,
            ..options()
        };
        let matcher = world.start(options.clone()).await;
        let (trips, taken) = (BTreeSet::new(), BTreeSet::new());
        let cancelled = BTreeSet::new();
        Self { rng, world, matcher, options, drivers, trips, taken, cancelled, keys: BTreeMap::new() }
    }

    async fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..25 => self.request().await,
            25..70 => self.drive().await,
            70..74 => self.cancel().await,
            74..82 => self.toggle_stream().await,
            82..88 => {
                let faults = [Fault::Lost, Fault::Unanswered, Fault::Late];
                *self.world.journal.fault.lock() = Some(faults[self.rng.random_range(0..3)]);
            }
            88..91 => self.replace_matcher().await,
            _ => pass(Duration::from_millis(self.rng.random_range(1..4_000))).await,
        }
    }

    async fn request(&mut self) {
        let number = self.rng.random_range(0..RIDERS);
        let key = self.keys.entry(number).or_default();
        let mut wish = wish(&format!("r{number}"));
        wish.key = kerb_trips::IdempotencyKey::new(&format!("k{key}")).unwrap();
        wish.pickup = north(f64::from(number) * 150.0 - 2_225.0);
        match self.matcher.request(wish).await {
            Ok(trip) => {
                *key += 1;
                assert!(self.trips.insert(trip.id), "each key is a trip of its own");
            }
            Err(error) => assert!(error.retryable(), "{error}"),
        }
    }

    /// A driver looks at its newest news and does something about them.
    async fn drive(&mut self) {
        let name = name(self.rng.random_range(0..self.drivers));
        let Some(DriverNotification::Assignment(task)) = self.world.news_of(&name) else { return };
        let chance = self.rng.random_range(0..10);
        let no_words = String::new();
        let action = match task.state {
            TripState::Offered if chance < 7 => DriverAction::Accept,
            TripState::Offered if chance < 9 => DriverAction::Decline { reason: no_words },
            TripState::EnRoute if chance < 6 => DriverAction::Arrived,
            TripState::EnRoute if chance < 7 => DriverAction::Cancel { reason: no_words },
            TripState::EnRoute | TripState::Arrived if chance < 9 => DriverAction::PickedUp,
            TripState::OnTrip => DriverAction::DroppedOff,
            _ => return,
        };
        let named = (task.trip.clone(), driver(&name), action.name());
        match self.matcher.act(driver(&name), task.trip.clone(), action).await {
            Ok(state) => {
                // Who declines has nothing to do with the trip any more, though it may be under way with another.
                let has_it = named.2 != "decline";
                self.taken.insert(named);
                self.believe(&name, &task.trip, if has_it { state } else { TripState::Requested });
            }
            // It is over, and this driver has not heard of it.
            Err(Error::FailedPrecondition(_)) => self.believe(&name, &task.trip, TripState::Cancelled),
            Err(error) => assert!(error.retryable(), "{error}"),
        }
    }

    /// The driver's app goes on from the answer.
    fn believe(&self, name: &str, trip: &TripId, state: TripState) {
        let mut told = self.world.told.lock();
        let Some((_, DriverNotification::Assignment(task))) =
            told.iter().rev().find(|(to, _)| *to == driver(name))
        else {
            return;
        };
        if task.trip != *trip {
            return;
        }
        let news = if state.has_driver() {
            DriverNotification::Assignment(Box::new(kerb_ports::TripAssignment { state, ..(**task).clone() }))
        } else {
            DriverNotification::Ended { trip: trip.clone(), state, reason: String::new() }
        };
        told.push((driver(name), news));
    }

    async fn cancel(&mut self) {
        let Some(trip) = self.any_trip() else { return };
        match self.matcher.force_cancel(trip.clone(), "storm".to_owned()).await {
            Ok(_) => _ = self.cancelled.insert(trip),
            Err(Error::FailedPrecondition(_)) => {}
            Err(error) => assert!(error.retryable(), "{error}"),
        }
    }

    fn any_trip(&mut self) -> Option<TripId> {
        let at = self.rng.random_range(0..self.trips.len().max(1));
        self.trips.iter().nth(at).cloned()
    }

    async fn toggle_stream(&mut self) {
        let name = name(self.rng.random_range(0..self.drivers));
        let mut opens = false;
        self.world.change(&name, |fake| {
            fake.connected = !fake.connected;
            opens = fake.connected;
        });
        if !opens {
            let ended = self.matcher.disconnected(driver(&name)).await;
            assert!(ended.as_ref().err().is_none_or(Error::retryable), "{ended:?}");
        } else if let Ok(Some(news)) = self.matcher.connected(driver(&name)).await {
            self.world.told.lock().push((driver(&name), news));
        }
    }

    async fn replace_matcher(&mut self) {
        let next = self.world.start(self.options.clone()).await;
        let old = std::mem::replace(&mut self.matcher, next);
        if self.rng.random() {
            // The old one does not know it yet: what it still decides is in vain, in every market.
            for north_m in [100.0, -100.0] {
                let late = RideRequest { pickup: north(north_m), ..wish("late") };
                assert_eq!(old.request(late).await.unwrap_err().code(), ErrorCode::Unavailable);
            }
            old.shutdown().await;
        }
    }

    /// Answers how many drivers were asked to take a trip over, and how many did.
    fn judge(&self) -> (usize, usize) {
        let (mut written, mut asked, mut reassigned) = (BTreeSet::new(), 0, 0);
        for market in MARKETS.map(|name| MarketId::new(name).unwrap()) {
            for change in self.world.journal.records(&market).into_iter().flat_map(|record| record.changes) {
                if let Change::Trip { trip, event } = change {
                    asked += usize::from(event.kind() == EventKind::ReassignmentOffered);
                    reassigned += usize::from(event.kind() == EventKind::Reassigned);
                    let acted = event.required_takeover_driver().or(event.required_driver()).cloned();
                    written.insert((trip, acted, kind(&event)));
                }
            }
        }
        let report = self.world.audit(&MARKETS);
        assert_eq!(report.violations, []);
        assert!(report.summary.completed > 5, "{:?}", report.summary);
        for trip in &self.trips {
            assert!(written.contains(&(trip.clone(), None, "requested")), "{trip} was answered");
        }
        for (trip, driver, action) in &self.taken {
            let place = (trip.clone(), Some(driver.clone()), *action);
            assert!(written.contains(&place), "{driver} was answered {action} of {trip}");
        }
        for trip in &self.cancelled {
            assert!(written.contains(&(trip.clone(), None, "force_cancel")), "{trip} was cancelled");
        }
        assert_eq!(*self.world.told_too_early.lock(), []);
        (asked, reassigned)
    }
}

/// The action that an event comes from.
fn kind(event: &TripEvent) -> &'static str {
    match event.kind() {
        EventKind::Requested => "requested",
        EventKind::Accepted | EventKind::Reassigned => "accept",
        EventKind::OfferReturned | EventKind::ReassignmentReturned => "decline",
        EventKind::Arrived => "arrived",
        EventKind::PickedUp => "picked_up",
        EventKind::DroppedOff => "dropped_off",
        EventKind::CancelledByDriver => "cancel",
        EventKind::CancelledByOperator => "force_cancel",
        _ => "",
    }
}
