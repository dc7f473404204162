//! The nearest candidates by travel time, where candidates come in ascending straight-line distance.

use std::collections::BinaryHeap;

use super::lazy_rphast::LazyRphast;
use crate::engine::hierarchy::Hierarchy;
use crate::engine::hierarchy::customize::Metric;
use crate::engine::phantom_node::{PhantomNode, arrivals, departures, direct};
use crate::engine::streets::UNREACHABLE_MS;

/// The direction of travel between one point and many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TravelDirection {
    /// From the many to the one: drivers to a rider.
    ManyToOne,
    /// From the one to the many.
    OneToMany,
}

/// A candidate of a nearest search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<C, S> {
    /// The caller's name for the candidate.
    pub id: C,
    /// The candidate's position on the streets: a slice of [`PhantomNode`]s.
    pub phantom_nodes: S,
    /// A lower bound of the straight line between the candidate's point on the streets and that of the query, in
    /// meters. For positions that are off their streets: their distance, minus both distances to the streets.
    pub straight_m: f64,
}

/// A candidate with its travel time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankedCandidate<C> {
    /// The id of the [`Candidate`].
    pub id: C,
    /// The travel time in milliseconds.
    pub time_ms: u32,
}

/// The result of a nearest search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearestCandidates<C> {
    /// At most `k` candidates in ascending travel time. The order of equal times is unspecified.
    pub nearest: Vec<RankedCandidate<C>>,
    /// The number of candidates whose travel time the search computed.
    pub read: usize,
}

/// How many candidates a nearest search returns, and up to which time.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct NearestLimits {
    pub(in crate::engine) k: usize,
    pub(in crate::engine) within_ms: u32,
}

/// Both phantom nodes of a route are rounded down to whole milliseconds, so a computed time may be this much too small.
const ROUNDING_MS: f64 = 2.0;
/// Positions are on a lattice of 1.1 cm, so the distance of two of them may be this much larger than that of the exact
/// points.
const LATTICE_M: f64 = 0.02;
/// Keeps the lower bound below the true time in spite of floating-point rounding.
const MARGIN: f64 = 1.0 - 1e-6;

/// One point of a query, prepared for travel times from or to many others.
pub(in crate::engine) struct OneToManySearch<'a> {
    hierarchy: &'a Hierarchy,
    metric: &'a Metric,
    rphast: &'a mut LazyRphast,
    direction: TravelDirection,
    one: &'a [PhantomNode],
}

impl<'a> OneToManySearch<'a> {
    /// Walks up the elimination tree from the one point.
    pub(in crate::engine) fn start(
        hierarchy: &'a Hierarchy,
        metric: &'a Metric,
        rphast: &'a mut LazyRphast,
        direction: TravelDirection,
        one: &'a [PhantomNode],
    ) -> Self {
        match direction {
            TravelDirection::OneToMany => {
                let starts = departures(one, hierarchy, &metric.time_ms);
                rphast.start(&hierarchy.parent, &metric.up, starts);
            }
            // The reversed graph: the downward arcs become the upward ones.
            TravelDirection::ManyToOne => {
                let goals = arrivals(one, hierarchy, &metric.time_ms);
                rphast.start(&hierarchy.parent, &metric.down, goals);
            }
        }
        Self { hierarchy, metric, rphast, direction, one }
    }

    /// The time in milliseconds between the one point and another; [`UNREACHABLE_MS`] when there is no route.
    pub(in crate::engine) fn time_ms(&mut self, other: &[PhantomNode]) -> u32 {
        let (hierarchy, metric) = (self.hierarchy, self.metric);
        let time_ms = &metric.time_ms;
        let (over_nodes_ms, direct) = match self.direction {
            TravelDirection::OneToMany => {
                let goals = arrivals(other, hierarchy, time_ms);
                let over = self.rphast.nearest_ms(&hierarchy.parent, &metric.down, goals);
                (over, direct(self.one, other, time_ms))
            }
            TravelDirection::ManyToOne => {
                let starts = departures(other, hierarchy, time_ms);
                let over = self.rphast.nearest_ms(&hierarchy.parent, &metric.up, starts);
                (over, direct(other, self.one, time_ms))
            }
        };
        direct.map_or(over_nodes_ms, |direct| direct.time_ms.min(over_nodes_ms))
    }
}

/// The exact nearest candidates. The search ends when the lower bound of the next candidate's time is not below the
/// time of the `k`-th nearest so far.
pub(in crate::engine) fn nearest<C, S: AsRef<[PhantomNode]>>(
    mut search: OneToManySearch<'_>,
    NearestLimits { k, within_ms }: NearestLimits,
    candidates: impl IntoIterator<Item = Candidate<C, S>>,
) -> NearestCandidates<C> {
    // A candidate without a route has UNREACHABLE_MS, which must stay outside of the limit.
    let within_ms = within_ms.min(UNREACHABLE_MS - 1);
    // A max-heap: the farthest of the nearest so far is on top.
    let mut heap: BinaryHeap<ByTime<C>> = BinaryHeap::new();
    let (mut read, mut before_m) = (0, 0.0);
    for candidate in candidates.into_iter().take(if k == 0 { 0 } else { usize::MAX }) {
        debug_assert!(candidate.straight_m >= before_m, "candidates come in order of straight-line distance");
        before_m = candidate.straight_m;
        let bound_ms = lower_bound_ms(candidate.straight_m, search.metric.speed_max_m_s);
        let farthest_ms = if heap.len() < k { None } else { heap.peek().map(|top| top.0.time_ms) };
        // Later candidates are farther, so their bounds are not smaller: nothing after this one can be nearer.
        if bound_ms > f64::from(within_ms) || farthest_ms.is_some_and(|ms| bound_ms >= f64::from(ms)) {
            break;
        }
        read += 1;
        let time_ms = search.time_ms(candidate.phantom_nodes.as_ref());
        if time_ms <= within_ms && farthest_ms.is_none_or(|ms| time_ms < ms) {
            if farthest_ms.is_some() {
                heap.pop();
            }
            heap.push(ByTime(RankedCandidate { id: candidate.id, time_ms }));
        }
    }
    NearestCandidates { nearest: heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect(), read }
}

/// A lower bound of the travel time over this straight-line distance, in milliseconds.
fn lower_bound_ms(straight_m: f64, speed_max_m_s: f64) -> f64 {
    let distance_m = straight_m - LATTICE_M;
    // Without this branch, a network whose arcs all have length 0 would divide 0 by 0.
    let time_ms = if distance_m > 0.0 { distance_m * 1e3 / speed_max_m_s } else { 0.0 };
    time_ms * MARGIN - ROUNDING_MS
}

/// Orders candidates by travel time alone, so that ids need no order.
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
