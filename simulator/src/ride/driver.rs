//! A driver as a machine: hears offers and answers, says what it does, and drives. It knows no stream and no clock.

use kerb_fleet::TripState;
use kerb_spatial::LatLng;
use rand::RngExt;

use super::course::Course;
pub use crate::action::Action;

/// A driver looks at an offer for so long, milliseconds of the city's time.
const THINKS_MS: std::ops::Range<i64> = 2_000..8_000;
/// A rider takes so long to get in, milliseconds of the city's time.
const BOARDING_MS: std::ops::Range<i64> = 15_000..60_000;
/// An action that could not be taken is said again after this, milliseconds of the city's time.
const AGAIN_MS: i64 = 5_000;

/// How a driver is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// Of 100 offers, so many are accepted,
    pub accept_percent: u32,
    /// so many get no answer at all, and the rest are declined.
    pub lapse_percent: u32,
    /// The great circle to a target shrinks so fast, metres a second of the city's time.
    pub closing_mps: f64,
}

/// A trip as its driver knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub trip: String,
    /// From where.
    pub pickup: LatLng,
    /// To where.
    pub dropoff: LatLng,
}

/// What a driver hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Think of this trip, and of no other.
    Task(Job, TripState),
    /// The trip is not this driver's any more.
    Over(String),
    /// What was said of this trip came to this.
    Result(String, Action, Outcome),
}

/// What an action came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Taken,
    /// To be said again.
    TryAgain,
    /// It does not hold and never will.
    Refused,
}

/// A driver at work. All times are of the city, milliseconds.
#[derive(Clone, Debug)]
pub struct Driver {
    habits: Habits,
    place: LatLng,
    doing: Doing,
}

#[derive(Clone, Debug, PartialEq)]
enum Doing {
    Free,
    Thinking(Job, Action, i64),
    /// Lets the offer lapse.
    Ignoring(Job),
    /// Says it at this time, and then waits for what it comes to; `i64::MAX` while it waits.
    Telling(Job, Action, i64),
    ToPickup(Job, Course),
    Boarding(Job, i64),
    ToDropoff(Job, Course),
}

impl Driver {
    /// A free driver.
    pub fn new(place: LatLng, habits: Habits) -> Self {
        Self { habits, place, doing: Doing::Free }
    }

    /// Where the driver is.
    pub fn place(&self, now_ms: i64) -> LatLng {
        match &self.doing {
            Doing::ToPickup(_, course) | Doing::ToDropoff(_, course) => course.at(now_ms),
            _ => self.place,
        }
    }

    /// Whether the driver has no trip yet: an offer is none.
    pub fn is_free(&self) -> bool {
        matches!(
            self.doing,
            Doing::Free
                | Doing::Thinking(..)
                | Doing::Ignoring(_)
                | Doing::Telling(_, Action::Accept | Action::Decline, _)
        )
    }

    /// When [`Driver::step`] has something to do next; `None`: only news go on.
    pub fn due_ms(&self) -> Option<i64> {
        match &self.doing {
            Doing::Free | Doing::Ignoring(_) | Doing::Telling(_, _, i64::MAX) => None,
            Doing::Thinking(_, _, at_ms) | Doing::Telling(_, _, at_ms) | Doing::Boarding(_, at_ms) => {
                Some(*at_ms)
            }
            Doing::ToPickup(_, course) | Doing::ToDropoff(_, course) => Some(course.arrives_ms()),
        }
    }

    /// What the driver says now, when it is time.
    pub fn step(&mut self, now_ms: i64) -> Option<(String, Action)> {
        if self.due_ms().is_none_or(|due_ms| due_ms > now_ms) {
            return None;
        }
        self.place = self.place(now_ms);
        let (job, action) = match std::mem::replace(&mut self.doing, Doing::Free) {
            Doing::Thinking(job, action, _) | Doing::Telling(job, action, _) => (job, action),
            Doing::ToPickup(job, _) => (job, Action::Arrive),
            Doing::Boarding(job, _) => (job, Action::PickUp),
            Doing::ToDropoff(job, _) => (job, Action::DropOff),
            Doing::Free | Doing::Ignoring(_) => unreachable!("nothing of it is ever due"),
        };
        let said = (job.trip.clone(), action);
        self.doing = Doing::Telling(job, action, i64::MAX);
        Some(said)
    }

    /// What was said may not have arrived: says it again, if nobody has answered.
    pub fn say_again(&mut self, now_ms: i64) {
        if let Doing::Telling(_, _, at_ms) = &mut self.doing {
            *at_ms = now_ms;
        }
    }

    /// Hears something.
    pub fn heard(&mut self, news: News, now_ms: i64, rng: &mut impl RngExt) {
        match news {
            News::Task(job, state) => self.tasked(job, state, now_ms, rng),
            News::Over(trip) => {
                if self.trip() == Some(&trip) {
                    self.become_free(now_ms);
                }
            }
            News::Result(trip, action, outcome) => match &self.doing {
                Doing::Telling(job, told, _) if job.trip == trip && *told == action => {
                    self.answered(action, outcome, now_ms, rng);
                }
                _ => {}
            },
        }
    }

    /// The trip that the driver thinks of.
    pub fn trip(&self) -> Option<&String> {
        match &self.doing {
            Doing::Free => None,
            Doing::Thinking(job, _, _)
            | Doing::Ignoring(job)
            | Doing::Telling(job, _, _)
            | Doing::ToPickup(job, _)
            | Doing::Boarding(job, _)
            | Doing::ToDropoff(job, _) => Some(&job.trip),
        }
    }

    fn tasked(&mut self, job: Job, state: TripState, now_ms: i64, rng: &mut impl RngExt) {
        // Told again of what it does anyway, unless it waits to hear that it may begin.
        let begins =
            state == TripState::EnRoute && matches!(self.doing, Doing::Telling(_, Action::Accept, _));
        if self.trip() == Some(&job.trip) && !begins {
            return;
        }
        self.become_free(now_ms);
        self.doing = match state {
            TripState::Offered => self.consider(job, now_ms, rng),
            TripState::EnRoute => self.to_pickup(job, now_ms),
            TripState::Arrived => Doing::Boarding(job, now_ms + rng.random_range(BOARDING_MS)),
            TripState::OnTrip => self.to_dropoff(job, now_ms),
            TripState::Requested | TripState::Completed | TripState::Expired | TripState::Cancelled => {
                Doing::Free
            }
        };
    }

    fn consider(&self, job: Job, now_ms: i64, rng: &mut impl RngExt) -> Doing {
        let answer_ms = now_ms + rng.random_range(THINKS_MS);
        let draw = rng.random_range(0..100);
        if draw < self.habits.accept_percent {
            Doing::Thinking(job, Action::Accept, answer_ms)
        } else if draw < self.habits.accept_percent + self.habits.lapse_percent {
            Doing::Ignoring(job)
        } else {
            Doing::Thinking(job, Action::Decline, answer_ms)
        }
    }

    fn answered(&mut self, action: Action, outcome: Outcome, now_ms: i64, rng: &mut impl RngExt) {
        let Doing::Telling(job, _, _) = std::mem::replace(&mut self.doing, Doing::Free) else { return };
        self.doing = match (outcome, action) {
            (Outcome::TryAgain, _) => Doing::Telling(job, action, now_ms + AGAIN_MS),
            (Outcome::Refused, _) | (Outcome::Taken, Action::Decline | Action::DropOff) => Doing::Free,
            (Outcome::Taken, Action::Accept) => self.to_pickup(job, now_ms),
            (Outcome::Taken, Action::Arrive) => Doing::Boarding(job, now_ms + rng.random_range(BOARDING_MS)),
            (Outcome::Taken, Action::PickUp) => self.to_dropoff(job, now_ms),
        };
    }

    fn to_pickup(&self, job: Job, now_ms: i64) -> Doing {
        let course = Course::new(self.place, job.pickup, now_ms, self.habits.closing_mps);
        Doing::ToPickup(job, course)
    }

    fn to_dropoff(&self, job: Job, now_ms: i64) -> Doing {
        let course = Course::new(self.place, job.dropoff, now_ms, self.habits.closing_mps);
        Doing::ToDropoff(job, course)
    }

    fn become_free(&mut self, now_ms: i64) {
        self.place = self.place(now_ms);
        self.doing = Doing::Free;
    }
}

#[cfg(test)]
mod tests;
