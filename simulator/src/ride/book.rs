//! The book in which all riders and drivers of a run write down what they saw.

use std::collections::BTreeMap;

use super::promises::{Accepted, Verdict, judge};
use super::rider::Ride;
use super::tally::Tally;

/// More notes than this between two lines of news help nobody.
const NOTES_MAX: usize = 20;

/// What was seen.
#[derive(Default)]
pub(super) struct Book {
    /// By the rider's number; `None` until a request was taken.
    rides: Vec<Option<Ride>>,
    accepted: Vec<Accepted>,
    pub(super) seen: Counts,
    /// What the news should tell next, oldest first.
    notes: Vec<String>,
    /// The newest thing that happened to a rider, in words.
    sample: Option<String>,
}

/// What the book only counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Requests that were not taken, by code.
    pub(super) requests_refused: BTreeMap<String, u64>,
    /// Actions of drivers that were not taken, by action.
    pub(super) actions_refused: BTreeMap<String, u64>,
    /// Positions of drivers that were dropped.
    pub(super) updates_dropped: u64,
    /// Changes that a watch left out or told twice.
    pub(super) watch_gaps: u64,
    /// Watches opened anew after they broke.
    pub(super) watches_reopened: u64,
    /// Driver streams opened anew after they broke.
    pub(super) reconnects: u64,
}

impl Book {
    /// An empty one, for so many riders.
    pub(super) fn new(riders: usize) -> Self {
        Self { rides: vec![None; riders], ..Self::default() }
    }

    /// The rider's request was taken.
    pub(super) fn begin(&mut self, rider: usize, trip: String) {
        self.rides[rider] = Some(Ride::new(trip));
    }

    /// What this rider saw. It must have begun.
    pub(super) fn ride(&mut self, rider: usize) -> &mut Ride {
        self.rides[rider].as_mut().expect("its request was taken before it looks")
    }

    /// The server confirmed the driver's accept.
    pub(super) fn accepted(&mut self, driver: String, trip: String) {
        self.accepted.push(Accepted { driver, trip });
    }

    /// Something that a person should read.
    pub(super) fn note(&mut self, text: String) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(text);
        }
    }

    /// What the news may tell of a rider.
    pub(super) fn tell(&mut self, sample: String) {
        self.sample = Some(sample);
    }

    /// The notes and the newest thing to tell; both are gone then.
    pub(super) fn take_notes(&mut self) -> (Vec<String>, Option<String>) {
        (std::mem::take(&mut self.notes), self.sample.take())
    }

    /// Whether all promises were kept so far.
    pub(super) fn judge(&self) -> Verdict {
        judge(self.rides.iter().flatten(), &self.accepted)
    }

    /// What became of the rides so far.
    pub(super) fn tally(&self, speed_up: f64) -> Tally {
        Tally::of(self.rides.iter().flatten(), speed_up)
    }
}
