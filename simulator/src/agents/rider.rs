//! A rider: requests a ride, waits, cancels when its patience ends, rides, and rates the trip.

use kerb_trips::TripState;
use rand::RngExt;

use crate::agents::messages::{AgentAction, DriverNumber, RequestNumber};
use crate::agents::world::World;
use crate::demand::TripDemand;
use crate::metrics::record::{RequestOutcome, RequestRecord};
use crate::scenario::Scenario;
use crate::scenario::random_streams::{Purpose, happens, log_normal, stream};

/// The range of `wait_max_ms` that the service accepts, milliseconds.
const PATIENCE_MS: [f64; 2] = [1_000.0, 3_600_000.0];
/// A rider cancels this long after its patience ended if no event ended the request, milliseconds.
const EXPIRY_GRACE_MS: i64 = 10_000;
/// Interval between two attempts to cancel, milliseconds.
const CANCEL_RETRY_MS: i64 = 10_000;
/// Maximum attempts to cancel.
const CANCEL_ATTEMPTS_MAX: u8 = 3;
/// Time until a rider cancels because the estimated arrival is too late, milliseconds.
const LATE_ETA_REACTION_MS: i64 = 5_000;

/// A rider and the state of its request.
pub(crate) struct Rider {
    /// Number of the present plan. An event of an earlier plan does nothing.
    pub(crate) plan: u32,
    /// Time of the rider's next action of its own.
    pub(crate) due_ms: Option<i64>,
    phase: Phase,
    record: RequestRecord,
    passengers: u32,
    class: u16,
    patience_ms: i64,
    pickup_patience_ms: i64,
    /// Time of the first message about a driver en route. A takeover does not restart the rider's patience.
    en_route_since_ms: Option<i64>,
    /// Time at which the rider cancels for reasons of its own.
    random_cancel_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The rider has not requested the ride yet.
    Before,
    /// The request has no driver.
    Waiting,
    /// A driver is on its way to the pickup.
    EnRoute,
    /// The driver is at the pickup.
    DriverArrived,
    /// The rider is in the vehicle.
    Aboard,
    /// The rider sent this many cancellations; the outcome is the one to record.
    Canceling(RequestOutcome, u8),
    Done,
}

impl Phase {
    /// Whether the request was made and has not ended.
    fn is_open(self) -> bool {
        !matches!(self, Self::Before | Self::Done)
    }
}

impl Rider {
    pub(crate) fn new(demand: TripDemand, scenario: &Scenario, seed: u64, number: u64) -> Self {
        let (mut rng, habits) = (stream(seed, Purpose::Rider, number), &scenario.riders);
        let mut drawn_ms = |median_s: f64, spread| {
            let ms = log_normal(&mut rng, median_s * 1_000.0, spread);
            ms.clamp(PATIENCE_MS[0], PATIENCE_MS[1]) as i64
        };
        let patience_ms = drawn_ms(habits.patience_s, habits.patience_spread);
        let pickup_patience_ms = drawn_ms(habits.pickup_patience_s, habits.pickup_patience_spread);
        let cancels = happens(&mut rng, habits.random_cancel_rate);
        let random_cancel_ms = demand.at_ms + rng.random_range(0..patience_ms);
        Self {
            plan: 0,
            due_ms: None,
            phase: Phase::Before,
            record: RequestRecord::open(demand.at_ms, demand.pickup, demand.dropoff),
            passengers: demand.passengers,
            class: demand.class,
            patience_ms,
            pickup_patience_ms,
            en_route_since_ms: None,
            random_cancel_ms: cancels.then_some(random_cancel_ms),
        }
    }

    pub(crate) fn has_requested(&self) -> bool {
        self.phase != Phase::Before
    }

    /// Requests the ride.
    pub(crate) fn request(&mut self, request: RequestNumber, now_ms: i64, world: &mut World) -> AgentAction {
        self.wait(now_ms, world);
        AgentAction::Request {
            request,
            pickup: self.record.pickup,
            dropoff: self.record.dropoff,
            passengers: self.passengers,
            vehicle_class: world.scenario.classes[usize::from(self.class)].name.clone(),
            // The patience is clamped to an hour, so it fits.
            wait_max_ms: self.patience_ms as u32,
        }
    }

    /// Does what is due. A rider's only action of its own is to cancel.
    pub(crate) fn act(
        &mut self,
        request: RequestNumber,
        now_ms: i64,
        world: &mut World,
    ) -> Option<AgentAction> {
        self.due_ms = None;
        let (outcome, attempts) = match self.phase {
            Phase::Waiting => (RequestOutcome::CancelledWaiting, 1),
            Phase::EnRoute => (RequestOutcome::CancelledEnRoute, 1),
            Phase::Canceling(outcome, attempts) if attempts < CANCEL_ATTEMPTS_MAX => (outcome, attempts + 1),
            Phase::Canceling(outcome, _) => {
                // The service confirmed none of the attempts; the rider leaves anyway.
                self.end(outcome, world);
                return None;
            }
            Phase::Before | Phase::DriverArrived | Phase::Aboard | Phase::Done => return None,
        };
        self.set_phase(Phase::Canceling(outcome, attempts), world);
        self.due_ms = Some(now_ms + CANCEL_RETRY_MS);
        Some(AgentAction::Cancel { request })
    }

    /// The service rejected the request.
    pub(crate) fn on_rejected(&mut self, world: &mut World) {
        if matches!(self.phase, Phase::Waiting | Phase::Canceling(RequestOutcome::CancelledWaiting, _)) {
            self.end(RequestOutcome::Refused, world);
        }
    }

    /// The service reports a new state of the trip. A state that is older than what the rider has seen is ignored.
    pub(crate) fn on_trip_changed(
        &mut self,
        now_ms: i64,
        state: TripState,
        driver: Option<DriverNumber>,
        eta_s: Option<u32>,
        world: &mut World,
    ) {
        match (state, self.phase) {
            (_, Phase::Before | Phase::Done) => {}
            (TripState::Requested, Phase::EnRoute | Phase::DriverArrived) => {
                (self.record.driver, self.record.accepted_ms, self.record.arrived_ms) = (None, None, None);
                (self.record.pickup_m, self.record.quoted_eta_s) = (None, None);
                self.wait(now_ms, world);
            }
            (TripState::EnRoute, Phase::Waiting) => self.expect_driver(now_ms, driver, eta_s, world),
            (TripState::EnRoute, Phase::EnRoute)
                if self.record.quoted_eta_s.is_none() || driver != self.record.driver =>
            {
                self.expect_driver(now_ms, driver, eta_s, world);
            }
            (TripState::OnTrip, Phase::DriverArrived) => {
                if let Some(driver) = driver.or(self.record.driver) {
                    self.on_picked_up(now_ms, driver, world);
                }
            }
            (TripState::Completed, Phase::Aboard | Phase::DriverArrived | Phase::Canceling(..)) => {
                self.on_dropped_off(now_ms, None, world);
            }
            (TripState::Expired, Phase::Waiting | Phase::Canceling(..)) => {
                self.end(RequestOutcome::Expired, world);
            }
            (TripState::Cancelled, phase) => {
                let outcome = match phase {
                    Phase::Canceling(outcome, _) => outcome,
                    Phase::Waiting => RequestOutcome::CancelledWaiting,
                    _ => RequestOutcome::CancelledEnRoute,
                };
                self.end(outcome, world);
            }
            _ => {}
        }
    }

    /// A driver received an offer of this ride.
    pub(crate) fn on_offered(&mut self) {
        self.record.offers += 1;
    }

    /// A driver declined the offer, or let it time out.
    pub(crate) fn on_declined(&mut self) {
        self.record.declined += 1;
    }

    /// A driver accepted the ride.
    pub(crate) fn on_accepted(&mut self, now_ms: i64, driver: DriverNumber, world: &mut World) {
        if matches!(self.phase, Phase::Waiting | Phase::EnRoute | Phase::DriverArrived)
            && self.record.driver != Some(driver)
        {
            self.expect_driver(now_ms, Some(driver), None, world);
        }
    }

    /// The driver arrived at the pickup after `pickup_m` meters.
    pub(crate) fn on_driver_arrived(
        &mut self,
        now_ms: i64,
        driver: DriverNumber,
        pickup_m: f64,
        world: &mut World,
    ) {
        if matches!(self.phase, Phase::Waiting | Phase::EnRoute) {
            self.record_arrival(now_ms, driver);
            self.record.pickup_m = Some(pickup_m);
            self.set_phase(Phase::DriverArrived, world);
            self.due_ms = None;
        }
    }

    /// The rider boarded the driver's vehicle at `since_ms`.
    pub(crate) fn on_picked_up(&mut self, since_ms: i64, driver: DriverNumber, world: &mut World) {
        if let (Phase::Aboard, Some(picked_up_ms)) = (self.phase, &mut self.record.picked_up_ms) {
            // The service's event came before the driver's own report.
            *picked_up_ms = since_ms.min(*picked_up_ms);
            return;
        }
        if matches!(self.phase, Phase::Done | Phase::Before) {
            return;
        }
        self.record_arrival(since_ms, driver);
        self.record.picked_up_ms = Some(since_ms);
        self.set_phase(Phase::Aboard, world);
        self.due_ms = None;
    }

    /// The rider left the vehicle at `since_ms`, after `ride_m` meters if the driver reports it.
    pub(crate) fn on_dropped_off(&mut self, since_ms: i64, ride_m: Option<f64>, world: &mut World) {
        if self.phase == Phase::Done {
            // The service's event came before the driver's own report, which adds the length of the ride.
            if let (Some(dropped_off_ms), None) = (&mut self.record.dropped_off_ms, self.record.ride_m) {
                *dropped_off_ms = since_ms.min(*dropped_off_ms);
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
        // There are four limits, so the rating is 1 to 5.
        self.record.stars = Some(5 - worse as u8);
        self.end(RequestOutcome::Served, world);
    }

    pub(crate) fn into_record(self) -> RequestRecord {
        let outcome = match self.phase {
            Phase::Canceling(outcome, _) => outcome,
            _ => self.record.outcome,
        };
        RequestRecord { outcome, ..self.record }
    }

    /// Waits for a driver's acceptance.
    fn wait(&mut self, now_ms: i64, world: &mut World) {
        self.en_route_since_ms = None;
        self.set_phase(Phase::Waiting, world);
        let patience_end_ms = self.record.requested_ms + self.patience_ms + EXPIRY_GRACE_MS;
        self.due_ms = Some(self.random_cancel_ms.unwrap_or(i64::MAX).min(patience_end_ms).max(now_ms));
    }

    /// Waits for a driver who is en route and expected in `eta_s` seconds.
    fn expect_driver(
        &mut self,
        now_ms: i64,
        driver: Option<DriverNumber>,
        eta_s: Option<u32>,
        world: &mut World,
    ) {
        if self.record.driver != driver || self.record.accepted_ms.is_none() {
            self.record.accepted_ms = Some(now_ms);
            self.record.driver = driver;
        }
        self.record.quoted_eta_s = eta_s;
        self.set_phase(Phase::EnRoute, world);
        let since_ms = *self.en_route_since_ms.get_or_insert(now_ms);
        let is_too_late = eta_s.is_some_and(|eta_s| i64::from(eta_s) * 1_000 > self.pickup_patience_ms);
        let cancel_ms =
            if is_too_late { now_ms + LATE_ETA_REACTION_MS } else { since_ms + self.pickup_patience_ms };
        self.due_ms = Some(self.random_cancel_ms.unwrap_or(i64::MAX).min(cancel_ms).max(now_ms));
    }

    fn record_arrival(&mut self, now_ms: i64, driver: DriverNumber) {
        self.record.driver = Some(driver);
        self.record.accepted_ms.get_or_insert(now_ms);
        self.record.arrived_ms.get_or_insert(now_ms);
    }

    fn end(&mut self, outcome: RequestOutcome, world: &mut World) {
        self.record.outcome = outcome;
        self.set_phase(Phase::Done, world);
        self.due_ms = None;
    }

    fn set_phase(&mut self, phase: Phase, world: &mut World) {
        world.waiting_requests -= u32::from(self.phase == Phase::Waiting);
        world.waiting_requests += u32::from(phase == Phase::Waiting);
        world.open_requests -= u32::from(self.phase.is_open());
        world.open_requests += u32::from(phase.is_open());
        self.phase = phase;
    }
}
