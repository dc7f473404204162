//! A window that looks at trips under way, too: a trip may go to a nearer driver, and a request may wait for the driver who
//! becomes free by that. One assignment over both. Pure.
//!
//! Rows are the requests, and after them the trips that may move; columns are the free drivers, and after them the
//! drivers under way. A trip under way has its own driver or a free one, so nobody who drives to one rider is asked to
//! drive to another, and no two trips change their drivers: what is decided takes one yes, of a driver who is free.

use kerb_geometry::{LatLng, distance_m};
use kerb_ports::{Leg, TravelTimeTable};
use kerb_trips::TripId;
use kerb_types::DriverId;

use super::{Candidates, MatchOutcome, PendingRequest, WindowRules, eta_of};
use crate::market::{EnRouteView, Proposal, Reassignment};
use kerb_assignment::{PENALTY_MAX, Problem, ProblemBuilder, solve};

/// Drivers under way who are looked at for a request: those nearest to it.
const UNDER_WAY_PER_REQUEST_MAX: usize = 8;

/// A trip whose driver is under way to the pickup.
#[derive(Clone, Debug)]
pub struct EnRouteTrip {
    /// The trip, as if it waited.
    pub wanted: PendingRequest,
    /// Its driver.
    pub driver: DriverId,
    /// Where that one is.
    pub at: LatLng,
    /// Another driver is asked to take it over: it does not move again, and its own driver may be free soon.
    pub asked: bool,
}

impl EnRouteTrip {
    /// A trip under way, at `now_ms`, for which `k` other drivers are looked at.
    pub fn of(en_route_trips: &EnRouteView<'_>, k: u32, now_ms: i64) -> Self {
        Self {
            wanted: PendingRequest { k, ..PendingRequest::of_trip(en_route_trips.trip, now_ms) },
            driver: en_route_trips.driver.clone(),
            at: en_route_trips.at,
            asked: en_route_trips.trip.takeover_offer.is_some(),
        }
    }

    /// Meters from its driver to the pickup.
    pub(crate) fn left_m(&self) -> f64 {
        distance_m(self.at, self.wanted.pickup)
    }
}

/// The trips that may move.
pub(super) fn wanted(moving: &[EnRouteTrip]) -> impl Iterator<Item = &PendingRequest> {
    moving.iter().filter(|moving| !moving.asked).map(|moving| &moving.wanted)
}

impl Candidates {
    /// Adds the drivers under way after the free ones: each to its own pickup, and to requests near to it.
    pub fn add_moving(&mut self, requests: &[PendingRequest], moving: &[EnRouteTrip], rules: &WindowRules) {
        let first = self.drivers.len() as u32;
        for moving in moving {
            self.drivers.push(moving.driver.clone());
            self.table.origins.push(moving.at);
        }
        let free = std::mem::take(&mut self.table.legs);
        let mut free = free.into_iter().peekable();
        let mut trips = (first..).zip(moving).filter(|(_, moving)| !moving.asked).map(|(own, _)| own);
        for destination in 0..self.table.destinations.len() as u32 {
            let legs = &mut self.table.legs;
            legs.extend(std::iter::from_fn(|| free.next_if(|leg| leg.destination == destination)));
            match requests.get(destination as usize) {
                Some(request) => {
                    let near = near(request, moving, rules);
                    legs.extend(near.into_iter().map(|at| Leg { origin: first + at, destination }));
                }
                None => legs.extend(trips.next().map(|origin| Leg { origin, destination })),
            }
        }
    }
}

/// The drivers under way nearest to a request, by their places, who drive what it asks for.
fn near(request: &PendingRequest, moving: &[EnRouteTrip], rules: &WindowRules) -> Vec<u32> {
    if !request.may_be_deferred {
        return Vec::new();
    }
    let could = |moving: &EnRouteTrip| {
        moving.wanted.vehicle_class == request.vehicle_class
            && moving.wanted.capabilities.contains_all(request.capabilities)
            && !request.refused_by.contains(&moving.driver)
    };
    let away = (0..).zip(moving).filter(|(_, moving)| could(moving));
    let away = away.map(|(at, moving): (u32, _)| (distance_m(moving.at, request.pickup), at));
    let mut away: Vec<(f64, u32)> = away.filter(|(away_m, _)| *away_m <= rules.radius_m).collect();
    away.sort_unstable_by(|(a_m, a), (b_m, b)| a_m.total_cmp(b_m).then(a.cmp(b)));
    away.truncate(UNDER_WAY_PER_REQUEST_MAX);
    away.into_iter().map(|(_, at)| at).collect()
}

/// Decides. `table` has the times of the legs of candidates and drivers under way.
pub fn reoptimize(
    requests: &[PendingRequest],
    moving: &[EnRouteTrip],
    candidates: &Candidates,
    table: &TravelTimeTable,
    rules: &WindowRules,
) -> MatchOutcome {
    let window = Window::new(requests, moving, candidates, table, rules);
    let problem = window.problem();
    let assignment = solve(rules.policy, &problem, rules.threads);
    let mut matched = MatchOutcome {
        requests: requests.len() as u32,
        pairs: u32::try_from(problem.edge_count()).unwrap_or(u32::MAX),
        ..MatchOutcome::default()
    };
    let (given, trips) = assignment.columns.split_at(requests.len());
    for (row, (own, column)) in (requests.len() as u32..).zip(window.trips.iter().zip(trips)) {
        if let Some(column) = column.filter(|column| *column < window.first) {
            let to = window.proposal(row, column, &moving[*own].wanted.trip);
            matched.reassignments.push(Reassignment { from: moving[*own].driver.clone(), to });
        }
    }
    for (row, (request, column)) in (0..).zip(requests.iter().zip(given)) {
        let trip = || request.trip.clone();
        match *column {
            Some(column) if column < window.first => {
                matched.proposals.push(window.proposal(row, column, &request.trip));
            }
            Some(column) => {
                let soon = &moving[(column - window.first) as usize];
                let is_moved = matched.reassignments.iter().any(|moved| moved.from == soon.driver);
                let list =
                    if soon.asked || is_moved { &mut matched.deferred } else { &mut matched.unmatched };
                list.push(trip());
            }
            None => matched.unmatched.push(trip()),
        }
    }
    matched
}

/// A window's rows and columns.
struct Window<'a> {
    requests: &'a [PendingRequest],
    candidates: &'a Candidates,
    table: &'a TravelTimeTable,
    rules: &'a WindowRules,
    /// The column of the first driver under way.
    first: u32,
    /// Places of the trips that have a row.
    trips: Vec<usize>,
    /// Seconds of each driver under way to its own pickup; `None` where another driver is asked already.
    left_s: Vec<Option<u32>>,
}

impl<'a> Window<'a> {
    fn new(
        requests: &'a [PendingRequest],
        moving: &'a [EnRouteTrip],
        candidates: &'a Candidates,
        table: &'a TravelTimeTable,
        rules: &'a WindowRules,
    ) -> Self {
        let first = (candidates.drivers.len() - moving.len()) as u32;
        let trips: Vec<usize> = (0..moving.len()).filter(|at| !moving[*at].asked).collect();
        let mut left_s = vec![None; moving.len()];
        for (row, at) in (requests.len() as u32..).zip(&trips) {
            let own = Leg { origin: first + *at as u32, destination: row };
            left_s[*at] = Some(eta_of(&candidates.table.legs, table, own).time_s);
        }
        Self { requests, candidates, table, rules, first, trips, left_s }
    }

    /// Another driver than its own costs a trip the least gain, so what is decided is worth that.
    fn problem(&self) -> Problem {
        let (legs, rules) = (&self.candidates.table.legs, self.rules);
        let rows = self.requests.len() + self.trips.len();
        let mut builder = ProblemBuilder::with_capacity(rows, self.candidates.drivers.len(), legs.len());
        let mut timed = legs.iter().zip(&self.table.seconds).peekable();
        let mut largest = 0;
        for (row, request) in (0..).zip(self.requests) {
            let penalty = request.penalty(rules);
            largest = penalty.max(largest);
            builder.begin_row(penalty);
            while let Some((leg, seconds)) = timed.next_if(|(leg, _)| leg.destination == row) {
                if *seconds <= rules.pickup_max_s && self.is_to_be_had(leg.origin) {
                    builder.edge(leg.origin, *seconds);
                }
            }
        }
        for (row, at) in (self.requests.len() as u32..).zip(&self.trips) {
            let left_s = self.left_s[*at].expect("a trip that may move has a way left");
            // No request is worth leaving a trip without a driver. Should one be, the trip keeps its own all the same.
            let penalty = largest.saturating_add(rules.pickup_max_s).saturating_add(left_s).min(PENALTY_MAX);
            builder.begin_row(penalty);
            while let Some((leg, seconds)) = timed.next_if(|(leg, _)| leg.destination == row) {
                if leg.origin >= self.first {
                    builder.edge(leg.origin, *seconds);
                } else if *seconds < left_s && left_s > rules.keep_s {
                    // The rider's wait never becomes longer by it.
                    builder.edge(leg.origin, seconds.saturating_add(rules.gain_s));
                }
            }
        }
        builder.build().expect("drivers are numbered and penalties cut to their maximum")
    }

    /// A free driver; or one under way who is not about to arrive.
    fn is_to_be_had(&self, column: u32) -> bool {
        let Some(at) = column.checked_sub(self.first) else { return true };
        self.left_s[at as usize].is_none_or(|left_s| left_s > self.rules.keep_s)
    }

    fn proposal(&self, destination: u32, origin: u32, trip: &TripId) -> Proposal {
        let eta = eta_of(&self.candidates.table.legs, self.table, Leg { origin, destination });
        Proposal {
            trip: trip.clone(),
            driver: self.candidates.drivers[origin as usize].clone(),
            pickup_eta_s: eta.time_s,
            travel_source: eta.source,
        }
    }
}
