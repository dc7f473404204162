//! The k drivers who need the least time to a point, exactly, ring by ring. Pure: the questions to shards are asked, and
//! the hits brought, by the caller.
//!
//! **Exactness.** Rings are read in order of distance and id. Whoever has not been read is at least as far away as the last
//! one read. [`TravelTimes::reach_m`] says how far off one can be and still be sooner than the k-th best so far: when the
//! last one read is farther than that, nobody unread belongs to the answer. The way between a driver's position and its
//! street takes no time, so that reach is longer by both streets' distances; the port accounts for it.
//!
//! This is the incremental Euclidean restriction of Papadias, Zhang, Mamoulis, Tao, "Query Processing in Spatial Network
//! Databases" (VLDB 2003), with times for lengths and rings for single neighbours.

use std::cmp::Ordering;
use std::collections::HashSet;

use foldhash::fast::RandomState;
use kerb_geometry::{Circle, LatLng, hav_to_m};
use kerb_ports::{Cursor, Eta, Leg, Neighbor, Search, TravelTimeQuery, TravelTimes};
use kerb_types::DriverId;
use kerb_types::limits::PAGE_SIZE_MAX;

/// The first ring has this many times the drivers that are wanted: who is soon there is seldom far off.
const FIRST_RING_FACTOR: u32 = 4;
/// And at least so many.
const FIRST_RING_MIN: u32 = 32;

/// A driver and the time of its way to the point.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// Who and where.
    pub hit: Neighbor,
    /// How long it takes.
    pub eta: Eta,
}

/// A search by travel time, between its rings.
#[derive(Debug)]
pub struct Soonest {
    circle: Circle,
    k: usize,
    timed_max: u32,
    /// The best so far, in order.
    best: Vec<Timed>,
    /// Who was read: a driver who moves meanwhile may be met in two rings, and counts as first seen.
    seen: HashSet<DriverId, RandomState>,
    read: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// This ring is wanted.
    Open(Search),
    /// The answer is exact, or not.
    Ended { exact: bool },
}

impl Soonest {
    /// Of the `k` soonest within a circle, to its centre. At most `timed_max` drivers are timed; neither is 0.
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

    /// The next ring; nothing when the search has ended.
    pub fn ring(&self) -> Option<&Search> {
        match &self.state {
            State::Open(search) => Some(search),
            State::Ended { .. } => None,
        }
    }

    /// Takes the ring's hits, which are in its order and at most its limit, and the times of their ways.
    pub fn read(&mut self, hits: Vec<Neighbor>, etas: &[Eta], times: &dyn TravelTimes) {
        assert_eq!(hits.len(), etas.len(), "a time a hit");
        let Some(limit) = self.ring().map(Search::limit) else { return };
        self.read += hits.len() as u32;
        let is_last = hits.len() < limit as usize;
        let horizon = hits.last().map(|hit| Cursor { hav: hit.hav, id: hit.card.id.clone() });
        let timed = hits.into_iter().zip(etas).map(|(hit, eta)| Timed { hit, eta: *eta });
        let seen = &mut self.seen;
        self.best.extend(timed.filter(|timed| seen.insert(timed.hit.card.id.clone())));
        self.best.sort_unstable_by(order);
        self.best.truncate(self.k);
        self.state = match horizon {
            Some(horizon) if !is_last => self.after(horizon, times),
            _ => State::Ended { exact: true },
        };
    }

    /// The best, in order, and whether nobody else can be sooner. Before the last ring that is not known.
    pub fn finish(self) -> (Vec<Timed>, bool) {
        (self.best, matches!(self.state, State::Ended { exact: true }))
    }

    /// What follows a ring that ended at `horizon` and may not be the last.
    fn after(&self, horizon: Cursor, times: &dyn TravelTimes) -> State {
        let mut circle = self.circle;
        if let Some(worst) = self.best.get(self.k - 1) {
            let reach_m = times.reach_m(circle.center(), worst.eta.time_s);
            // Nobody needs less than no time.
            if worst.eta.time_s == 0 || hav_to_m(horizon.hav) > reach_m {
                return State::Ended { exact: true };
            }
            let radius_m = reach_m.min(circle.radius_m());
            circle =
                Circle::new(circle.center(), radius_m).expect("beyond somebody, and no wider than before");
        }
        let left = self.timed_max.saturating_sub(self.read);
        if left == 0 {
            return State::Ended { exact: false };
        }
        // Twice as many in all.
        let limit = self.read.min(left).min(PAGE_SIZE_MAX);
        State::Open(Search::WithinRadius { circle, limit, after: Some(horizon) })
    }
}

/// The time of the way from each place to a point: long work.
pub fn etas(from: Vec<LatLng>, point: LatLng, times: &dyn TravelTimes) -> Vec<Eta> {
    let legs = (0..from.len() as u32).map(|origin| Leg { origin, destination: 0 }).collect();
    times.table(&TravelTimeQuery { origins: from, destinations: vec![point], legs }).etas().collect()
}

/// By time; drivers of the same second by distance, and then by id.
fn order(a: &Timed, b: &Timed) -> Ordering {
    let by_time = a.eta.time_s.cmp(&b.eta.time_s);
    by_time.then(a.hit.hav.total_cmp(&b.hit.hav)).then_with(|| a.hit.card.id.cmp(&b.hit.card.id))
}
