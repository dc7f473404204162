//! The nearest by travel time among candidates that come in order of straight-line distance.

use std::collections::BinaryHeap;

use super::UNREACHABLE_MS;
use super::lazy_rphast::LazyRphast;
use super::phantom_node::{PhantomNode, arrivals, departures, direct};
use super::routes::Routes;

/// Which way is travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Travel {
    /// From the candidates to the place: drivers to a rider.
    ToPlace,
    /// From the place to the candidates.
    FromPlace,
}

/// One that may be among the nearest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<C, S> {
    /// Whatever names it.
    pub id: C,
    /// Where it is on the streets.
    pub ends: S,
    /// Not more than the straight line in meters from its point on the streets to that of the place. For a candidate
    /// that stands beside its street: the distance of the two positions, less what both are off their streets.
    pub straight_m: f64,
}

/// One of the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankedCandidate<C> {
    /// The candidate's.
    pub id: C,
    /// The travel time in milliseconds.
    pub time_ms: u32,
}

/// The nearest of the candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest<C> {
    /// At most as many as were asked for, by travel time. Equal times have no order.
    pub near: Vec<RankedCandidate<C>>,
    /// How many candidates were looked at.
    pub read: usize,
}

/// Points on streets are rounded down to whole milliseconds, so a way may seem this much shorter than it is.
const ROUNDING_MS: f64 = 2.0;
/// Positions are on a lattice of 1.1 cm, so two of them may seem this much farther apart than the points that they are
/// of.
const LATTICE_M: f64 = 0.02;
/// A straight line that is off by its last digits must not end a search too early.
const MARGIN: f64 = 1.0 - 1e-6;

/// The nearest `k` of candidates with at most `within_ms`, exactly: it ends when the straight line to the next
/// candidate, at the network's highest speed, takes as long as the `k`-th found.
pub(super) fn nearest<C, S: AsRef<[PhantomNode]>>(
    routes: &Routes,
    rphast: &mut LazyRphast,
    travel: Travel,
    place: &[PhantomNode],
    (k, within_ms): (usize, u32),
    candidates: impl IntoIterator<Item = Candidate<C, S>>,
) -> Nearest<C> {
    let mut search = Search { routes, rphast, travel, place };
    search.start();
    let within_ms = within_ms.min(UNREACHABLE_MS - 1);
    let mut heap: BinaryHeap<ByTime<C>> = BinaryHeap::new();
    let (mut read, mut before_m) = (0, 0.0);
    for candidate in candidates.into_iter().take(if k == 0 { 0 } else { usize::MAX }) {
        debug_assert!(candidate.straight_m >= before_m, "candidates come in order of straight-line distance");
        before_m = candidate.straight_m;
        let bound_ms = routes.bound_ms(candidate.straight_m);
        let farthest_ms = if heap.len() < k { None } else { heap.peek().map(|near| near.0.time_ms) };
        if bound_ms > f64::from(within_ms) || farthest_ms.is_some_and(|ms| bound_ms >= f64::from(ms)) {
            break;
        }
        read += 1;
        let time_ms = search.time_ms(candidate.ends.as_ref());
        if time_ms <= within_ms && farthest_ms.is_none_or(|ms| time_ms < ms) {
            if farthest_ms.is_some() {
                heap.pop();
            }
            heap.push(ByTime(RankedCandidate { id: candidate.id, time_ms }));
        }
    }
    Nearest { near: heap.into_sorted_vec().into_iter().map(|near| near.0).collect(), read }
}

/// At least how long it takes to go this far in a straight line, in milliseconds, when nothing is faster.
pub(super) fn bound_ms(straight_m: f64, speed_max_m_s: f64) -> f64 {
    let surely_m = straight_m - LATTICE_M;
    // Without any length nothing moves, and without distance nothing need.
    let time_ms = if surely_m > 0.0 { surely_m * 1e3 / speed_max_m_s } else { 0.0 };
    time_ms * MARGIN - ROUNDING_MS
}

struct Search<'a> {
    routes: &'a Routes,
    rphast: &'a mut LazyRphast,
    travel: Travel,
    place: &'a [PhantomNode],
}

impl Search<'_> {
    fn start(&mut self) {
        let (hierarchy, metric) = self.routes.parts();
        match self.travel {
            Travel::FromPlace => {
                let starts = departures(self.place, hierarchy, &metric.time_ms);
                self.rphast.start(&hierarchy.parent, &metric.up, starts);
            }
            Travel::ToPlace => {
                let goals = arrivals(self.place, hierarchy, &metric.time_ms);
                self.rphast.start(&hierarchy.parent, &metric.down, goals);
            }
        }
    }

    fn time_ms(&mut self, ends: &[PhantomNode]) -> u32 {
        let (hierarchy, metric) = self.routes.parts();
        let time_ms = &metric.time_ms;
        let (over_nodes_ms, direct) = match self.travel {
            Travel::FromPlace => {
                let goals = arrivals(ends, hierarchy, time_ms);
                let over = self.rphast.nearest_ms(&hierarchy.parent, &metric.down, goals);
                (over, direct(self.place, ends, time_ms))
            }
            Travel::ToPlace => {
                let starts = departures(ends, hierarchy, time_ms);
                let over = self.rphast.nearest_ms(&hierarchy.parent, &metric.up, starts);
                (over, direct(ends, self.place, time_ms))
            }
        };
        direct.map_or(over_nodes_ms, |direct| direct.time_ms.min(over_nodes_ms))
    }
}

/// The times from a place to many, or from many to it; [`UNREACHABLE_MS`] where there is no way.
pub(super) fn one_to_many<S: AsRef<[PhantomNode]>>(
    routes: &Routes,
    rphast: &mut LazyRphast,
    travel: Travel,
    place: &[PhantomNode],
    others: &[S],
) -> Vec<u32> {
    let mut search = Search { routes, rphast, travel, place };
    search.start();
    others.iter().map(|ends| search.time_ms(ends.as_ref())).collect()
}

struct ByTime<C>(RankedCandidate<C>);

impl<C> PartialEq for ByTime<C> {
    fn eq(&self, other: &Self) -> bool {
        self.0.time_ms == other.0.time_ms
    }
}

impl<C> Eq for ByTime<C> {}

impl<C> PartialOrd for ByTime<C> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<C> Ord for ByTime<C> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.time_ms.cmp(&other.0.time_ms)
    }
}
