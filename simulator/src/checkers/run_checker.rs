//! The checker of a run: no double assignment, no acknowledged request without events, no wrong search answer.

use std::collections::{BTreeMap, BTreeSet};

use kerb_loadgen::checker::{Answer, Limits, check_answer};
use kerb_loadgen::history::Span;
use kerb_loadgen::query::Query;
use kerb_loadgen::report::{Percentiles, Values};
use kerb_proto::v1;
use kerb_trips::TripState;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::assignment_audit::{self, AcceptedOffer};
use super::fault_log::FaultLog;
use super::position_log::PositionLog;
use super::trip_history::{TripChange, TripHistory};
use crate::agents::agent_ids::AgentIds;
use crate::agents::messages::{ActionOutcome, AgentEvent, DriverAction, DriverNumber};

/// Maximum searches without an answer.
const SEARCHES_IN_FLIGHT_MAX: usize = 64;

/// The state of the checker during a run.
pub struct RunChecker {
    ids: AgentIds,
    limits: Limits,
    rng: Pcg64Mcg,
    classes: Vec<String>,
    /// Searches in flight, with the time at which they began.
    in_flight: BTreeMap<u64, (Query, i64)>,
    next_number: u64,
    trips: BTreeMap<String, TripHistory>,
    accepted_offers: Vec<AcceptedOffer>,
    /// Acknowledged trips without an event so far.
    without_event: BTreeSet<String>,
    faults: FaultLog,
    /// Number of searches that were checked.
    pub searches: u64,
}

/// The result of the checks.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// All faults as text.
    pub faults: Vec<String>,
    /// Number of offers to drivers.
    pub offers: u64,
    /// Time from a request to its first offer, milliseconds of the service's clock.
    pub first_offer_ms: Percentiles,
    /// Number of double assignments.
    pub double_assignments: u64,
}

impl RunChecker {
    /// Creates the checker of a new run. The seed draws the sampled searches.
    pub fn new(ids: AgentIds, classes: &[String], limits: Limits, seed: u64) -> Self {
        let classes: BTreeSet<_> = classes.iter().cloned().collect();
        Self {
            ids,
            limits,
            rng: Pcg64Mcg::seed_from_u64(seed),
            classes: classes.into_iter().collect(),
            in_flight: BTreeMap::new(),
            next_number: 0,
            trips: BTreeMap::new(),
            accepted_offers: Vec::new(),
            without_event: BTreeSet::new(),
            faults: FaultLog::default(),
            searches: 0,
        }
    }

    /// Draws a search; `None` while no driver has reported, or while too many searches are in flight.
    pub fn sample_query(
        &mut self,
        position_log: &PositionLog,
        server_ms: i64,
    ) -> Option<(u64, v1::FindNearbyRequest)> {
        let near = position_log.position_near(self.rng.random_range(0..1 << 20))?;
        if self.in_flight.len() >= SEARCHES_IN_FLIGHT_MAX {
            return None;
        }
        let query = Query::random(&mut self.rng, near, &self.classes, &[]);
        let wire = query.to_wire();
        let number = self.next_number;
        self.next_number += 1;
        self.in_flight.insert(number, (query, server_ms));
        Some((number, wire))
    }

    /// Checks the answer to a search.
    pub fn on_search_answered(
        &mut self,
        number: u64,
        answer: Result<v1::FindNearbyResponse, String>,
        position_log: &PositionLog,
        server_ms: i64,
    ) {
        let Some((query, began_ms)) = self.in_flight.remove(&number) else { return };
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
        for fault in check_answer(&query, &answer, span, position_log.fleet(), &self.limits) {
            self.faults.add("search", format!("{query}: {fault}"));
        }
    }

    /// The service acknowledged the request of this trip.
    pub fn on_acknowledged(&mut self, trip: &str) {
        if !self.trips.contains_key(trip) {
            self.without_event.insert(trip.to_owned());
        }
    }

    /// A trip changed its state.
    pub fn on_trip_changed(&mut self, trip: &str, change: TripChange) {
        self.without_event.remove(trip);
        let history = self.trips.entry(trip.to_owned()).or_insert_with(|| TripHistory::new(trip.to_owned()));
        history.changes.push(change);
    }

    /// An agent got an event.
    pub fn on_agent_event(&mut self, event: &AgentEvent) {
        if let AgentEvent::ActionResult {
            driver,
            trip,
            action: DriverAction::Accept,
            outcome: ActionOutcome::Applied,
        } = event
        {
            self.add_accepted_offer(*driver, trip);
        }
    }

    /// Adds a fault of the service.
    pub fn add_fault(&mut self, fault: String) {
        self.faults.add("service", fault);
    }

    /// Returns true if every acknowledged request has an event and every search an answer.
    pub fn is_caught_up(&self) -> bool {
        self.without_event.is_empty() && self.in_flight.is_empty()
    }

    /// Ends the checks. Events and answers that are still missing are faults.
    pub fn finish(mut self) -> CheckReport {
        for trip in std::mem::take(&mut self.without_event) {
            self.faults.add("lost", format!("trip {trip} was acknowledged, but it has no event"));
        }
        let unanswered = self.in_flight.len();
        if unanswered > 0 {
            self.faults.add("search", format!("{unanswered} searches were not answered"));
        }
        let audit = assignment_audit::audit(self.trips.values(), &self.accepted_offers);
        for double_assignment in &audit.double_assignments {
            self.faults.add("assignment", double_assignment.to_string());
        }
        let illegal: Vec<_> = self.trips.values().filter_map(illegal_history).collect();
        for fault in illegal {
            self.faults.add("trip", fault);
        }
        let mut first_offer_ms = Values::default();
        for ms in self.trips.values().filter_map(TripHistory::first_offer_ms) {
            first_offer_ms.add(ms);
        }
        CheckReport {
            faults: self.faults.into_lines(),
            offers: self.trips.values().map(TripHistory::offers).sum(),
            first_offer_ms: first_offer_ms.summary(),
            double_assignments: audit.double_assignments.len() as u64,
        }
    }

    fn add_accepted_offer(&mut self, driver: DriverNumber, trip: &str) {
        self.accepted_offers.push(AcceptedOffer { driver: self.ids.driver(driver), trip: trip.to_owned() });
    }
}

/// Describes a history that does not begin with its request, or goes on after its end.
fn illegal_history(history: &TripHistory) -> Option<String> {
    let ends = history.changes.iter().filter(|change| !change.state.is_live()).count();
    let trip = &history.trip;
    match (history.changes.first(), history.changes.last()) {
        (Some(first), _) if first.state != TripState::Requested => {
            Some(format!("trip {trip} begins with {}, must begin with its request", first.state))
        }
        (_, Some(last)) if ends > 1 || (ends == 1 && last.state.is_live()) => {
            Some(format!("trip {trip} goes on after its end"))
        }
        _ => None,
    }
}
