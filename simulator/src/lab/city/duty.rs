//! When a driver works and rests, and where it goes meanwhile without a trip.

use std::ops::Range;

use kerb_geometry::LatLng;
use rand_pcg::Pcg64Mcg;

use super::lure::Lure;
use crate::lab::draws::{Purpose, between, happens, stream};
use crate::lab::scenario::{Drivers, Scenario};
use kerb_loadgen::city::shifted;

/// Who cruises stands so long between two ways, seconds.
const STANDS_S: [f64; 2] = [30.0, 120.0];
const MINUTE_MS: f64 = 60_000.0;

/// A driver's working day.
pub(super) struct Duty {
    shifts: Vec<Range<i64>>,
    /// The shift that is on, or comes next.
    shift: usize,
    state: State,
    cruises: bool,
    repositions: bool,
    idle_since_ms: i64,
    roam_ms: i64,
    break_ms: i64,
    /// The way without a trip leads to where riders are expected.
    pub(super) is_repositioning: bool,
    rng: Pcg64Mcg,
}

/// At work, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Off,
    On,
    /// Until then.
    Break(i64),
}

/// What a driver without a trip does next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    /// Begins or ends work or rest, where it is.
    Stand,
    /// Goes there.
    Go(LatLng),
    /// What it did.
    Nothing,
}

impl Duty {
    pub(super) fn new(shifts: Vec<Range<i64>>, scenario: &Scenario, seed: u64, driver: u64) -> Self {
        let mut rng = stream(seed, Purpose::Roaming, driver);
        let (cruises, repositions) =
            (happens(&mut rng, scenario.drivers.cruise), happens(&mut rng, scenario.drivers.reposition));
        Self {
            shifts,
            shift: 0,
            state: State::Off,
            cruises,
            repositions,
            idle_since_ms: 0,
            roam_ms: i64::MAX,
            break_ms: i64::MAX,
            is_repositioning: false,
            rng,
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// When something changes for a driver without a trip.
    pub(super) fn due_ms(&self) -> Option<i64> {
        match self.state {
            State::Off => self.shifts.get(self.shift).map(|shift| shift.start),
            State::Break(until_ms) => Some(until_ms),
            State::On => Some(self.shifts[self.shift].end.min(self.break_ms).min(self.roam_ms)),
        }
    }

    /// Without a trip from now on.
    pub(super) fn idle(&mut self, now_ms: i64, habits: &Drivers) {
        self.idle_since_ms = now_ms;
        self.is_repositioning = false;
        self.stand(now_ms, habits);
    }

    /// Stands from now on, without a trip.
    pub(super) fn stand(&mut self, now_ms: i64, habits: &Drivers) {
        if std::mem::take(&mut self.is_repositioning) {
            // Who is where riders are expected waits for them there.
            self.idle_since_ms = now_ms;
        }
        let patience_ms = self.idle_since_ms + (habits.reposition_after_s * 1_000.0) as i64;
        self.roam_ms = if self.repositions { patience_ms.max(now_ms + 1) } else { i64::MAX };
        if self.cruises {
            let stands_ms = (between(&mut self.rng, STANDS_S) * 1_000.0) as i64;
            self.roam_ms = self.roam_ms.min(now_ms + stands_ms);
        }
    }

    /// Does what is due for a driver without a trip at this place.
    pub(super) fn act(&mut self, now_ms: i64, here: LatLng, habits: &Drivers, lure: &Lure) -> Next {
        if self.due_ms().is_none_or(|due_ms| due_ms > now_ms) {
            return Next::Nothing;
        }
        match self.state {
            State::Off | State::Break(_) => {
                self.state = State::On;
                self.break_ms = i64::MAX;
                if let Some(breaks) = &habits.breaks {
                    let works_ms = between(&mut self.rng, breaks.every_min) * MINUTE_MS;
                    self.break_ms = now_ms + works_ms as i64;
                }
                self.idle(now_ms, habits);
                Next::Stand
            }
            State::On if self.shifts[self.shift].end <= now_ms => {
                self.state = State::Off;
                self.shift += 1;
                Next::Stand
            }
            State::On if self.break_ms <= now_ms => {
                let rests_ms =
                    habits.breaks.map_or(0.0, |breaks| between(&mut self.rng, breaks.for_min) * MINUTE_MS);
                // A break that takes no time would begin for ever.
                self.state = State::Break(now_ms + 1 + rests_ms as i64);
                Next::Stand
            }
            State::On => self.roam(now_ms, here, habits, lure),
        }
    }

    fn roam(&mut self, now_ms: i64, here: LatLng, habits: &Drivers, lure: &Lure) -> Next {
        self.roam_ms = i64::MAX;
        let idle_ms = now_ms - self.idle_since_ms;
        if self.repositions && idle_ms >= (habits.reposition_after_s * 1_000.0) as i64 {
            if let Some(place) = lure.place(now_ms, here, &mut self.rng) {
                self.is_repositioning = true;
                return Next::Go(place);
            }
            // Nobody is missing anywhere: looks again after as long a time.
            self.idle(now_ms, habits);
            return Next::Nothing;
        }
        let (a, b) = (between(&mut self.rng, [-1.0, 1.0]), between(&mut self.rng, [-1.0, 1.0]));
        Next::Go(shifted(here, a * habits.cruise_m, b * habits.cruise_m))
    }
}
