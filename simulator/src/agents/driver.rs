//! A driver: works in shifts, decides about offers, drives to riders and with them.

mod trips;

use std::ops::Range;

use kerb_geometry::LatLng;
use kerb_types::DriverStatus;
use rand_pcg::Pcg64Mcg;

use crate::agents::activity_meter::ActivityMeter;
use crate::agents::assignment::{Assignment, AssignmentStage};
use crate::agents::context::AgentContext;
use crate::agents::messages::{AgentAction, AgentEvent, DriverAction};
use crate::agents::motion::Motion;
use crate::agents::repositioning::Repositioning;
use crate::agents::shift::{DriverShift, NextMove, ShiftState};
use crate::agents::uplink::Uplink;
use crate::metrics::record::{Activity, DriverRecord};
use crate::scenario::Scenario;
use crate::scenario::random_streams::{Purpose, stream};

/// Interval between two attempts of an unanswered action, milliseconds.
const RETRY_MS: i64 = 5_000;
/// A driver drops an offer after this time without an event about it, milliseconds.
const OFFER_DROP_MS: i64 = 60_000;
/// The speed of a driver's own estimate of the way to the rider, if the service sends none, meters per second.
const ESTIMATE_MPS: f64 = 4.5;

/// The state of one driver.
pub(crate) struct Driver {
    /// Number of the present plan. An event of an earlier plan does nothing.
    pub(crate) plan: u32,
    /// Number of the present series of reports.
    pub(crate) report_plan: u32,
    pub(crate) motion: Motion,
    pub(crate) uplink: Uplink,
    meter: ActivityMeter,
    shift: DriverShift,
    assignment: Option<Assignment>,
    /// Where this driver counts as free: the place, and its cell.
    counted_at: Option<(LatLng, Option<usize>)>,
    offer_rng: Pcg64Mcg,
    boarding_rng: Pcg64Mcg,
    record: DriverRecord,
}

impl Driver {
    pub(crate) fn new(
        place: LatLng,
        shifts: Vec<Range<i64>>,
        scenario: &Scenario,
        seed: u64,
        number: u64,
    ) -> Self {
        let from_ms = scenario.from_ms();
        Self {
            plan: 0,
            report_plan: 0,
            motion: Motion::new(place),
            uplink: Uplink::new(seed, number, from_ms, &scenario.faults),
            meter: ActivityMeter::new(from_ms, scenario.measured_ms()),
            shift: DriverShift::new(shifts, scenario, seed, number),
            assignment: None,
            counted_at: None,
            offer_rng: stream(seed, Purpose::Offers, number),
            boarding_rng: stream(seed, Purpose::Boarding, number),
            record: DriverRecord::default(),
        }
    }

    /// Brings the meter of time and distance up to date.
    pub(crate) fn update_meter(&mut self, now_ms: i64) {
        let meters = self.motion.take_meters(now_ms);
        self.meter.update(now_ms, meters);
    }

    pub(crate) fn into_record(self) -> DriverRecord {
        DriverRecord { ms: self.meter.ms, meters: self.meter.meters, ..self.record }
    }

    pub(crate) fn status(&self) -> DriverStatus {
        match (&self.assignment, self.shift.state()) {
            (Some(assignment), _) if !assignment.is_offer() => DriverStatus::OnTrip,
            (_, ShiftState::Off) => DriverStatus::Offline,
            (_, ShiftState::Break(_)) => DriverStatus::OnBreak,
            (_, ShiftState::On) => DriverStatus::Available,
        }
    }

    /// Switches the meter to the present activity. The meter must be up to date.
    pub(crate) fn switch_meter(&mut self, drivers_by_activity: &mut [u32; Activity::ALL.len()]) {
        self.meter.switch_to(self.activity(), drivers_by_activity);
    }

    /// Updates the cell that counts this driver as free: where it stands or drives to.
    pub(crate) fn update_free_count(&mut self, repositioning: &mut Repositioning) {
        let at = (self.status() == DriverStatus::Available).then(|| self.motion.destination());
        if at == self.counted_at.map(|(at, _)| at) {
            return;
        }
        let counted_at = at.map(|at| (at, repositioning.cell(at)));
        repositioning
            .move_driver(self.counted_at.and_then(|(_, cell)| cell), counted_at.and_then(|(_, cell)| cell));
        self.counted_at = counted_at;
    }

    pub(crate) fn is_off_shift(&self) -> bool {
        self.shift.state() == ShiftState::Off
    }

    fn activity(&self) -> Activity {
        let stage = self.assignment.as_ref().filter(|assignment| !assignment.is_offer());
        match stage.map(|assignment| assignment.stage) {
            Some(
                AssignmentStage::Boarding(_)
                | AssignmentStage::Reporting { action: DriverAction::PickUp, .. },
            ) => Activity::Boarding,
            Some(
                AssignmentStage::OnTrip | AssignmentStage::Reporting { action: DriverAction::DropOff, .. },
            ) => Activity::OnTrip,
            Some(_) => Activity::ToPickup,
            None => match self.shift.state() {
                ShiftState::Off => Activity::OffShift,
                ShiftState::Break(_) => Activity::Break,
                ShiftState::On if self.shift.is_repositioning => Activity::Repositioning,
                ShiftState::On => Activity::Idle,
            },
        }
    }

    /// Returns the time of the driver's next action.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        let own_ms = match &self.assignment {
            Some(assignment) => assignment.due_ms(),
            None => self.shift.due_ms(),
        };
        [own_ms, self.motion.arrives_ms(), Some(self.uplink.due_ms())].into_iter().flatten().min()
    }

    /// Stops at the destination once it is reached.
    pub(crate) fn arrive(&mut self, context: &mut AgentContext<'_>) -> Option<AgentAction> {
        if self.motion.arrives_ms().is_none_or(|arrives_ms| arrives_ms > context.now_ms) {
            return None;
        }
        self.motion.stop(context.now_ms);
        let driven_m = self.motion.trajectory_m();
        match &self.assignment {
            Some(Assignment { stage: AssignmentStage::ToPickup, trip, .. }) => {
                let (now_ms, number) = (context.now_ms, context.number);
                context.update_rider(trip, |rider, world| {
                    rider.on_driver_arrived(now_ms, number, driven_m, world);
                });
                self.send(DriverAction::Arrive, context)
            }
            Some(Assignment { stage: AssignmentStage::OnTrip, .. }) => {
                self.send(DriverAction::DropOff, context)
            }
            _ => {
                self.shift.begin_stop(context.now_ms, &context.world.scenario.drivers);
                None
            }
        }
    }

    /// Sends the action on the trip or offer that is due.
    pub(crate) fn act_on_trip(&mut self, context: &mut AgentContext<'_>) -> Option<AgentAction> {
        let now_ms = context.now_ms;
        let due = |assignment: &&Assignment| assignment.due_ms().is_some_and(|due_ms| due_ms <= now_ms);
        let assignment = self.assignment.as_ref().filter(due)?;
        match assignment.stage {
            AssignmentStage::Deciding(action, _) => {
                if action == DriverAction::Decline {
                    self.record.declined += 1;
                    context.update_rider(&assignment.trip, |rider, _| rider.on_declined());
                }
                self.send(action, context)
            }
            AssignmentStage::Reporting {
                action: DriverAction::Accept | DriverAction::Decline,
                since_ms,
                ..
            } if now_ms - since_ms >= OFFER_DROP_MS => {
                self.release(context);
                None
            }
            AssignmentStage::Reporting { action, .. } => self.send(action, context),
            AssignmentStage::Boarding(_) => self.send(DriverAction::PickUp, context),
            AssignmentStage::Ignoring(_) => {
                self.count_unanswered(context);
                self.release(context);
                None
            }
            AssignmentStage::ToPickup | AssignmentStage::OnTrip => None,
        }
    }

    /// Sends an action, and plans the next attempt in case no result arrives.
    fn send(&mut self, action: DriverAction, context: &mut AgentContext<'_>) -> Option<AgentAction> {
        let assignment = self.assignment.as_mut()?;
        let since_ms = match assignment.stage {
            AssignmentStage::Reporting { action: sent, since_ms, .. } if sent == action => since_ms,
            _ => context.now_ms,
        };
        assignment.stage =
            AssignmentStage::Reporting { action, since_ms, retry_ms: context.now_ms + RETRY_MS };
        let arrives = self.uplink.delivers_action(&context.world.scenario.faults);
        arrives.then(|| AgentAction::Trip { driver: context.number, trip: assignment.trip.clone(), action })
    }

    /// Follows the shift of a driver without a trip: work, breaks, and moves.
    pub(crate) fn follow_shift(&mut self, context: &mut AgentContext<'_>) {
        if self.assignment.is_some() {
            return;
        }
        let (now_ms, world) = (context.now_ms, &*context.world);
        let here = self.motion.fix(now_ms).position();
        match self.shift.advance(now_ms, here, &world.scenario.drivers, &world.repositioning) {
            NextMove::None => {}
            NextMove::Stop => self.motion.stop(now_ms),
            NextMove::DriveTo(to) => match world.street_map.snap(to) {
                Some(to) => self.motion.drive(to, now_ms, &world.street_map),
                None => self.shift.begin_stop(now_ms, &world.scenario.drivers),
            },
        }
    }

    pub(crate) fn on_event(&mut self, event: AgentEvent, context: &mut AgentContext<'_>) {
        match event {
            AgentEvent::Assignment { trip, state, pickup, dropoff, eta_s, .. } => {
                let assignment = Assignment { trip, pickup, dropoff, stage: AssignmentStage::ToPickup };
                self.on_assignment(assignment, state, eta_s, context);
            }
            AgentEvent::TripEnded { trip, .. } => {
                if self.assignment.as_ref().is_some_and(|assignment| assignment.trip == trip) {
                    if self.is_undecided() {
                        self.count_unanswered(context);
                    }
                    self.release(context);
                }
            }
            AgentEvent::ActionResult { trip, action, outcome, .. } => {
                self.on_action_result(&trip, action, outcome, context);
            }
            AgentEvent::RequestAccepted { .. }
            | AgentEvent::RequestRejected { .. }
            | AgentEvent::TripChanged { .. } => {}
        }
    }

    /// Returns true while an offer waits for this driver's answer.
    fn is_undecided(&self) -> bool {
        let stage = self.assignment.as_ref().map(|assignment| assignment.stage);
        matches!(stage, Some(AssignmentStage::Ignoring(_) | AssignmentStage::Deciding(..)))
    }
}
