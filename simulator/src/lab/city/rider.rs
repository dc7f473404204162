//! A rider: asks, waits, loses patience, rides, and says how it was.

use kerb_trips::TripState;
use rand::RngExt;

use super::World;
use crate::lab::demand::Wish;
use crate::lab::draws::{Purpose, happens, log_normal, stream};
use crate::lab::message::{DriverNumber, RequestNumber, Said};
use crate::lab::record::{RequestOutcome, RequestRecord};
use crate::lab::scenario::Scenario;

/// The service is asked to wait from this to that, milliseconds: what it takes.
const PATIENCE_MS: [f64; 2] = [1_000.0, 3_600_000.0];
/// A rider whom nobody told that the wait is over says so itself after this, milliseconds.
const NOBODY_TOLD_MS: i64 = 10_000;
/// A cancellation of which nothing came is said again after this, milliseconds,
const AGAIN_MS: i64 = 10_000;
/// so many times in all.
const CANCELS_MAX: u8 = 3;
/// A rider who is told of a wait that is too long thinks about it so long, milliseconds.
const SHOCK_MS: i64 = 5_000;

/// A rider and how its request stands.
pub(super) struct Rider {
    /// Counts changes of plan.
    pub(super) turn: u32,
    /// When it does something of itself.
    pub(super) due_ms: Option<i64>,
    phase: Phase,
    record: RequestRecord,
    passengers: u32,
    class: u16,
    patience_ms: i64,
    pickup_patience_ms: i64,
    /// When it was first told of a driver on the way: one who takes the trip over does not make it patient again.
    told_ms: Option<i64>,
    /// When it loses interest for reasons of its own.
    whim_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its time has not come.
    Before,
    /// Nobody has accepted.
    Waiting,
    /// A driver is on the way.
    EnRoute,
    /// The driver is there.
    Met,
    /// In the vehicle.
    Aboard,
    /// Has cancelled so many times, and this is what it will have been.
    Leaving(RequestOutcome, u8),
    /// Over.
    Done,
}

impl Rider {
    pub(super) fn new(wish: Wish, scenario: &Scenario, seed: u64, number: u64) -> Self {
        let (mut rng, habits) = (stream(seed, Purpose::Rider, number), &scenario.riders);
        let mut drawn_ms = |median_s: f64, spread| {
            let ms = log_normal(&mut rng, median_s * 1_000.0, spread);
            ms.clamp(PATIENCE_MS[0], PATIENCE_MS[1]) as i64
        };
        let patience_ms = drawn_ms(habits.patience_s, habits.patience_spread);
        let pickup_patience_ms = drawn_ms(habits.pickup_patience_s, habits.pickup_patience_spread);
        let has_whim = happens(&mut rng, habits.whim);
        let whim_ms = wish.at_ms + rng.random_range(0..patience_ms);
        Self {
            turn: 0,
            due_ms: None,
            phase: Phase::Before,
            record: RequestRecord::asked(wish.at_ms, wish.pickup, wish.dropoff),
            passengers: wish.passengers,
            class: wish.class,
            patience_ms,
            pickup_patience_ms,
            told_ms: None,
            whim_ms: has_whim.then_some(whim_ms),
        }
    }

    pub(super) fn has_asked(&self) -> bool {
        self.phase != Phase::Before
    }

    /// Its time has come.
    pub(super) fn ask(&mut self, request: RequestNumber, now_ms: i64, world: &mut World) -> Said {
        self.wait(now_ms, world);
        Said::Request {
            request,
            pickup: self.record.pickup,
            dropoff: self.record.dropoff,
            passengers: self.passengers,
            vehicle_class: world.scenario.classes[self.class as usize].name.clone(),
            wait_max_ms: self.patience_ms as u32,
        }
    }

    /// Does what is due: the only thing that a rider does of itself is to cancel.
    pub(super) fn act(&mut self, request: RequestNumber, now_ms: i64, world: &mut World) -> Option<Said> {
        self.due_ms = None;
        let (outcome, cancels) = match self.phase {
            Phase::Waiting => (RequestOutcome::CancelledWaiting, 1),
            Phase::EnRoute => (RequestOutcome::CancelledEnRoute, 1),
            Phase::Leaving(outcome, cancels) if cancels < CANCELS_MAX => (outcome, cancels + 1),
            Phase::Leaving(outcome, _) => {
                // Walks away; the service has not said a word.
                self.end(outcome, world);
                return None;
            }
            Phase::Before | Phase::Met | Phase::Aboard | Phase::Done => return None,
        };
        self.turn_to(Phase::Leaving(outcome, cancels), world);
        self.due_ms = Some(now_ms + AGAIN_MS);
        Some(Said::Cancel { request })
    }

    /// The request was not taken.
    pub(super) fn refused(&mut self, world: &mut World) {
        if matches!(self.phase, Phase::Waiting | Phase::Leaving(RequestOutcome::CancelledWaiting, _)) {
            self.end(RequestOutcome::Refused, world);
        }
    }

    /// Hears where its trip stands. News that are older than what the rider has seen with its own eyes are none.
    pub(super) fn told(
        &mut self,
        now_ms: i64,
        state: TripState,
        driver: Option<DriverNumber>,
        eta_s: Option<u32>,
        world: &mut World,
    ) {
        match (state, self.phase) {
            (_, Phase::Before | Phase::Done) => {}
            (TripState::Requested, Phase::EnRoute | Phase::Met) => {
                (self.record.driver, self.record.accepted_ms, self.record.arrived_ms) = (None, None, None);
                (self.record.pickup_m, self.record.promised_eta_s) = (None, None);
                self.wait(now_ms, world);
            }
            (TripState::EnRoute, Phase::Waiting) => self.promised(now_ms, driver, eta_s, world),
            (TripState::EnRoute, Phase::EnRoute)
                if self.record.promised_eta_s.is_none() || driver != self.record.driver =>
            {
                self.promised(now_ms, driver, eta_s, world);
            }
            (TripState::OnTrip, Phase::Met) => {
                if let Some(driver) = driver.or(self.record.driver) {
                    self.got_in(now_ms, driver, world);
                }
            }
            (TripState::Completed, Phase::Aboard | Phase::Met | Phase::Leaving(..)) => {
                self.got_out(now_ms, None, world);
            }
            (TripState::Expired, Phase::Waiting | Phase::Leaving(..)) => {
                self.end(RequestOutcome::Expired, world);
            }
            (TripState::Cancelled, phase) => {
                let outcome = match phase {
                    Phase::Leaving(outcome, _) => outcome,
                    Phase::Waiting => RequestOutcome::CancelledWaiting,
                    _ => RequestOutcome::CancelledEnRoute,
                };
                self.end(outcome, world);
            }
            _ => {}
        }
    }

    /// An offer of this ride was heard by a driver.
    pub(super) fn offered(&mut self) {
        self.record.offers += 1;
    }

    /// And declined, or left unanswered.
    pub(super) fn declined(&mut self) {
        self.record.declined += 1;
    }

    /// A driver is on the way.
    pub(super) fn accepted(&mut self, now_ms: i64, driver: DriverNumber, world: &mut World) {
        if matches!(self.phase, Phase::Waiting | Phase::EnRoute | Phase::Met)
            && self.record.driver != Some(driver)
        {
            self.promised(now_ms, Some(driver), None, world);
        }
    }

    /// The driver is at the pickup, after so many meters.
    pub(super) fn met(&mut self, now_ms: i64, driver: DriverNumber, pickup_m: f64, world: &mut World) {
        if matches!(self.phase, Phase::Waiting | Phase::EnRoute) {
            self.came(now_ms, driver);
            self.record.pickup_m = Some(pickup_m);
            self.turn_to(Phase::Met, world);
            self.due_ms = None;
        }
    }

    /// Sits in the driver's vehicle since `since_ms`.
    pub(super) fn got_in(&mut self, since_ms: i64, driver: DriverNumber, world: &mut World) {
        if let (Phase::Aboard, Some(told_ms)) = (self.phase, &mut self.record.picked_up_ms) {
            // The service was faster with the news.
            *told_ms = since_ms.min(*told_ms);
            return;
        }
        if matches!(self.phase, Phase::Done | Phase::Before) {
            return;
        }
        self.came(since_ms, driver);
        self.record.picked_up_ms = Some(since_ms);
        self.turn_to(Phase::Aboard, world);
        self.due_ms = None;
    }

    /// Is at the drop-off since `since_ms`, after so many meters.
    pub(super) fn got_out(&mut self, since_ms: i64, ride_m: Option<f64>, world: &mut World) {
        if self.phase == Phase::Done {
            // The service was faster with the news; the driver knows the way.
            if let (Some(told_ms), None) = (&mut self.record.dropped_off_ms, self.record.ride_m) {
                *told_ms = since_ms.min(*told_ms);
                self.record.ride_m = ride_m;
            }
            return;
        }
        self.record.dropped_off_ms = Some(since_ms);
        self.record.ride_m = ride_m;
        let picked_up_ms = self.record.picked_up_ms.unwrap_or(since_ms);
        let waited_s = (picked_up_ms - self.record.requested_ms) as f64 / 1_000.0;
        let limits_s = world.scenario.riders.stars_s;
        let worse = limits_s.iter().filter(|limit_s| waited_s > **limit_s).count();
        self.record.stars = Some(5 - worse as u8);
        self.end(RequestOutcome::Served, world);
    }

    pub(super) fn into_record(self) -> RequestRecord {
        let outcome = match self.phase {
            Phase::Leaving(outcome, _) => outcome,
            _ => self.record.outcome,
        };
        RequestRecord { outcome, ..self.record }
    }

    /// Waits for a driver to accept.
    fn wait(&mut self, now_ms: i64, world: &mut World) {
        self.told_ms = None;
        self.turn_to(Phase::Waiting, world);
        let no_longer_ms = self.record.requested_ms + self.patience_ms + NOBODY_TOLD_MS;
        self.due_ms = Some(self.whim_ms.unwrap_or(i64::MAX).min(no_longer_ms).max(now_ms));
    }

    /// A driver is on the way and expected in so many seconds.
    fn promised(&mut self, now_ms: i64, driver: Option<DriverNumber>, eta_s: Option<u32>, world: &mut World) {
        if self.record.driver != driver || self.record.accepted_ms.is_none() {
            self.record.accepted_ms = Some(now_ms);
            self.record.driver = driver;
        }
        self.record.promised_eta_s = eta_s;
        self.turn_to(Phase::EnRoute, world);
        let told_ms = *self.told_ms.get_or_insert(now_ms);
        let is_too_far = eta_s.is_some_and(|eta_s| i64::from(eta_s) * 1_000 > self.pickup_patience_ms);
        let leaves_ms = if is_too_far { now_ms + SHOCK_MS } else { told_ms + self.pickup_patience_ms };
        self.due_ms = Some(self.whim_ms.unwrap_or(i64::MAX).min(leaves_ms).max(now_ms));
    }

    fn came(&mut self, now_ms: i64, driver: DriverNumber) {
        self.record.driver = Some(driver);
        self.record.accepted_ms.get_or_insert(now_ms);
        self.record.arrived_ms.get_or_insert(now_ms);
    }

    fn end(&mut self, outcome: RequestOutcome, world: &mut World) {
        self.record.outcome = outcome;
        self.turn_to(Phase::Done, world);
        self.due_ms = None;
    }

    fn turn_to(&mut self, phase: Phase, world: &mut World) {
        world.waiting -= u32::from(self.phase == Phase::Waiting);
        world.waiting += u32::from(phase == Phase::Waiting);
        self.phase = phase;
    }
}
