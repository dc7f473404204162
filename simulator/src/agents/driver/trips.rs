//! What a driver does with an offer and a trip, from the assignment to its end.

use kerb_geometry::distance_m;
use kerb_trips::TripState;
use rand::RngExt;

use super::{Driver, ESTIMATE_MPS, OFFER_DROP_MS, RETRY_MS};
use crate::agents::assignment::{Assignment, AssignmentStage};
use crate::agents::context::AgentContext;
use crate::agents::messages::{ActionOutcome, DriverAction};
use crate::agents::shift::ShiftState;
use crate::scenario::random_streams::{between, happens};

impl Driver {
    pub(super) fn on_assignment(
        &mut self,
        new: Assignment,
        state: TripState,
        eta_s: Option<u32>,
        context: &mut AgentContext<'_>,
    ) {
        let own = self.assignment.as_ref().filter(|own| own.trip == new.trip);
        match (state, own.map(|own| own.stage)) {
            (TripState::Offered, None) => self.consider(new, eta_s, context),
            (TripState::EnRoute, Some(_)) if own.is_some_and(Assignment::is_offer) => {
                self.begin_trip(new, context);
            }
            (TripState::Arrived, Some(AssignmentStage::Reporting { action: DriverAction::Arrive, .. })) => {
                self.begin_boarding(context);
            }
            (
                TripState::OnTrip,
                Some(AssignmentStage::Reporting { action: DriverAction::PickUp, since_ms, .. }),
            ) => self.begin_ride(since_ms, context),
            // A trip without an offer: another driver's, or this driver's own after a lost message.
            (TripState::EnRoute | TripState::Arrived, None) => self.begin_trip(new, context),
            (TripState::OnTrip, None) if !self.has_rider() => {
                let now_ms = context.now_ms;
                self.assignment = Some(new);
                self.begin_ride(now_ms, context);
            }
            (TripState::Completed | TripState::Expired | TripState::Cancelled, Some(_)) => {
                self.release(context);
            }
            _ => {}
        }
    }

    /// Considers an offer, unless the driver is off shift, has a trip, or has accepted one.
    pub(super) fn consider(&mut self, offer: Assignment, eta_s: Option<u32>, context: &mut AgentContext<'_>) {
        let is_busy = self
            .assignment
            .as_ref()
            .is_some_and(|assignment| !assignment.is_offer() || assignment.is_accept_sent());
        let world = &mut *context.world;
        let arrives = self.uplink.delivers_offer(&world.scenario.faults);
        if is_busy || self.shift.state() != ShiftState::On || !arrives {
            return;
        }
        if self.is_undecided() {
            self.count_unanswered(context);
        }
        self.record.offers += 1;
        context.update_rider(&offer.trip, |rider, _| rider.on_offered());
        let here = self.motion.fix(context.now_ms).position();
        let estimate_s = || distance_m(here, offer.pickup) / ESTIMATE_MPS;
        let eta_min = eta_s.map_or_else(estimate_s, f64::from) / 60.0;
        let habits = &context.world.scenario.drivers;
        let (times_out, draw) =
            (happens(&mut self.offer_rng, habits.offer_timeout_rate), self.offer_rng.random::<f64>());
        let decision_ms = between(&mut self.offer_rng, habits.think_ms.map(f64::from)) as i64;
        let stage = if times_out {
            AssignmentStage::Ignoring(context.now_ms + OFFER_DROP_MS)
        } else if draw < habits.decline + habits.decline_per_min * eta_min {
            AssignmentStage::Deciding(DriverAction::Decline, context.now_ms + decision_ms)
        } else {
            AssignmentStage::Deciding(DriverAction::Accept, context.now_ms + decision_ms)
        };
        self.assignment = Some(Assignment { stage, ..offer });
    }

    /// Counts an offer that this driver never answers.
    pub(super) fn count_unanswered(&mut self, context: &mut AgentContext<'_>) {
        self.record.unanswered += 1;
        if let Some(assignment) = &self.assignment {
            context.update_rider(&assignment.trip, |rider, _| rider.on_declined());
        }
    }

    pub(super) fn on_action_result(
        &mut self,
        trip: &str,
        action: DriverAction,
        outcome: ActionOutcome,
        context: &mut AgentContext<'_>,
    ) {
        let Some(assignment) = self.assignment.as_mut().filter(|own| own.trip == trip) else { return };
        let AssignmentStage::Reporting { action: sent, since_ms, retry_ms } = &mut assignment.stage else {
            return;
        };
        if *sent != action {
            return;
        }
        let since_ms = *since_ms;
        match (outcome, action) {
            (ActionOutcome::Retry, _) => *retry_ms = context.now_ms + RETRY_MS,
            (ActionOutcome::Rejected, _) | (ActionOutcome::Applied, DriverAction::Decline) => {
                self.release(context);
            }
            (ActionOutcome::Applied, DriverAction::Accept) => {
                if let Some(assignment) = self.assignment.take() {
                    self.begin_trip(assignment, context);
                }
            }
            (ActionOutcome::Applied, DriverAction::Arrive) => self.begin_boarding(context),
            (ActionOutcome::Applied, DriverAction::PickUp) => self.begin_ride(since_ms, context),
            (ActionOutcome::Applied, DriverAction::DropOff) => {
                let ride_m = self.motion.trajectory_m();
                context.update_rider(trip, |rider, world| {
                    rider.on_dropped_off(since_ms, Some(ride_m), world);
                });
                self.record.trips += u32::from(self.meter.is_measured(context.now_ms));
                self.release(context);
            }
        }
    }

    /// Begins a trip and drives to its pickup. A driver with a rider on board finishes that ride first.
    pub(super) fn begin_trip(&mut self, assignment: Assignment, context: &mut AgentContext<'_>) {
        if self.has_rider() {
            return;
        }
        let (now_ms, number) = (context.now_ms, context.number);
        context.update_rider(&assignment.trip, |rider, world| rider.on_accepted(now_ms, number, world));
        self.shift.is_repositioning = false;
        self.motion.drive(assignment.pickup, now_ms, &context.world.street_map);
        self.assignment = Some(Assignment { stage: AssignmentStage::ToPickup, ..assignment });
    }

    pub(super) fn has_rider(&self) -> bool {
        self.assignment.as_ref().is_some_and(Assignment::has_rider)
    }

    pub(super) fn begin_boarding(&mut self, context: &mut AgentContext<'_>) {
        let Some(assignment) = &mut self.assignment else { return };
        let boarding_s = between(&mut self.boarding_rng, context.world.scenario.riders.boarding_s);
        assignment.stage = AssignmentStage::Boarding(context.now_ms + (boarding_s * 1_000.0) as i64);
    }

    /// Drives the rider, who is on board since `since_ms`.
    pub(super) fn begin_ride(&mut self, since_ms: i64, context: &mut AgentContext<'_>) {
        let Some(assignment) = &mut self.assignment else { return };
        assignment.stage = AssignmentStage::OnTrip;
        let (to, trip, number) = (assignment.dropoff, assignment.trip.clone(), context.number);
        context.update_rider(&trip, |rider, world| rider.on_picked_up(since_ms, number, world));
        self.motion.drive(to, context.now_ms, &context.world.street_map);
    }

    /// Drops the trip or the offer. After a mere offer, the driver goes on with what it did.
    pub(super) fn release(&mut self, context: &mut AgentContext<'_>) {
        if self.assignment.take().is_some_and(|assignment| !assignment.is_offer()) {
            self.motion.stop(context.now_ms);
            self.shift.begin_idle(context.now_ms, &context.world.scenario.drivers);
        }
    }
}
