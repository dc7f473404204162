//! Judges a run while it goes on: no promise given twice, no acknowledged request without events, no search whose
//! answer is not that of what was reported.

use std::collections::{BTreeMap, BTreeSet};

use kerb_proto::v1;
use kerb_trips::TripState;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::faults::Faults;
use super::message::{Action, DriverNumber, Heard, Outcome};
use super::names::Names;
use super::position_log::PositionLog;
use super::promises::{self, Accepted};
use super::ride::{Ride, Step};
use kerb_loadgen::checker::{Answer, Limits, check_answer};
use kerb_loadgen::history::Span;
use kerb_loadgen::query::Query;
use kerb_loadgen::report::{Percentiles, Values};

/// Searches without an answer, at most.
const ASKED_MAX: usize = 64;

/// What was seen so far.
pub struct Judge {
    names: Names,
    limits: Limits,
    rng: Pcg64Mcg,
    classes: Vec<String>,
    asked: BTreeMap<u64, (Query, i64)>,
    next_number: u64,
    rides: BTreeMap<String, Ride>,
    accepted: Vec<Accepted>,
    /// Acknowledged requests that no event has spoken of yet.
    unheard_of: BTreeSet<String>,
    faults: Faults,
    /// Searches that were judged.
    pub searches: u64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Findings {
    /// All faults, in words.
    pub faults: Vec<String>,
    /// Offers made.
    pub offers: u64,
    /// From a request to its first offer, milliseconds by the service's clock.
    pub first_offer_ms: Percentiles,
    /// Promises that were given twice.
    pub double_promises: u64,
}

impl Judge {
    /// Nothing was seen. The seed is that of the sampled searches.
    pub fn new(names: Names, classes: &[String], limits: Limits, seed: u64) -> Self {
        let classes: BTreeSet<_> = classes.iter().cloned().collect();
        Self {
            names,
            limits,
            rng: Pcg64Mcg::seed_from_u64(seed),
            classes: classes.into_iter().collect(),
            asked: BTreeMap::new(),
            next_number: 0,
            rides: BTreeMap::new(),
            accepted: Vec::new(),
            unheard_of: BTreeSet::new(),
            faults: Faults::default(),
            searches: 0,
        }
    }

    /// A search to ask now; `None` while nobody has reported, or while too many are not answered.
    pub fn query(&mut self, reports: &PositionLog, server_ms: i64) -> Option<(u64, v1::FindNearbyRequest)> {
        let near = reports.somewhere(self.rng.random_range(0..1 << 20))?;
        if self.asked.len() >= ASKED_MAX {
            return None;
        }
        let query = Query::random(&mut self.rng, near, &self.classes, &[]);
        let wire = query.to_wire();
        let number = self.next_number;
        self.next_number += 1;
        self.asked.insert(number, (query, server_ms));
        Some((number, wire))
    }

    /// A search was answered.
    pub fn found(
        &mut self,
        number: u64,
        answer: Result<v1::FindNearbyResponse, String>,
        reports: &PositionLog,
        server_ms: i64,
    ) {
        let Some((query, began_ms)) = self.asked.remove(&number) else { return };
        self.searches += 1;
        let answer = answer.and_then(|wire| Answer::from_wire(wire).map_err(|error| error.to_string()));
        let answer = match answer {
            Ok(answer) if !answer.partial => answer,
            Ok(_) => {
                return self.faults.add("search", format!("shards were missing from the answer to {query}"));
            }
            Err(reason) => return self.faults.add("search", format!("no answer to {query}: {reason}")),
        };
        let span = Span { began_ms, ended_ms: server_ms };
        for fault in check_answer(&query, &answer, span, reports.fleet(), &self.limits) {
            self.faults.add("search", format!("{query}: {fault}"));
        }
    }

    /// A request was acknowledged.
    pub fn acknowledged(&mut self, trip: &str) {
        if !self.rides.contains_key(trip) {
            self.unheard_of.insert(trip.to_owned());
        }
    }

    /// A trip came so far.
    pub fn step(&mut self, trip: &str, step: Step) {
        self.unheard_of.remove(trip);
        self.rides.entry(trip.to_owned()).or_insert_with(|| Ride::new(trip.to_owned())).steps.push(step);
    }

    /// Somebody heard something.
    pub fn heard(&mut self, heard: &Heard) {
        if let Heard::Acted { driver, trip, action: Action::Accept, outcome: Outcome::Taken } = heard {
            self.accept(*driver, trip);
        }
    }

    /// Something that must not be.
    pub fn fault(&mut self, fault: String) {
        self.faults.add("service", fault);
    }

    /// Every acknowledged request has been spoken of.
    pub fn is_caught_up(&self) -> bool {
        self.unheard_of.is_empty() && self.asked.is_empty()
    }

    /// The end: what has not come by now is a fault.
    pub fn finish(mut self) -> Findings {
        for trip in std::mem::take(&mut self.unheard_of) {
            self.faults.add("lost", format!("trip {trip} was acknowledged, but no event speaks of it"));
        }
        let silent = self.asked.len();
        if silent > 0 {
            self.faults.add("search", format!("{silent} searches were not answered"));
        }
        let verdict = promises::judge(self.rides.values(), &self.accepted);
        for clash in &verdict.clashes {
            self.faults.add("promise", clash.to_string());
        }
        let wrong: Vec<_> = self.rides.values().filter_map(illegal).collect();
        for fault in wrong {
            self.faults.add("trip", fault);
        }
        let mut first_offer_ms = Values::default();
        for ms in self.rides.values().filter_map(Ride::first_offer_ms) {
            first_offer_ms.add(ms);
        }
        Findings {
            faults: self.faults.into_words(),
            offers: self.rides.values().map(Ride::offers).sum(),
            first_offer_ms: first_offer_ms.summary(),
            double_promises: verdict.clashes.len() as u64,
        }
    }

    fn accept(&mut self, driver: DriverNumber, trip: &str) {
        self.accepted.push(Accepted { driver: self.names.driver(driver), trip: trip.to_owned() });
    }
}

/// A trip begins once, with its request, and ends at most once.
fn illegal(ride: &Ride) -> Option<String> {
    let ends = ride.steps.iter().filter(|step| !step.state.is_live()).count();
    let trip = &ride.trip;
    match (ride.steps.first(), ride.steps.last()) {
        (Some(first), _) if first.state != TripState::Requested => {
            Some(format!("trip {trip} begins with {}, must begin with its request", first.state))
        }
        (_, Some(last)) if ends > 1 || (ends == 1 && last.state.is_live()) => {
            Some(format!("trip {trip} goes on after its end"))
        }
        _ => None,
    }
}
