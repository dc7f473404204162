//! A driver: works, hears offers and thinks about them, drives to riders and with them.

use kerb_geometry::{LatLng, distance_m};
use kerb_trips::TripState;
use kerb_types::DriverStatus;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::duty::{Duty, Next, State};
use super::job::{Job, Stage};
use super::lure::Lure;
use super::meter::Meter;
use super::motion::Motion;
use super::network::Network;
use super::scene::Scene;
use crate::lab::draws::{Purpose, between, happens, stream};
use crate::lab::message::{Action, Heard, Outcome, Said};
use crate::lab::record::{Activity, DriverRecord};
use crate::lab::scenario::Scenario;
use crate::lab::supply::Cab;

/// What got no answer is said again after this, milliseconds.
const AGAIN_MS: i64 = 5_000;
/// An offer of which nothing more is heard is forgotten after this, milliseconds.
const OFFER_FORGOTTEN_MS: i64 = 60_000;
/// Where the service does not say how far the rider is, the driver reckons with so many meters a second.
const RECKONED_MPS: f64 = 4.5;

/// A driver and all that it does.
pub(super) struct Driver {
    /// Counts changes of plan.
    pub(super) turn: u32,
    /// Counts changes of the time of the next report.
    pub(super) report_turn: u32,
    pub(super) motion: Motion,
    pub(super) network: Network,
    meter: Meter,
    duty: Duty,
    job: Option<Job>,
    /// Where it counts as a free driver: the place, and its cell.
    counts: Option<(LatLng, Option<usize>)>,
    thinking: Pcg64Mcg,
    boarding: Pcg64Mcg,
    record: DriverRecord,
}

impl Driver {
    pub(super) fn new(cab: Cab, scenario: &Scenario, seed: u64, number: u64) -> Self {
        let from_ms = scenario.from_ms();
        Self {
            turn: 0,
            report_turn: 0,
            motion: Motion::new(cab.place),
            network: Network::new(seed, number, from_ms, &scenario.faults),
            meter: Meter::new(from_ms),
            duty: Duty::new(cab.shifts, scenario, seed, number),
            job: None,
            counts: None,
            thinking: stream(seed, Purpose::Thinking, number),
            boarding: stream(seed, Purpose::Boarding, number),
            record: DriverRecord {
                ms: [0; 7],
                meters: [0.0; 7],
                trips: 0,
                offers: 0,
                declined: 0,
                lapsed: 0,
            },
        }
    }

    /// Books time and meters up to now.
    pub(super) fn book(&mut self, now_ms: i64) {
        let meters = self.motion.take_meters(now_ms);
        self.meter.book(now_ms, meters);
    }

    pub(super) fn into_record(self) -> DriverRecord {
        DriverRecord { ms: self.meter.ms, meters: self.meter.meters, ..self.record }
    }

    pub(super) fn status(&self) -> DriverStatus {
        match (&self.job, self.duty.state()) {
            (Some(job), _) if !job.is_offer() => DriverStatus::OnTrip,
            (_, State::Off) => DriverStatus::Offline,
            (_, State::Break(_)) => DriverStatus::OnBreak,
            (_, State::On) => DriverStatus::Available,
        }
    }

    /// Turns the meter to what the driver does now; all before was booked.
    pub(super) fn turn_meter(&mut self, doing: &mut [u32; 7]) {
        self.meter.turn_to(self.activity(), doing);
    }

    /// Counts as a free driver where it stands or goes, as long as it is one.
    pub(super) fn be_counted(&mut self, lure: &mut Lure) {
        let at = (self.status() == DriverStatus::Available).then(|| self.motion.ends_at());
        if at == self.counts.map(|(at, _)| at) {
            return;
        }
        let counts = at.map(|at| (at, lure.cell(at)));
        lure.moves(self.counts.and_then(|(_, cell)| cell), counts.and_then(|(_, cell)| cell));
        self.counts = counts;
    }

    pub(super) fn is_off(&self) -> bool {
        self.duty.state() == State::Off
    }

    fn activity(&self) -> Activity {
        match self.job.as_ref().filter(|job| !job.is_offer()).map(|job| job.stage) {
            Some(Stage::Boarding(_) | Stage::Telling { action: Action::PickUp, .. }) => Activity::Boarding,
            Some(Stage::OnTrip | Stage::Telling { action: Action::DropOff, .. }) => Activity::OnTrip,
            Some(_) => Activity::ToPickup,
            None => match self.duty.state() {
                State::Off => Activity::OffShift,
                State::Break(_) => Activity::Break,
                State::On if self.duty.is_repositioning => Activity::Repositioning,
                State::On => Activity::Idle,
            },
        }
    }

    pub(super) fn due_ms(&self) -> Option<i64> {
        let job_ms = match &self.job {
            Some(job) => job.due_ms(),
            None => self.duty.due_ms(),
        };
        [job_ms, self.motion.arrives_ms(), Some(self.network.due_ms())].into_iter().flatten().min()
    }

    /// Stops where it drove to, when it is there.
    pub(super) fn arrive(&mut self, scene: &mut Scene<'_>) -> Option<Said> {
        if self.motion.arrives_ms().is_none_or(|arrives_ms| arrives_ms > scene.now_ms) {
            return None;
        }
        self.motion.stop(scene.now_ms);
        let way_m = self.motion.course_m();
        match &self.job {
            Some(Job { stage: Stage::ToPickup, trip, .. }) => {
                let (now_ms, number) = (scene.now_ms, scene.number);
                scene.rider(trip, |rider, world| rider.met(now_ms, number, way_m, world));
                self.say(Action::Arrive, scene)
            }
            Some(Job { stage: Stage::OnTrip, .. }) => self.say(Action::DropOff, scene),
            _ => {
                self.duty.stand(scene.now_ms, &scene.world.scenario.drivers);
                None
            }
        }
    }

    /// Says what is due to be said.
    pub(super) fn speak(&mut self, scene: &mut Scene<'_>) -> Option<Said> {
        let now_ms = scene.now_ms;
        let job = self.job.as_ref().filter(|job| job.due_ms().is_some_and(|due_ms| due_ms <= now_ms))?;
        match job.stage {
            Stage::Thinking(action, _) => {
                if action == Action::Decline {
                    self.record.declined += 1;
                    scene.rider(&job.trip, |rider, _| rider.declined());
                }
                self.say(action, scene)
            }
            Stage::Telling { action: Action::Accept | Action::Decline, since_ms, .. }
                if now_ms - since_ms >= OFFER_FORGOTTEN_MS =>
            {
                self.free(scene);
                None
            }
            Stage::Telling { action, .. } => self.say(action, scene),
            Stage::Boarding(_) => self.say(Action::PickUp, scene),
            Stage::Ignoring(_) => {
                self.unanswered(scene);
                self.free(scene);
                None
            }
            Stage::ToPickup | Stage::OnTrip => None,
        }
    }

    /// Says it, and will again until something comes of it.
    fn say(&mut self, action: Action, scene: &mut Scene<'_>) -> Option<Said> {
        let job = self.job.as_mut()?;
        let since_ms = match job.stage {
            Stage::Telling { action: told, since_ms, .. } if told == action => since_ms,
            _ => scene.now_ms,
        };
        job.stage = Stage::Telling { action, since_ms, again_ms: scene.now_ms + AGAIN_MS };
        let arrives = self.network.carries_action(&scene.world.scenario.faults);
        arrives.then(|| Said::Act { driver: scene.number, trip: job.trip.clone(), action })
    }

    /// Begins or ends work and rest, and goes somewhere without a trip.
    pub(super) fn follow_duty(&mut self, scene: &mut Scene<'_>) {
        if self.job.is_some() {
            return;
        }
        let (now_ms, world) = (scene.now_ms, &*scene.world);
        let here = self.motion.fix(now_ms).position();
        match self.duty.act(now_ms, here, &world.scenario.drivers, &world.lure) {
            Next::Nothing => {}
            Next::Stand => self.motion.stop(now_ms),
            Next::Go(to) => match world.ground.beside(to) {
                Some(to) => self.motion.drive(to, now_ms, &world.ground),
                None => self.duty.stand(now_ms, &world.scenario.drivers),
            },
        }
    }

    pub(super) fn hear(&mut self, heard: Heard, scene: &mut Scene<'_>) {
        match heard {
            Heard::Task { trip, state, pickup, dropoff, eta_s, .. } => {
                let job = Job { trip, pickup, dropoff, stage: Stage::ToPickup };
                self.tasked(job, state, eta_s, scene);
            }
            Heard::Over { trip, .. } => {
                if self.job.as_ref().is_some_and(|job| job.trip == trip) {
                    if let Some(Job { stage: Stage::Ignoring(_) | Stage::Thinking(..), .. }) = self.job {
                        self.unanswered(scene);
                    }
                    self.free(scene);
                }
            }
            Heard::Acted { trip, action, outcome, .. } => self.acted(&trip, action, outcome, scene),
            Heard::Requested { .. } | Heard::RequestRefused { .. } | Heard::Trip { .. } => {}
        }
    }

    fn tasked(&mut self, job: Job, state: TripState, eta_s: Option<u32>, scene: &mut Scene<'_>) {
        let mine = self.job.as_ref().filter(|mine| mine.trip == job.trip);
        match (state, mine.map(|mine| mine.stage)) {
            (TripState::Offered, None) => self.consider(job, eta_s, scene),
            (TripState::EnRoute, Some(_)) if mine.is_some_and(Job::is_offer) => self.begin(job, scene),
            (TripState::Arrived, Some(Stage::Telling { action: Action::Arrive, .. })) => self.board(scene),
            (TripState::OnTrip, Some(Stage::Telling { action: Action::PickUp, since_ms, .. })) => {
                self.ride(since_ms, scene);
            }
            // Given a trip without an offer: another driver's, or its own, after what the service said was lost.
            (TripState::EnRoute | TripState::Arrived, None) => self.begin(job, scene),
            (TripState::OnTrip, None) if !self.has_rider() => {
                let now_ms = scene.now_ms;
                self.job = Some(job);
                self.ride(now_ms, scene);
            }
            (TripState::Completed | TripState::Expired | TripState::Cancelled, Some(_)) => self.free(scene),
            _ => {}
        }
    }

    /// Thinks about an offer, unless there is a trip already or about to be, or no work.
    fn consider(&mut self, job: Job, eta_s: Option<u32>, scene: &mut Scene<'_>) {
        let is_busy = self.job.as_ref().is_some_and(|job| !job.is_offer() || job.is_promised());
        let world = &mut *scene.world;
        let arrives = self.network.carries_offer(&world.scenario.faults);
        if is_busy || self.duty.state() != State::On || !arrives {
            return;
        }
        if let Some(Job { stage: Stage::Ignoring(_) | Stage::Thinking(..), .. }) = self.job {
            self.unanswered(scene);
        }
        self.record.offers += 1;
        scene.rider(&job.trip, |rider, _| rider.offered());
        let here = self.motion.fix(scene.now_ms).position();
        let reckoned_s = || distance_m(here, job.pickup) / RECKONED_MPS;
        let eta_min = eta_s.map_or_else(reckoned_s, f64::from) / 60.0;
        let habits = &scene.world.scenario.drivers;
        let (lapses, draw) = (happens(&mut self.thinking, habits.lapse), self.thinking.random::<f64>());
        let thinks_ms = between(&mut self.thinking, habits.think_ms.map(f64::from)) as i64;
        let stage = if lapses {
            Stage::Ignoring(scene.now_ms + OFFER_FORGOTTEN_MS)
        } else if draw < habits.decline + habits.decline_per_min * eta_min {
            Stage::Thinking(Action::Decline, scene.now_ms + thinks_ms)
        } else {
            Stage::Thinking(Action::Accept, scene.now_ms + thinks_ms)
        };
        self.job = Some(Job { stage, ..job });
    }

    /// An offer was not answered, and will not be.
    fn unanswered(&mut self, scene: &mut Scene<'_>) {
        self.record.lapsed += 1;
        if let Some(job) = &self.job {
            scene.rider(&job.trip, |rider, _| rider.declined());
        }
    }

    fn acted(&mut self, trip: &str, action: Action, outcome: Outcome, scene: &mut Scene<'_>) {
        let Some(job) = self.job.as_mut().filter(|job| job.trip == trip) else { return };
        let Stage::Telling { action: told, since_ms, again_ms } = &mut job.stage else { return };
        if *told != action {
            return;
        }
        let since_ms = *since_ms;
        match (outcome, action) {
            (Outcome::Again, _) => *again_ms = scene.now_ms + AGAIN_MS,
            (Outcome::Refused, _) | (Outcome::Taken, Action::Decline) => self.free(scene),
            (Outcome::Taken, Action::Accept) => {
                if let Some(job) = self.job.take() {
                    self.begin(job, scene);
                }
            }
            (Outcome::Taken, Action::Arrive) => self.board(scene),
            (Outcome::Taken, Action::PickUp) => self.ride(since_ms, scene),
            (Outcome::Taken, Action::DropOff) => {
                let way_m = self.motion.course_m();
                scene.rider(trip, |rider, world| rider.got_out(since_ms, Some(way_m), world));
                self.record.trips += 1;
                self.free(scene);
            }
        }
    }

    /// Has the trip, and drives to the rider. Who has a rider on board goes on with that one.
    fn begin(&mut self, job: Job, scene: &mut Scene<'_>) {
        if self.has_rider() {
            return;
        }
        let (now_ms, number) = (scene.now_ms, scene.number);
        scene.rider(&job.trip, |rider, world| rider.accepted(now_ms, number, world));
        self.duty.is_repositioning = false;
        self.motion.drive(job.pickup, now_ms, &scene.world.ground);
        self.job = Some(Job { stage: Stage::ToPickup, ..job });
    }

    fn has_rider(&self) -> bool {
        self.job.as_ref().is_some_and(Job::has_rider)
    }

    fn board(&mut self, scene: &mut Scene<'_>) {
        let Some(job) = &mut self.job else { return };
        let boarding_s = between(&mut self.boarding, scene.world.scenario.riders.boarding_s);
        job.stage = Stage::Boarding(scene.now_ms + (boarding_s * 1_000.0) as i64);
    }

    /// The rider is on board since `since_ms`: drives it.
    fn ride(&mut self, since_ms: i64, scene: &mut Scene<'_>) {
        let Some(job) = &mut self.job else { return };
        job.stage = Stage::OnTrip;
        let (to, trip, number): (LatLng, _, _) = (job.dropoff, job.trip.clone(), scene.number);
        scene.rider(&trip, |rider, world| rider.got_in(since_ms, number, world));
        self.motion.drive(to, scene.now_ms, &scene.world.ground);
    }

    /// Has no trip and no offer any more. Who only considered one goes on with what it did.
    fn free(&mut self, scene: &mut Scene<'_>) {
        if self.job.take().is_some_and(|job| !job.is_offer()) {
            self.motion.stop(scene.now_ms);
            self.duty.idle(scene.now_ms, &scene.world.scenario.drivers);
        }
    }
}
