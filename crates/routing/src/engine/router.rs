//! All queries under one set of times.

use std::sync::Arc;

use super::hierarchy::Hierarchy;
use super::hierarchy::customize::Metric;
use super::phantom_node::{PhantomNode, arrivals, departures, direct};
use super::scratch_pool::ScratchPool;
use super::search::bidirectional_search::BidirectionalSearch;
use super::search::lazy_rphast::LazyRphast;
use super::search::matrix::{self, TravelTimeMatrix};
use super::search::nearest::{
    self, Candidate, NearestCandidates, NearestLimits, OneToManySearch, TravelDirection,
};
use super::search::one_to_all::{self, OneToAll};
use super::search::route::{self, Route};
use super::search::rphast::{Accesses, SearchGraph, Sweep};

/// The parts of an engine that do not depend on times: the hierarchy, and scratch memory for searches.
#[derive(Debug)]
pub(super) struct SharedParts {
    pub(super) hierarchy: Hierarchy,
    bidirectional: ScratchPool<BidirectionalSearch>,
    rphasts: ScratchPool<LazyRphast>,
    sweeps: ScratchPool<Sweep>,
}

/// The streets with one set of times. All queries of one value use the same times, even when the engine gets new ones
/// meanwhile.
///
/// A start or a goal is a list of [`PhantomNode`]s; a query uses the best one of each list. The engine panics when an
/// arc is not one of the streets'. There is no route from or to an empty list, or a list whose arcs are all closed.
#[derive(Debug)]
pub struct Router {
    shared: Arc<SharedParts>,
    metric: Metric,
    version: u64,
}

impl SharedParts {
    pub(super) fn new(hierarchy: Hierarchy) -> SharedParts {
        SharedParts {
            hierarchy,
            bidirectional: ScratchPool::default(),
            rphasts: ScratchPool::default(),
            sweeps: ScratchPool::default(),
        }
    }
}

impl Router {
    pub(super) fn new(shared: Arc<SharedParts>, time_ms: &[u32], version: u64) -> Router {
        let metric = Metric::new(&shared.hierarchy, time_ms);
        Router { shared, metric, version }
    }

    /// How often times were replaced before these.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The time along each arc in milliseconds; [`UNREACHABLE_MS`](super::UNREACHABLE_MS) for a closed arc.
    pub fn time_ms(&self) -> &[u32] {
        &self.metric.time_ms
    }

    /// The highest speed of the network in meters per second. No route covers more straight-line distance than this
    /// speed times its travel time, except for 2 ms of rounding.
    pub fn speed_max_m_s(&self) -> f64 {
        self.metric.speed_max_m_s
    }

    /// The time in milliseconds from a start to a goal; `None` when there is no route.
    pub fn travel_time_ms(&self, from: &[PhantomNode], to: &[PhantomNode]) -> Option<u32> {
        let (hierarchy, metric) = self.parts();
        let over_nodes = self.shared.bidirectional.with(
            || BidirectionalSearch::new(hierarchy.nodes()),
            |search| {
                let starts = departures(from, hierarchy, &metric.time_ms);
                search.search(hierarchy, metric, starts, arrivals(to, hierarchy, &metric.time_ms))
            },
        );
        let direct = direct(from, to, &metric.time_ms);
        let times = over_nodes.map(|meeting| meeting.time_ms).into_iter();
        times.chain(direct.map(|direct| direct.time_ms)).min()
    }

    /// The fastest route from a start to a goal; `None` when there is no route.
    pub fn route(&self, from: &[PhantomNode], to: &[PhantomNode]) -> Option<Route> {
        let (hierarchy, metric) = self.parts();
        let make = || BidirectionalSearch::new(hierarchy.nodes());
        self.shared.bidirectional.with(make, |search| route::route(hierarchy, metric, search, from, to))
    }

    /// The times in milliseconds between one point and each of many others;
    /// [`UNREACHABLE_MS`](super::UNREACHABLE_MS) when there is no route.
    pub fn one_to_many<S: AsRef<[PhantomNode]>>(
        &self,
        direction: TravelDirection,
        one: &[PhantomNode],
        many: &[S],
    ) -> Vec<u32> {
        self.with_rphast(|rphast| {
            let (hierarchy, metric) = self.parts();
            let mut search = OneToManySearch::start(hierarchy, metric, rphast, direction, one);
            many.iter().map(|other| search.time_ms(other.as_ref())).collect()
        })
    }

    /// The times from each source to each target. A call takes the memory of the result, and 64 bytes for each node of
    /// the network.
    pub fn matrix<S: AsRef<[PhantomNode]>>(&self, sources: &[S], targets: &[S]) -> TravelTimeMatrix {
        let (hierarchy, metric) = self.parts();
        let time_ms = &metric.time_ms;
        let from =
            Accesses::new(sources.iter().map(|source| departures(source.as_ref(), hierarchy, time_ms)));
        let to = Accesses::new(targets.iter().map(|target| arrivals(target.as_ref(), hierarchy, time_ms)));
        let graph = SearchGraph { parent: &hierarchy.parent, up: &metric.up, down: &metric.down };
        let make = || Sweep::new(hierarchy.nodes());
        let mut matrix = self.shared.sweeps.with(make, |sweep| matrix::over_nodes(sweep, graph, &from, &to));
        matrix::lower_to_direct(&mut matrix, sources, targets, time_ms);
        matrix
    }

    /// The nodes and parts of arcs that are reached from a start within a time in milliseconds.
    pub fn one_to_all(&self, from: &[PhantomNode], within_ms: u32) -> OneToAll {
        one_to_all::one_to_all(&self.shared.hierarchy, &self.metric, from, within_ms)
    }

    /// The exact `k` nearest candidates by travel time, of those within `within_ms`
    /// ([`UNREACHABLE_MS`](super::UNREACHABLE_MS): no limit).
    ///
    /// Candidates must come in ascending `straight_m`. The search reads them until the straight line to the next one,
    /// at [the highest speed](Router::speed_max_m_s), takes as long as the route to the `k`-th nearest so far.
    pub fn nearest<C, S: AsRef<[PhantomNode]>>(
        &self,
        direction: TravelDirection,
        one: &[PhantomNode],
        k: usize,
        within_ms: u32,
        candidates: impl IntoIterator<Item = Candidate<C, S>>,
    ) -> NearestCandidates<C> {
        self.with_rphast(|rphast| {
            let (hierarchy, metric) = self.parts();
            let search = OneToManySearch::start(hierarchy, metric, rphast, direction, one);
            nearest::nearest(search, NearestLimits { k, within_ms }, candidates)
        })
    }

    fn parts(&self) -> (&Hierarchy, &Metric) {
        (&self.shared.hierarchy, &self.metric)
    }

    fn with_rphast<R>(&self, search: impl FnOnce(&mut LazyRphast) -> R) -> R {
        self.shared.rphasts.with(|| LazyRphast::new(self.shared.hierarchy.nodes()), search)
    }
}
