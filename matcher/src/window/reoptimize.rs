//! The assignment of a window that may also reassign en-route trips: a trip goes to a nearer driver, and a request may
//! be deferred until the first driver of that trip frees up. One assignment covers both.
//!
//! The rows are the requests, followed by the trips that may be reassigned. The columns are the free drivers, followed by
//! the drivers of the en-route trips. An en-route trip has an edge to its own driver and to free drivers only. So no driver
//! on the way to one rider gets another rider's trip, and no two trips exchange their drivers: each decision needs the
//! acceptance of one free driver.

use kerb_assignment::{PENALTY_MAX, Problem, ProblemBuilder, solve};
use kerb_geometry::{LatLng, distance_m};
use kerb_ports::{Leg, TravelTimeTable};
use kerb_trips::TripId;
use kerb_types::{DriverId, Timestamp};

use crate::market::{EnRouteView, Proposal, Reassignment};
use crate::window::candidates::{Candidates, eta_of};
use crate::window::match_outcome::MatchOutcome;
use crate::window::penalties::Penalties;
use crate::window::pending_request::PendingRequest;
use crate::window::rules::WindowRules;

/// Maximum number of en-route drivers with an edge to a request: the nearest ones.
const EN_ROUTE_PER_REQUEST_MAX: usize = 8;

/// A trip whose driver is on the way to the pickup.
#[derive(Clone, Debug)]
pub struct EnRouteTrip {
    /// The trip, as if it were a request.
    pub request: PendingRequest,
    /// The driver of the trip.
    pub driver: DriverId,
    /// Last known position of the driver.
    pub position: LatLng,
    /// Another driver has a takeover offer. The trip is not reassigned again, and its driver may free up.
    pub has_takeover_offer: bool,
}

impl EnRouteTrip {
    /// An en-route trip at `now`, with `k` candidates.
    pub fn of(view: &EnRouteView<'_>, k: u32, now: Timestamp) -> Self {
        Self {
            request: PendingRequest { k, ..PendingRequest::of_trip(view.trip, view.undecided, now) },
            driver: view.driver.clone(),
            position: view.position,
            has_takeover_offer: view.trip.takeover_offer.is_some(),
        }
    }

    /// Returns the distance from the driver to the pickup, in meters.
    pub(crate) fn pickup_distance_m(&self) -> f64 {
        distance_m(self.position, self.request.pickup)
    }
}

/// Returns the trips that may be reassigned, as requests.
pub(super) fn reassignable(en_route: &[EnRouteTrip]) -> impl Iterator<Item = &PendingRequest> {
    en_route.iter().filter(|trip| !trip.has_takeover_offer).map(|trip| &trip.request)
}

impl Candidates {
    /// Adds the en-route drivers after the free drivers, with legs to their own pickups and to requests near them.
    pub fn add_en_route(
        &mut self,
        requests: &[PendingRequest],
        en_route: &[EnRouteTrip],
        rules: &WindowRules,
    ) {
        let first = self.drivers.len() as u32;
        for trip in en_route {
            // The driver tracker has no headings. Without one, the shorter way counts, so the trip rather keeps its driver.
            self.add(&trip.driver, trip.position, None);
        }
        let free = std::mem::take(&mut self.table.legs);
        let mut free = free.into_iter().peekable();
        let mut own_columns =
            (first..).zip(en_route).filter(|(_, trip)| !trip.has_takeover_offer).map(|(column, _)| column);
        // The legs stay sorted by destination: for each, first those of the free drivers.
        for destination in 0..self.table.destinations.len() as u32 {
            let legs = &mut self.table.legs;
            legs.extend(std::iter::from_fn(|| free.next_if(|leg| leg.destination == destination)));
            match requests.get(destination as usize) {
                Some(request) => {
                    let nearest = nearest_en_route(request, en_route, rules);
                    legs.extend(nearest.into_iter().map(|index| Leg { origin: first + index, destination }));
                }
                None => legs.extend(own_columns.next().map(|origin| Leg { origin, destination })),
            }
        }
    }
}

/// Returns the indices of the nearest en-route trips whose drivers can serve the request.
fn nearest_en_route(request: &PendingRequest, en_route: &[EnRouteTrip], rules: &WindowRules) -> Vec<u32> {
    if !request.may_be_deferred {
        return Vec::new();
    }
    let can_serve = |trip: &EnRouteTrip| {
        trip.request.vehicle_class == request.vehicle_class
            && trip.request.capabilities.contains_all(request.capabilities)
            && !request.barred.contains(&trip.driver)
    };
    let suitable = (0..).zip(en_route).filter(|(_, trip)| can_serve(trip));
    let distances =
        suitable.map(|(index, trip): (u32, _)| (distance_m(trip.position, request.pickup), index));
    let mut distances: Vec<(f64, u32)> = distances.filter(|(away_m, _)| *away_m <= rules.radius_m).collect();
    distances.sort_unstable_by(|(a_m, a), (b_m, b)| a_m.total_cmp(b_m).then(a.cmp(b)));
    distances.truncate(EN_ROUTE_PER_REQUEST_MAX);
    distances.into_iter().map(|(_, index)| index).collect()
}

/// Assigns drivers to requests and to en-route trips. `table` has the travel times of all legs.
pub fn reoptimize(
    requests: &[PendingRequest],
    en_route: &[EnRouteTrip],
    candidates: &Candidates,
    table: &TravelTimeTable,
    rules: &WindowRules,
) -> MatchOutcome {
    let window = Window::new(requests, en_route, candidates, table, rules);
    let may_serve = |column| window.may_serve_request(column);
    let penalties = Penalties::new(requests, &candidates.table.legs, table, rules, may_serve);
    let problem = window.problem(&penalties);
    let assignment = solve(rules.policy, &problem, rules.threads);
    let mut outcome = MatchOutcome {
        requests: requests.len() as u32,
        served_overdue: penalties.overdue_row.is_some(),
        pairs: u32::try_from(problem.edge_count()).unwrap_or(u32::MAX),
        ..MatchOutcome::default()
    };
    let (request_columns, trip_columns) = assignment.columns.split_at(requests.len());
    for (row, (index, column)) in (requests.len() as u32..).zip(window.trips.iter().zip(trip_columns)) {
        let trip = &en_route[*index];
        if let Some(column) = column.filter(|column| *column < window.first) {
            let to = window.proposal(row, column, &trip.request.trip);
            outcome.reassignments.push(Reassignment { from: trip.driver.clone(), to });
        }
    }
    for (row, (request, column)) in (0..).zip(requests.iter().zip(request_columns)) {
        let trip = || request.trip.clone();
        match *column {
            Some(column) if column < window.first => {
                outcome.proposals.push(window.proposal(row, column, &request.trip));
            }
            Some(column) => {
                let en_route_trip = &en_route[(column - window.first) as usize];
                let is_reassigned =
                    outcome.reassignments.iter().any(|moved| moved.from == en_route_trip.driver);
                // The driver only frees up if the present trip goes to another driver.
                if en_route_trip.has_takeover_offer || is_reassigned {
                    outcome.deferred.push(trip());
                } else {
                    outcome.unmatched.push(trip());
                }
            }
            None => outcome.unmatched.push(trip()),
        }
    }
    outcome
}

/// The rows and columns of a window.
struct Window<'a> {
    requests: &'a [PendingRequest],
    candidates: &'a Candidates,
    table: &'a TravelTimeTable,
    rules: &'a WindowRules,
    /// The column of the first en-route driver.
    first: u32,
    /// Indices of the en-route trips that have a row.
    trips: Vec<usize>,
    /// Travel time of each en-route driver to the own pickup, in seconds; `None` for a trip with a takeover offer.
    left_s: Vec<Option<u32>>,
}

impl<'a> Window<'a> {
    fn new(
        requests: &'a [PendingRequest],
        en_route: &'a [EnRouteTrip],
        candidates: &'a Candidates,
        table: &'a TravelTimeTable,
        rules: &'a WindowRules,
    ) -> Self {
        let first = (candidates.drivers.len() - en_route.len()) as u32;
        let trips: Vec<usize> =
            (0..en_route.len()).filter(|index| !en_route[*index].has_takeover_offer).collect();
        let mut left_s = vec![None; en_route.len()];
        for (row, index) in (requests.len() as u32..).zip(&trips) {
            let own = Leg { origin: first + *index as u32, destination: row };
            left_s[*index] = Some(eta_of(&candidates.table.legs, table, own).time_s);
        }
        Self { requests, candidates, table, rules, first, trips, left_s }
    }

    /// Builds the problem. A driver other than its own costs a trip the minimum gain in addition, so that every
    /// reassignment gains at least that.
    fn problem(&self, penalties: &Penalties) -> Problem {
        let (legs, rules) = (&self.candidates.table.legs, self.rules);
        let rows = self.requests.len() + self.trips.len();
        let mut builder = ProblemBuilder::with_capacity(rows, self.candidates.drivers.len(), legs.len());
        let mut timed = legs.iter().zip(&self.table.seconds).peekable();
        for (row, (request, penalty)) in (0..).zip(self.requests.iter().zip(&penalties.of_rows)) {
            builder.begin_row(*penalty);
            let limit_s = request.pickup_limit_s(rules);
            while let Some((leg, seconds)) = timed.next_if(|(leg, _)| leg.destination == row) {
                if *seconds <= limit_s && self.may_serve_request(leg.origin) {
                    builder.edge(leg.origin, *seconds);
                }
            }
        }
        for (row, index) in (self.requests.len() as u32..).zip(&self.trips) {
            let left_s = self.left_s[*index].expect("a trip with a row has a leg to its own pickup");
            // The sum is greater than any gain of a request, so no request takes the driver of a trip and leaves the trip
            // unmatched. If the maximum cuts the sum, the trip keeps its driver nevertheless.
            let gain_max = penalties.largest().saturating_add(rules.pickup_limit.max_s);
            let penalty = gain_max.saturating_add(left_s).min(PENALTY_MAX);
            builder.begin_row(penalty);
            while let Some((leg, seconds)) = timed.next_if(|(leg, _)| leg.destination == row) {
                if leg.origin >= self.first {
                    builder.edge(leg.origin, *seconds);
                } else if *seconds < left_s && left_s > rules.keep_s {
                    // A reassignment never lengthens the rider's wait.
                    builder.edge(leg.origin, seconds.saturating_add(rules.gain_s));
                }
            }
        }
        builder.build().expect("drivers are numbered and penalties are cut to their maximum")
    }

    /// Whether the driver of a column is free, or en route and not about to arrive.
    fn may_serve_request(&self, column: u32) -> bool {
        let Some(index) = column.checked_sub(self.first) else { return true };
        self.left_s[index as usize].is_none_or(|left_s| left_s > self.rules.keep_s)
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
