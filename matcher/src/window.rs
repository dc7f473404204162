//! One window: candidates for all its requests, travel times, one assignment, and the proposals that follow.
//!
//! All but [`match_window`], its async shell, is pure.

mod reoptimize;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::RandomState;
use kerb_geometry::LatLng;
use kerb_ports::search::status_mask;
use kerb_ports::{
    DriverFilter, Error, Eta, Leg, NearbyQuery, NearbyResults, NearbySearch, Neighbor, TravelTimeQuery,
    TravelTimeTable, TravelTimes,
};
use kerb_trips::{Trip, TripId};
use kerb_types::limits::NEIGHBORS_MAX;
use kerb_types::{Capabilities, DriverId, DriverStatus, Stopwatch, VehicleClass, run_blocking};
use tokio::time::Instant;

use crate::market::{Proposal, Reassignment, Reservations, WaitingTrip};
use crate::options::Options;
use kerb_assignment::{PENALTY_MAX, Policy, ProblemBuilder, solve};
pub use reoptimize::{EnRouteTrip, reoptimize};

/// Windows in which a request waits for a driver who is to be free soon, at most.
const DEFERRED_WINDOWS_MAX: u32 = 30;

/// What a window needs to know of the settings.
#[derive(Clone, Copy, Debug)]
pub struct WindowRules {
    pub(crate) policy: Policy,
    threads: usize,
    radius_m: f64,
    pickup_max_s: u32,
    wait_credit: u32,
    stale_after_ms: i64,
    gain_s: u32,
    keep_s: u32,
    search_timeout: Duration,
}

impl WindowRules {
    /// Of these settings.
    pub fn new(options: &Options) -> Self {
        Self {
            policy: options.policy,
            threads: options.solver_threads as usize,
            radius_m: options.pickup_radius_m(),
            pickup_max_s: options.pickup_max_s,
            wait_credit: options.wait_credit,
            stale_after_ms: i64::from(options.stale_after_ms),
            gain_s: options.reoptimize_gain_s,
            keep_s: options.reoptimize_keep_s,
            search_timeout: crate::options::ms(options.search_timeout_ms),
        }
    }

    /// A position is not too old.
    pub(crate) fn is_fresh(&self, measured_ms: i64, now_ms: i64) -> bool {
        measured_ms >= now_ms.saturating_sub(self.stale_after_ms)
    }

    /// Trips under way are looked at, too.
    pub(crate) fn moves_trips(&self) -> bool {
        self.policy == Policy::Reoptimize
    }
}

/// A request of a window.
#[derive(Clone, Debug)]
pub struct PendingRequest {
    /// Which.
    pub trip: TripId,
    /// From where.
    pub pickup: LatLng,
    /// In what.
    pub vehicle_class: VehicleClass,
    /// With what.
    pub capabilities: Capabilities,
    /// Not by these.
    pub refused_by: Vec<DriverId>,
    /// Candidates to look at, beside those who refused.
    pub k: u32,
    /// How long the rider has waited.
    pub waited_ms: i64,
    /// May wait for a driver who is to be free soon.
    pub may_be_deferred: bool,
}

impl PendingRequest {
    /// A waiting trip, at `now_ms`.
    pub fn of(waiting: &WaitingTrip<'_>, now_ms: i64) -> Self {
        let may_be_deferred = waiting.deferrals < DEFERRED_WINDOWS_MAX;
        Self { k: waiting.k, may_be_deferred, ..Self::of_trip(waiting.trip, now_ms) }
    }

    /// A trip as if it waited for its first window.
    fn of_trip(trip: &Trip, now_ms: i64) -> Self {
        Self {
            trip: trip.id.clone(),
            pickup: trip.request.pickup,
            vehicle_class: trip.request.vehicle_class,
            capabilities: trip.request.capabilities,
            refused_by: trip.returned_by.clone(),
            k: 0,
            waited_ms: now_ms.saturating_sub(trip.times.requested_ms).max(0),
            may_be_deferred: false,
        }
    }

    fn query(&self, rules: &WindowRules, now_ms: i64) -> NearbyQuery {
        let time_min_ms = now_ms.saturating_sub(rules.stale_after_ms);
        let filter = suitable(self.vehicle_class, self.capabilities, time_min_ms);
        let k = self.k.saturating_add(self.refused_by.len() as u32).min(NEIGHBORS_MAX);
        NearbyQuery { point: self.pickup, k, radius_m: rules.radius_m, filter }
    }

    /// What it costs to let the request wait on: more than any way to it, and the more the longer it waits.
    fn penalty(&self, rules: &WindowRules) -> u32 {
        let waited_s = u32::try_from(self.waited_ms / 1_000).unwrap_or(u32::MAX);
        // An edge must cost less than the penalty, and the longest way is still one to drive.
        let least = rules.pickup_max_s.saturating_add(1);
        least.saturating_add(waited_s.saturating_mul(rules.wait_credit)).min(PENALTY_MAX)
    }
}

/// Drivers who may be asked to take a ride.
pub(crate) fn suitable(
    vehicle_class: VehicleClass,
    capabilities: Capabilities,
    time_min_ms: i64,
) -> DriverFilter {
    DriverFilter {
        statuses: status_mask(&[DriverStatus::Available]),
        vehicle_classes: 1 << vehicle_class.0,
        capabilities,
        time_min_ms,
    }
}

/// Who could take which request: drivers by number, and the ways to be timed, request by request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// Each once.
    pub drivers: Vec<DriverId>,
    /// From the drivers, in their order, to the requests, in theirs.
    pub table: TravelTimeQuery,
}

impl Candidates {
    /// The free ones of the drivers found for each request.
    pub fn of<'a>(
        wanted: impl IntoIterator<Item = &'a PendingRequest>,
        found: &NearbyResults,
        reservations: &Reservations,
    ) -> Self {
        let mut candidates = Self::default();
        let mut free =
            Free { numbers: HashMap::default(), by_place: vec![OnceCell::new(); found.neighbors.len()] };
        for (row, (wanted, answer)) in (0..).zip(wanted.into_iter().zip(&found.results)) {
            candidates.table.destinations.push(wanted.pickup);
            for place in &answer.indices {
                let neighbor = &found.neighbors[*place as usize];
                if wanted.refused_by.contains(&neighbor.profile.id) {
                    continue;
                }
                let number = free.number(*place, neighbor, reservations, &mut candidates);
                candidates.table.legs.extend(number.map(|origin| Leg { origin, destination: row }));
            }
        }
        candidates
    }

    fn add(&mut self, id: &DriverId, position: LatLng) -> u32 {
        self.drivers.push(id.clone());
        self.table.origins.push(position);
        self.drivers.len() as u32 - 1
    }
}

/// The numbers of the drivers who are free, as far as they were asked for; `None` for one who is promised to a trip.
struct Free {
    numbers: HashMap<DriverId, Option<u32>, RandomState>,
    /// The same by the place among the neighbors: a driver stands in many answers, and its id is long.
    by_place: Vec<OnceCell<Option<u32>>>,
}

impl Free {
    fn number(
        &mut self,
        place: u32,
        neighbor: &Neighbor,
        reservations: &Reservations,
        candidates: &mut Candidates,
    ) -> Option<u32> {
        *self.by_place[place as usize].get_or_init(|| {
            let id = &neighbor.profile.id;
            let number = || reservations.of(id).is_none().then(|| candidates.add(id, neighbor.position));
            *self.numbers.entry(id.clone()).or_insert_with(number)
        })
    }
}

/// What a window came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchOutcome {
    /// Who is to be offered what.
    pub proposals: Vec<Proposal>,
    /// Who is to be asked to take which trip over.
    pub reassignments: Vec<Reassignment>,
    /// Requests that wait for a driver who is to be free soon.
    pub deferred: Vec<TripId>,
    /// Requests for which there was nobody.
    pub unmatched: Vec<TripId>,
    /// Requests.
    pub requests: u32,
    /// Pairs of a request and a driver that could be.
    pub pairs: u32,
    /// The search for candidates took so long, microseconds.
    pub candidates_us: u32,
    /// Travel times and assignment took so long, microseconds.
    pub solve_us: u32,
}

/// Decides. `table` has the times of the candidates' legs.
pub fn assign(
    wanted: &[PendingRequest],
    candidates: &Candidates,
    table: &TravelTimeTable,
    rules: &WindowRules,
) -> MatchOutcome {
    let legs = &candidates.table.legs;
    assert_eq!(legs.len(), table.seconds.len(), "a time a leg");
    let mut builder = ProblemBuilder::with_capacity(wanted.len(), candidates.drivers.len(), legs.len());
    let mut timed = legs.iter().zip(&table.seconds).peekable();
    for (row, wanted) in (0..).zip(wanted) {
        builder.begin_row(wanted.penalty(rules));
        while let Some((leg, seconds)) = timed.next_if(|(leg, _)| leg.destination == row) {
            if *seconds <= rules.pickup_max_s {
                builder.edge(leg.origin, *seconds);
            }
        }
    }
    let problem = builder.build().expect("drivers are numbered and penalties cut to their maximum");
    let assignment = solve(rules.policy, &problem, rules.threads);
    let mut matched = MatchOutcome {
        requests: wanted.len() as u32,
        pairs: u32::try_from(problem.edge_count()).unwrap_or(u32::MAX),
        ..MatchOutcome::default()
    };
    for (row, (wanted, column)) in (0..).zip(wanted.iter().zip(assignment.columns)) {
        let Some(column) = column else {
            matched.unmatched.push(wanted.trip.clone());
            continue;
        };
        let eta = eta_of(legs, table, Leg { origin: column, destination: row });
        matched.proposals.push(Proposal {
            trip: wanted.trip.clone(),
            driver: candidates.drivers[column as usize].clone(),
            pickup_eta_s: eta.time_s,
            travel_source: eta.source,
        });
    }
    matched
}

/// The time of a leg. They stand request by request.
fn eta_of(legs: &[Leg], table: &TravelTimeTable, wanted: Leg) -> Eta {
    let first = legs.partition_point(|leg| leg.destination < wanted.destination);
    let place = legs[first..].iter().position(|leg| *leg == wanted).expect("only legs are assigned");
    Eta { time_s: table.seconds[first + place], source: table.sources[first + place] }
}

/// Searches, and decides on a thread for long work. `moving`: trips under way, when those are looked at.
pub async fn match_window(
    wanted: Vec<PendingRequest>,
    moving: Vec<EnRouteTrip>,
    now_ms: i64,
    rules: WindowRules,
    reservations: Reservations,
    search: Arc<dyn NearbySearch>,
    times: Arc<dyn TravelTimes>,
) -> Result<MatchOutcome, Error> {
    let searching = Stopwatch::start();
    let asking = || wanted.iter().chain(reoptimize::wanted(&moving));
    let queries: Vec<_> = asking().map(|wanted| wanted.query(&rules, now_ms)).collect();
    let asked = queries.len();
    let found = search.nearest(queries, Instant::now() + rules.search_timeout).await?;
    let answers = &found.results;
    if answers.len() != asked {
        let text = format!("{} answers to {asked} queries for candidates", answers.len());
        return Err(Error::Internal(text));
    }
    let incomplete = answers.iter().filter(|answer| !answer.complete).count();
    if incomplete > 0 {
        tracing::warn!(incomplete, "candidates are missing: not every shard answered in time");
    }
    let candidates_us = micros_of(searching);
    let solved = run_blocking(move || {
        let solving = Stopwatch::start();
        let asking = wanted.iter().chain(reoptimize::wanted(&moving));
        let mut candidates = Candidates::of(asking, &found, &reservations);
        if !moving.is_empty() {
            candidates.add_moving(&wanted, &moving, &rules);
        }
        let table = times.table(&candidates.table);
        let matched = if moving.is_empty() {
            assign(&wanted, &candidates, &table, &rules)
        } else {
            reoptimize(&wanted, &moving, &candidates, &table, &rules)
        };
        MatchOutcome { candidates_us, solve_us: micros_of(solving), ..matched }
    });
    solved.await.map_err(|error| Error::Internal(format!("a window was not solved: {error}")))
}

fn micros_of(stopwatch: Stopwatch) -> u32 {
    u32::try_from(stopwatch.us()).unwrap_or(u32::MAX)
}
