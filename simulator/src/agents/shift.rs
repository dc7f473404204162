//! A driver's shifts, breaks, and moves between trips.

use std::ops::Range;

use kerb_geometry::LatLng;
use kerb_loadgen::city::shifted;
use rand_pcg::Pcg64Mcg;

use crate::agents::repositioning::Repositioning;
use crate::scenario::random_streams::{Purpose, between, happens, stream};
use crate::scenario::{DriverBehavior, Scenario};

/// A cruising driver stands this long between two moves: shortest and longest, seconds.
const CRUISE_STOP_S: [f64; 2] = [30.0, 120.0];
const MINUTE_MS: f64 = 60_000.0;

/// The shifts of a driver, and its habits between trips.
pub(crate) struct DriverShift {
    shifts: Vec<Range<i64>>,
    /// Index of the present or the next shift.
    shift: usize,
    state: ShiftState,
    cruises: bool,
    repositions: bool,
    idle_since_ms: i64,
    /// Time of the next move without a trip.
    move_ms: i64,
    break_ms: i64,
    /// The present move leads to where riders are expected.
    pub(crate) is_repositioning: bool,
    rng: Pcg64Mcg,
}

/// The state of a driver's shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShiftState {
    Off,
    On,
    /// The driver rests until this time.
    Break(i64),
}

/// The next move of a driver without a trip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NextMove {
    /// The driver stops where it is: it begins or ends a shift or a break.
    Stop,
    /// The driver drives to this place.
    DriveTo(LatLng),
    /// The driver goes on as before.
    None,
}

impl DriverShift {
    pub(crate) fn new(shifts: Vec<Range<i64>>, scenario: &Scenario, seed: u64, driver: u64) -> Self {
        let mut rng = stream(seed, Purpose::Roaming, driver);
        let (cruises, repositions) =
            (happens(&mut rng, scenario.drivers.cruise), happens(&mut rng, scenario.drivers.reposition));
        Self {
            shifts,
            shift: 0,
            state: ShiftState::Off,
            cruises,
            repositions,
            idle_since_ms: 0,
            move_ms: i64::MAX,
            break_ms: i64::MAX,
            is_repositioning: false,
            rng,
        }
    }

    pub(crate) fn state(&self) -> ShiftState {
        self.state
    }

    /// Returns the time of the next change for a driver without a trip.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        match self.state {
            ShiftState::Off => self.shifts.get(self.shift).map(|shift| shift.start),
            ShiftState::Break(until_ms) => Some(until_ms),
            ShiftState::On => Some(self.shifts[self.shift].end.min(self.break_ms).min(self.move_ms)),
        }
    }

    /// Starts the time without a trip.
    pub(crate) fn begin_idle(&mut self, now_ms: i64, habits: &DriverBehavior) {
        self.idle_since_ms = now_ms;
        self.is_repositioning = false;
        self.begin_stop(now_ms, habits);
    }

    /// Starts a stop of a driver without a trip, and plans its next move.
    pub(crate) fn begin_stop(&mut self, now_ms: i64, habits: &DriverBehavior) {
        if std::mem::take(&mut self.is_repositioning) {
            // A driver who arrived where riders are expected waits there for the full patience again.
            self.idle_since_ms = now_ms;
        }
        let patience_ms = self.idle_since_ms + (habits.reposition_after_s * 1_000.0) as i64;
        self.move_ms = if self.repositions { patience_ms.max(now_ms + 1) } else { i64::MAX };
        if self.cruises {
            let stop_ms = (between(&mut self.rng, CRUISE_STOP_S) * 1_000.0) as i64;
            self.move_ms = self.move_ms.min(now_ms + stop_ms);
        }
    }

    /// Applies what is due at `now_ms` for a driver without a trip at `here`.
    pub(crate) fn advance(
        &mut self,
        now_ms: i64,
        here: LatLng,
        habits: &DriverBehavior,
        repositioning: &Repositioning,
    ) -> NextMove {
        if self.due_ms().is_none_or(|due_ms| due_ms > now_ms) {
            return NextMove::None;
        }
        match self.state {
            ShiftState::Off | ShiftState::Break(_) => {
                self.state = ShiftState::On;
                self.break_ms = i64::MAX;
                if let Some(breaks) = &habits.breaks {
                    let works_ms = between(&mut self.rng, breaks.every_min) * MINUTE_MS;
                    self.break_ms = now_ms + works_ms as i64;
                }
                self.begin_idle(now_ms, habits);
                NextMove::Stop
            }
            ShiftState::On if self.shifts[self.shift].end <= now_ms => {
                self.state = ShiftState::Off;
                self.shift += 1;
                NextMove::Stop
            }
            ShiftState::On if self.break_ms <= now_ms => {
                let rests_ms =
                    habits.breaks.map_or(0.0, |breaks| between(&mut self.rng, breaks.for_min) * MINUTE_MS);
                // A break of 0 ms would begin again at once, without end.
                self.state = ShiftState::Break(now_ms + 1 + rests_ms as i64);
                NextMove::Stop
            }
            ShiftState::On => self.next_move(now_ms, here, habits, repositioning),
        }
    }

    fn next_move(
        &mut self,
        now_ms: i64,
        here: LatLng,
        habits: &DriverBehavior,
        repositioning: &Repositioning,
    ) -> NextMove {
        self.move_ms = i64::MAX;
        let idle_ms = now_ms - self.idle_since_ms;
        if self.repositions && idle_ms >= (habits.reposition_after_s * 1_000.0) as i64 {
            if let Some(place) = repositioning.destination(now_ms, here, &mut self.rng) {
                self.is_repositioning = true;
                return NextMove::DriveTo(place);
            }
            // No cell lacks drivers, so the driver waits for the full patience again.
            self.begin_idle(now_ms, habits);
            return NextMove::None;
        }
        let (a, b) = (between(&mut self.rng, [-1.0, 1.0]), between(&mut self.rng, [-1.0, 1.0]));
        NextMove::DriveTo(shifted(here, a * habits.cruise_m, b * habits.cruise_m))
    }
}
