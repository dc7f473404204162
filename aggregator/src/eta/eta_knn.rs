//! The k nearest drivers by travel time, exactly, ring by ring. Pure: the caller searches the rings and brings their
//! neighbors.
//!
//! **Exactness.** Rings are read in order of distance and id, so an unread driver is at least as far away as the last one
//! read. [`TravelTimes::reach_m`] bounds the distance of a driver that arrives before the k-th best so far. Once the last
//! one read is farther away than that, no unread driver belongs to the result. The stretch between a position and its
//! street takes no time, which extends the reach by both such stretches; the port includes that.
//!
//! This is the incremental Euclidean restriction of Papadias, Zhang, Mamoulis, Tao, "Query Processing in Spatial Network
//! Databases" (VLDB 2003), with times for lengths and rings for single neighbors.

use std::cmp::Ordering;
use std::collections::HashSet;

use foldhash::fast::RandomState;
use kerb_geometry::{Circle, LatLng, hav_to_m};
use kerb_ports::{Cursor, Eta, Leg, Neighbor, Search, TravelTimeQuery, TravelTimes};
use kerb_types::DriverId;
use kerb_types::limits::PAGE_SIZE_MAX;

/// Limit of the first ring, as a multiple of k: a driver that arrives soon is seldom far away.
const FIRST_RING_FACTOR: u32 = 4;
/// Limit of the first ring, at least.
const FIRST_RING_MIN: u32 = 32;

/// A driver with its travel time to the point.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedDriver {
    /// The driver and its position.
    pub neighbor: Neighbor,
    /// The travel time.
    pub eta: Eta,
}

/// The state of one search by travel time between its rings.
#[derive(Debug)]
pub struct NearestByEtaSearch {
    circle: Circle,
    k: usize,
    timed_max: u32,
    /// The best so far, in order.
    best: Vec<RankedDriver>,
    /// The drivers read so far. A driver that moves may be in two rings; its first position counts.
    seen: HashSet<DriverId, RandomState>,
    read: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The caller is to search this ring next.
    Open(Search),
    /// The search has ended with an exact result, or at its limit.
    Ended { exact: bool },
}

impl NearestByEtaSearch {
    /// A search for the `k` drivers of a circle with the least travel time to its center. It computes at most `timed_max`
    /// travel times. Neither number is 0.
    pub fn new(circle: Circle, k: u32, timed_max: u32) -> Self {
        let first = k.saturating_mul(FIRST_RING_FACTOR).max(FIRST_RING_MIN);
        let limit = first.min(timed_max).min(PAGE_SIZE_MAX);
        Self {
            circle,
            k: k as usize,
            timed_max,
            best: Vec::new(),
            seen: HashSet::default(),
            read: 0,
            state: State::Open(Search::WithinRadius { circle, limit, after: None }),
        }
    }

    /// Returns the next ring to search; `None` once the search has ended.
    pub fn ring(&self) -> Option<&Search> {
        match &self.state {
            State::Open(search) => Some(search),
            State::Ended { .. } => None,
        }
    }

    /// Takes the neighbors of the ring, in its order and within its limit, and their travel times.
    pub fn read(&mut self, neighbors: Vec<Neighbor>, etas: &[Eta], times: &dyn TravelTimes) {
        assert_eq!(neighbors.len(), etas.len(), "a time a neighbor");
        let Some(limit) = self.ring().map(Search::limit) else { return };
        self.read += neighbors.len() as u32;
        let is_last = neighbors.len() < limit as usize;
        let horizon =
            neighbors.last().map(|neighbor| Cursor { hav: neighbor.hav, id: neighbor.profile.id.clone() });
        let timed =
            neighbors.into_iter().zip(etas).map(|(neighbor, eta)| RankedDriver { neighbor, eta: *eta });
        // A driver without a way to the point is no answer, however near it is.
        let reachable = timed.filter(|timed| timed.eta.is_reachable());
        let seen = &mut self.seen;
        self.best.extend(reachable.filter(|timed| seen.insert(timed.neighbor.profile.id.clone())));
        self.best.sort_unstable_by(order);
        self.best.truncate(self.k);
        self.state = match horizon {
            Some(horizon) if !is_last => self.after(horizon, times),
            _ => State::Ended { exact: true },
        };
    }

    /// Returns the best drivers in order, and whether the result is exact. It is not before the last ring was read.
    pub fn finish(self) -> (Vec<RankedDriver>, bool) {
        (self.best, matches!(self.state, State::Ended { exact: true }))
    }

    /// Returns the state after a full ring that ended at `horizon`.
    fn after(&self, horizon: Cursor, times: &dyn TravelTimes) -> State {
        let mut circle = self.circle;
        if let Some(worst) = self.best.get(self.k - 1) {
            let reach_m = times.reach_m(circle.center(), worst.eta.time_s);
            // No travel time is below zero, so a worst time of zero cannot be beaten.
            if worst.eta.time_s == 0 || hav_to_m(horizon.hav) > reach_m {
                return State::Ended { exact: true };
            }
            let radius_m = reach_m.min(circle.radius_m());
            circle = Circle::new(circle.center(), radius_m)
                .expect("the reach is positive and at most the radius before");
        }
        let left = self.timed_max.saturating_sub(self.read);
        if left == 0 {
            return State::Ended { exact: false };
        }
        // As many again as were read, so that the total doubles with each ring.
        let limit = self.read.min(left).min(PAGE_SIZE_MAX);
        State::Open(Search::WithinRadius { circle, limit, after: Some(horizon) })
    }
}

/// The starts of drivers: their positions, and their headings as [`TravelTimes::table_toward`] takes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DriverStarts {
    positions: Vec<LatLng>,
    headings_deg: Vec<Option<f64>>,
}

impl<'a> FromIterator<&'a Neighbor> for DriverStarts {
    fn from_iter<I: IntoIterator<Item = &'a Neighbor>>(neighbors: I) -> Self {
        let starts = neighbors.into_iter();
        let (positions, headings_deg) =
            starts.map(|neighbor| (neighbor.position, neighbor.motion.driving_heading_deg())).unzip();
        Self { positions, headings_deg }
    }
}

/// Computes the travel time from each start to a point. Takes milliseconds: not for an async thread.
pub fn etas(from: DriverStarts, point: LatLng, times: &dyn TravelTimes) -> Vec<Eta> {
    let DriverStarts { positions: origins, headings_deg } = from;
    let legs = (0..origins.len() as u32).map(|origin| Leg { origin, destination: 0 }).collect();
    let query = TravelTimeQuery { origins, destinations: vec![point], legs };
    times.table_toward(&query, &headings_deg).etas().collect()
}

/// Orders by travel time, then by distance, then by id.
fn order(a: &RankedDriver, b: &RankedDriver) -> Ordering {
    let by_time = a.eta.time_s.cmp(&b.eta.time_s);
    by_time
        .then(a.neighbor.hav.total_cmp(&b.neighbor.hav))
        .then_with(|| a.neighbor.profile.id.cmp(&b.neighbor.profile.id))
}
