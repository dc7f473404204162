//! Riders and drivers of two markets act at random, while appends fail, streams break and matchers are replaced. At the end,
//! the journal passes an audit and contains everything that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kerb_assignment::Policy;
use kerb_matcher::{Matcher, MatcherError, Options};
use kerb_ports::{DriverAction, DriverEvents, DriverEventsError, DriverNotification, ErrorCode};
use kerb_trips::{Change, EventKind, MarketId, RideRequest, TripEvent, TripId, TripState};
use kerb_types::DriverId;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::fakes::journal::Fault;
use crate::fakes::simulated_time::pass;
use crate::fakes::{World, driver, north, north_and_south, options, ride_request};

const STEPS: u32 = 500;
const RIDERS: u32 = 30;
const MARKETS: [&str; 2] = ["north", "south"];

#[tokio::test(start_paused = true)]
async fn acknowledged_actions_are_durable_and_no_driver_is_reserved_twice() {
    let (mut takeover_offers, mut takeovers) = (0, 0);
    for seed in 1..=8 {
        println!("seed {seed}");
        let policy = if seed % 2 == 0 { Policy::Reoptimize } else { Policy::Batch };
        let mut storm = Storm::new(seed, policy).await;
        for _ in 0..STEPS {
            storm.step().await;
        }
        let (offers, accepted) = storm.check_journal();
        assert!(policy == Policy::Reoptimize || offers == 0, "the policy makes no takeover offers");
        takeover_offers += offers;
        takeovers += accepted;
    }
    println!("{takeover_offers} takeover offers, {takeovers} takeovers");
    assert!(takeover_offers > 20 && takeovers > 2, "the storms are rich enough to mean something");
}

struct Storm {
    rng: Pcg64Mcg,
    world: Arc<World>,
    matcher: Matcher,
    options: Options,
    drivers: u32,
    /// Trips whose request was acknowledged.
    trips: BTreeSet<TripId>,
    /// Acknowledged actions of drivers.
    acknowledged: BTreeSet<(TripId, DriverId, &'static str)>,
    cancelled: BTreeSet<TripId>,
    /// Number of acknowledged requests of each rider.
    keys: BTreeMap<u32, u32>,
}

fn name(number: u32) -> String {
    format!("d{number:02}")
}

impl Storm {
    async fn new(seed: u64, policy: Policy) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let world = World::new();
        // A takeover needs free drivers near a trip.
        let drivers = if policy == Policy::Reoptimize { 24 } else { 12 };
        for number in 0..drivers {
            world.put(&name(number), rng.random_range(-3_000.0..3_000.0));
        }
        let options = Options {
            markets: north_and_south(),
            snapshot_every: 40,
            reconnect_grace_ms: 10_000,
            policy,
            // The driver tracker and a window must run before a driver arrives.
            track_interval_ms: if policy == Policy::Reoptimize { 100 } else { 3_000 },
            window_max_ms: if policy == Policy::Reoptimize { 200 } else { 1_000 },
            reoptimize_gain_s: 5,
            reoptimize_keep_s: 5,
            reoptimize_trip_max: 3,
            reoptimize_cooldown_s: 10,
            ..options()
        };
        let matcher = world.start(options.clone()).await;
        let (trips, acknowledged) = (BTreeSet::new(), BTreeSet::new());
        let cancelled = BTreeSet::new();
        Self { rng, world, matcher, options, drivers, trips, acknowledged, cancelled, keys: BTreeMap::new() }
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
        let mut request = ride_request(&format!("r{number}"));
        request.key = kerb_trips::IdempotencyKey::new(&format!("k{key}")).unwrap();
        request.pickup = north(f64::from(number) * 150.0 - 2_225.0);
        match self.matcher.request(request).await {
            Ok(trip) => {
                *key += 1;
                assert!(self.trips.insert(trip.id), "each key is a trip of its own");
            }
            Err(error) => assert!(error.retryable(), "{error}"),
        }
    }

    /// A driver acts on the last notification.
    async fn drive(&mut self) {
        let name = name(self.rng.random_range(0..self.drivers));
        let Some(DriverNotification::Assignment(assignment)) = self.world.last_notification(&name) else {
            return;
        };
        let chance = self.rng.random_range(0..10);
        let no_reason = String::new();
        let action = match assignment.state {
            TripState::Offered if chance < 7 => DriverAction::Accept,
            TripState::Offered if chance < 9 => DriverAction::Decline { reason: no_reason },
            TripState::EnRoute if chance < 6 => DriverAction::Arrived,
            TripState::EnRoute if chance < 7 => DriverAction::Cancel { reason: no_reason },
            TripState::EnRoute | TripState::Arrived if chance < 9 => DriverAction::PickedUp,
            TripState::OnTrip => DriverAction::DroppedOff,
            _ => return,
        };
        let action_key = (assignment.trip.clone(), driver(&name), action.name());
        match self.matcher.act(driver(&name), assignment.trip.clone(), action).await {
            Ok(state) => {
                // After a declined takeover offer, the trip goes on with its first driver.
                let keeps_trip = action_key.2 != "decline";
                self.acknowledged.insert(action_key);
                self.update_app(
                    &name,
                    &assignment.trip,
                    if keeps_trip { state } else { TripState::Requested },
                );
            }
            // The trip has ended for this driver, and the notification is still on its way.
            Err(DriverEventsError::FailedPrecondition(_)) => {
                self.update_app(&name, &assignment.trip, TripState::Cancelled);
            }
            Err(error) => assert!(error.retryable(), "{error}"),
        }
    }

    /// Sets the trip's state in the driver's app, as an acknowledgement does.
    fn update_app(&self, name: &str, trip: &TripId, state: TripState) {
        let mut notifications = self.world.notifications.lock();
        let Some((_, DriverNotification::Assignment(assignment))) =
            notifications.iter().rev().find(|(to, _)| *to == driver(name))
        else {
            return;
        };
        if assignment.trip != *trip {
            return;
        }
        let notification = if state.has_driver() {
            let assignment = kerb_ports::TripAssignment { state, ..(**assignment).clone() };
            DriverNotification::Assignment(Box::new(assignment))
        } else {
            DriverNotification::Ended { trip: trip.clone(), state, reason: String::new() }
        };
        notifications.push((driver(name), notification));
    }

    async fn cancel(&mut self) {
        let Some(trip) = self.any_trip() else { return };
        match self.matcher.force_cancel(trip.clone(), "storm".to_owned()).await {
            Ok(_) => _ = self.cancelled.insert(trip),
            Err(MatcherError::FailedPrecondition(_)) => {}
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
            assert!(ended.as_ref().err().is_none_or(DriverEventsError::retryable), "{ended:?}");
        } else if let Ok(Some(notification)) = self.matcher.connected(driver(&name)).await {
            self.world.notifications.lock().push((driver(&name), notification));
        }
    }

    async fn replace_matcher(&mut self) {
        let next = self.world.start(self.options.clone()).await;
        let old = std::mem::replace(&mut self.matcher, next);
        if self.rng.random() {
            // The old matcher has not noticed yet. Its decisions fail in every market.
            for north_m in [100.0, -100.0] {
                let late = RideRequest { pickup: north(north_m), ..ride_request("late") };
                assert_eq!(old.request(late).await.unwrap_err().code(), ErrorCode::Unavailable);
            }
            old.shutdown().await;
        }
    }

    /// Checks the journal. Returns the number of takeover offers, and of takeovers.
    fn check_journal(&self) -> (usize, usize) {
        let (mut written, mut offers, mut takeovers) = (BTreeSet::new(), 0, 0);
        for market in MARKETS.map(|name| MarketId::new(name).unwrap()) {
            for change in self.world.journal.records(&market).into_iter().flat_map(|record| record.changes) {
                if let Change::Trip { trip, event } = change {
                    offers += usize::from(event.kind() == EventKind::ReassignmentOffered);
                    takeovers += usize::from(event.kind() == EventKind::Reassigned);
                    let acted = event.required_takeover_driver().or(event.required_driver()).cloned();
                    written.insert((trip, acted, kind(&event)));
                }
            }
        }
        let report = self.world.audit(&MARKETS);
        assert_eq!(report.violations, []);
        assert!(report.summary.completed > 5, "{:?}", report.summary);
        for trip in &self.trips {
            assert!(written.contains(&(trip.clone(), None, "requested")), "{trip} was acknowledged");
        }
        for (trip, driver, action) in &self.acknowledged {
            let action_key = (trip.clone(), Some(driver.clone()), *action);
            assert!(written.contains(&action_key), "{action} of {trip} by {driver} was acknowledged");
        }
        for trip in &self.cancelled {
            assert!(written.contains(&(trip.clone(), None, "force_cancel")), "{trip} was cancelled");
        }
        assert_eq!(*self.world.notified_too_early.lock(), []);
        (offers, takeovers)
    }
}

/// Returns the action that causes an event.
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
