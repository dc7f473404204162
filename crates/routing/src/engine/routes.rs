//! The answers to all queries under one set of times.

use std::sync::Arc;

use super::bidirectional_search::BidirectionalSearch;
use super::customize::Metric;
use super::hierarchy::Hierarchy;
use super::lazy_rphast::LazyRphast;
use super::nearest::{self, Candidate, Nearest, Travel};
use super::one_to_all::{self, OneToAll};
use super::phantom_node::{PhantomNode, arrivals, departures, direct};
use super::pool::Pool;
use super::route::{self, Route};
use super::table::{self, Accesses, SearchGraph, Sweep, Table};

/// What all sets of times have in common.
#[derive(Debug)]
pub(super) struct EngineParts {
    pub(super) hierarchy: Hierarchy,
    bidirectional: Pool<BidirectionalSearch>,
    rphasts: Pool<LazyRphast>,
    sweeps: Pool<Sweep>,
}

/// The streets with one set of times: what is asked of one value is answered by the same times, whatever is replaced
/// meanwhile.
///
/// A place is a list of [`PhantomNode`]s; it is left and reached by whichever is best. Arcs must be the streets' (the engine
/// panics at others). A place whose arcs are all closed, or that has none, is reached by nobody and leads nowhere.
#[derive(Debug)]
pub struct Routes {
    shared: Arc<EngineParts>,
    metric: Metric,
    version: u64,
}

impl EngineParts {
    pub(super) fn new(hierarchy: Hierarchy) -> EngineParts {
        EngineParts {
            hierarchy,
            bidirectional: Pool::default(),
            rphasts: Pool::default(),
            sweeps: Pool::default(),
        }
    }
}

impl Routes {
    pub(super) fn new(shared: Arc<EngineParts>, time_ms: &[u32], version: u64) -> Routes {
        let metric = Metric::new(&shared.hierarchy, time_ms);
        Routes { shared, metric, version }
    }

    /// How often times were replaced before these.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The time along each arc in milliseconds; [`UNREACHABLE_MS`](super::UNREACHABLE_MS) for a closed one.
    pub fn time_ms(&self) -> &[u32] {
        &self.metric.time_ms
    }

    /// The highest speed of the network in meters per second: in no time can one get farther in a straight line than
    /// this speed goes, but for 2 ms of rounding.
    pub fn speed_max_m_s(&self) -> f64 {
        self.metric.speed_max_m_s
    }

    /// The time in milliseconds from one place to another.
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

    /// The way from one place to another.
    pub fn route(&self, from: &[PhantomNode], to: &[PhantomNode]) -> Option<Route> {
        let (hierarchy, metric) = self.parts();
        let make = || BidirectionalSearch::new(hierarchy.nodes());
        self.shared.bidirectional.with(make, |search| route::route(hierarchy, metric, search, from, to))
    }

    /// The times in milliseconds between one place and each of some others; [`UNREACHABLE_MS`](super::UNREACHABLE_MS) where there is no way.
    pub fn one_to_many<S: AsRef<[PhantomNode]>>(
        &self,
        travel: Travel,
        place: &[PhantomNode],
        others: &[S],
    ) -> Vec<u32> {
        self.with_rphast(|rphast| nearest::one_to_many(self, rphast, travel, place, others))
    }

    /// The times from each source to each target. Its memory is that of the numbers, and 64 bytes for each node.
    pub fn table<S: AsRef<[PhantomNode]>>(&self, sources: &[S], targets: &[S]) -> Table {
        let (hierarchy, metric) = self.parts();
        let time_ms = &metric.time_ms;
        let from = Accesses::new(sources.iter().map(|ends| departures(ends.as_ref(), hierarchy, time_ms)));
        let to = Accesses::new(targets.iter().map(|ends| arrivals(ends.as_ref(), hierarchy, time_ms)));
        let graph = SearchGraph { parent: &hierarchy.parent, up: &metric.up, down: &metric.down };
        let make = || Sweep::new(hierarchy.nodes());
        let mut table = self.shared.sweeps.with(make, |sweep| table::over_nodes(sweep, graph, &from, &to));
        table::add_direct(&mut table, sources, targets, time_ms);
        table
    }

    /// What can be reached from a place within a time in milliseconds.
    pub fn one_to_all(&self, from: &[PhantomNode], within_ms: u32) -> OneToAll {
        one_to_all::one_to_all(&self.shared.hierarchy, &self.metric, from, within_ms)
    }

    /// The nearest `k` candidates by travel time, of at most `within_ms` ([`UNREACHABLE_MS`](super::UNREACHABLE_MS): any), exactly.
    ///
    /// Candidates must come in order of `straight_m`; they are read until the straight line to the next one, at
    /// [the highest speed](Routes::speed_max_m_s), takes as long as the way to the `k`-th found.
    pub fn nearest<C, S: AsRef<[PhantomNode]>>(
        &self,
        travel: Travel,
        place: &[PhantomNode],
        k: usize,
        within_ms: u32,
        candidates: impl IntoIterator<Item = Candidate<C, S>>,
    ) -> Nearest<C> {
        self.with_rphast(|rphast| nearest::nearest(self, rphast, travel, place, (k, within_ms), candidates))
    }

    /// At least how long it takes between two points of the streets this far apart, in milliseconds.
    pub(super) fn bound_ms(&self, straight_m: f64) -> f64 {
        nearest::bound_ms(straight_m, self.metric.speed_max_m_s)
    }

    pub(super) fn parts(&self) -> (&Hierarchy, &Metric) {
        (&self.shared.hierarchy, &self.metric)
    }

    fn with_rphast<R>(&self, search: impl FnOnce(&mut LazyRphast) -> R) -> R {
        self.shared.rphasts.with(|| LazyRphast::new(self.shared.hierarchy.nodes()), search)
    }
}
