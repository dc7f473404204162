//! A road network with everything that queries need: snapping, routes and travel times.

mod turn;

use std::path::Path;

use kerb_geometry::LatLng;

use crate::engine::{Engine, PhantomNode, Route, Router, Streets, StreetsError};
use crate::network::OpenError;
use crate::network::line::{cut, length_m};
use crate::network::{DirectedSegment, Network, SegmentId};
use crate::snap::{SnapError, SnapQuery, Snapper, TripEnd};
pub use turn::Turn;

/// A road network with its spatial index and its engine. Threads can share it.
#[derive(Debug)]
pub struct Roads {
    network: Network,
    snapper: Snapper,
    engine: Engine,
    snap_max_m: f64,
    /// Of each island, whether it is a fragment: so small that a position next to it rather belongs to the streets
    /// around it. Empty when there is none.
    is_fragment: Vec<bool>,
}

/// The largest length of a fragment's streets: in meters, and as a share of the largest island's. Such islands are parking
/// lots and yards behind barriers.
const FRAGMENT_MAX_M: f64 = 500.0;
const FRAGMENT_MAX_SHARE: f64 = 0.01;

/// Why roads cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RoadsError {
    /// The file cannot be read or is not a road network.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The network is not a valid graph.
    #[error(transparent)]
    Streets(#[from] StreetsError),
}

/// Why there is no route.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The start is off the map.
    #[error("from: {0}")]
    From(SnapError),
    /// The goal is off the map.
    #[error("to: {0}")]
    To(SnapError),
    /// Both positions have streets, but no open street connects them.
    #[error("no way leads from {from} to {to}")]
    NoRoute {
        /// The start of the query.
        from: LatLng,
        /// The goal of the query.
        to: LatLng,
    },
}

/// A fastest route between two positions.
#[derive(Clone, Debug, PartialEq)]
pub struct DrivingRoute {
    /// The travel time in milliseconds.
    pub time_ms: u32,
    /// The length in meters.
    pub length_m: f64,
    /// The points along the route.
    pub line: Vec<LatLng>,
    /// The streets along the route, in order.
    pub steps: Vec<RouteStep>,
    /// The version of the travel times: how often they were replaced before the query.
    pub generation: u64,
}

/// A part of a route that stays on one street and has no turn of more than 60 degrees.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteStep {
    /// The street's name or number; empty when it has neither.
    pub name: String,
    /// The maneuver at the start of the step.
    pub turn: Turn,
    /// The index of its first point in the route's line. It is also the last point of the step before.
    pub first_point: usize,
    /// The travel time along the step in milliseconds.
    pub time_ms: u32,
    /// The length of the step in meters.
    pub length_m: f64,
}

impl Roads {
    /// Opens the file of a network and builds its index and engine. A position farther than `snap_max_m` from every
    /// street is off the map.
    pub fn open(path: &Path, snap_max_m: f64) -> Result<Self, RoadsError> {
        Ok(Self::new(Network::open(path)?, snap_max_m)?)
    }

    /// Builds the index and the engine of a network in memory. See [`Roads::open`].
    pub fn new(network: Network, snap_max_m: f64) -> Result<Self, StreetsError> {
        let nodes: Vec<LatLng> = network.nodes().iter().map(|node| node.lat_lng()).collect();
        let lengths_cm = network.lengths_cm();
        // A directed segment's number is twice its segment's plus the direction. Up to 167 km a 32-bit float holds
        // whole centimeters exactly; the engine only derives bounds from lengths.
        let arc_length_m = |arc: &u32| lengths_cm[*arc as usize / 2] as f32 / 100.0;
        let length_m: Vec<f32> = network.directed_segments().iter().map(arc_length_m).collect();
        let streets = Streets {
            nodes: &nodes,
            first_out: network.first_out(),
            head: network.head(),
            length_m: &length_m,
            time_ms: network.time_ms(),
        };
        let engine = Engine::with_order(&streets, network.order())?;
        let snapper = Snapper::new(&network);
        let is_fragment = fragments(&network);
        Ok(Self { network, snapper, engine, snap_max_m, is_fragment })
    }

    /// The graph, the streets and their names.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The spatial index of the streets.
    pub fn snapper(&self) -> &Snapper {
        &self.snapper
    }

    /// The engine: queries by arc, and replacement of travel times.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The phantom nodes of a position: a point on each arc that can be driven from there. At a junction these are points
    /// on all of its streets.
    pub fn phantom_nodes(&self, at: LatLng) -> Result<Vec<PhantomNode>, SnapError> {
        self.phantom_nodes_toward(at, None)
    }

    /// Like [`Roads::phantom_nodes`], but only on streets and in directions within 60 degrees of a heading. The heading
    /// is in degrees clockwise from north; `None` allows all directions.
    pub fn phantom_nodes_toward(
        &self,
        at: LatLng,
        heading_deg: Option<f64>,
    ) -> Result<Vec<PhantomNode>, SnapError> {
        self.phantom_nodes_of(at, heading_deg, None)
    }

    /// Like [`Roads::phantom_nodes_toward`], for one end of a trip. A trip does not start on a street that leads out of
    /// the map, nor end on one that only leads into it. A position within some meters of a junction may be on any of its
    /// streets, because positions are less exact than that.
    pub fn phantom_nodes_of(
        &self,
        at: LatLng,
        heading_deg: Option<f64>,
        end: Option<TripEnd>,
    ) -> Result<Vec<PhantomNode>, SnapError> {
        let query = SnapQuery { at, heading_deg, max_m: self.snap_max_m };
        let mut snaps = self.snapper.candidates(query, end, &|_| true)?;
        if self.is_on_fragment(snaps[0].segment) {
            // Both ends of a trip must be on one island, so the next street outside is a candidate as well. A trip within
            // the fragment may then take no time: both of its ends are next to one place outside.
            let outside = |segment| !self.is_on_fragment(segment);
            snaps.extend(self.snapper.candidates(query, end, &outside).unwrap_or_default());
        }
        let arcs = snaps.into_iter().flat_map(|snap| snap.arcs(&self.network));
        Ok(arcs.map(|(arc, fraction)| PhantomNode { arc, fraction }).collect())
    }

    fn is_on_fragment(&self, segment: SegmentId) -> bool {
        !self.is_fragment.is_empty() && self.is_fragment[self.network.islands()[segment.0 as usize] as usize]
    }

    /// The distance from a position to its street in meters.
    pub fn off_street_m(&self, at: LatLng) -> Result<f64, SnapError> {
        let query = SnapQuery { at, heading_deg: None, max_m: self.snap_max_m };
        Ok(self.snapper.snap(query)?.distance_m)
    }

    /// The largest distance to a street in meters. A position farther from every street is off the map.
    pub fn snap_max_m(&self) -> f64 {
        self.snap_max_m
    }

    /// The fastest route between the points on streets that are nearest to two positions.
    pub fn route(&self, from: LatLng, to: LatLng) -> Result<DrivingRoute, RouteError> {
        self.route_toward(from, None, to)
    }

    /// Like [`Roads::route`], with the times of a router that [`Roads::engine`] returned.
    pub fn route_by(&self, router: &Router, from: LatLng, to: LatLng) -> Result<DrivingRoute, RouteError> {
        self.route_between(router, None, from, to)
    }

    /// Like [`Roads::route`], but the route must start toward this [heading](Roads::phantom_nodes_toward).
    pub fn route_toward(
        &self,
        from: LatLng,
        heading_deg: Option<f64>,
        to: LatLng,
    ) -> Result<DrivingRoute, RouteError> {
        self.route_between(&self.engine.router(), heading_deg, from, to)
    }

    fn route_between(
        &self,
        router: &Router,
        heading_deg: Option<f64>,
        from: LatLng,
        to: LatLng,
    ) -> Result<DrivingRoute, RouteError> {
        let start = Some(TripEnd::Start);
        let starts = self.phantom_nodes_of(from, heading_deg, start).map_err(RouteError::From)?;
        let goals = self.phantom_nodes_of(to, None, Some(TripEnd::Goal)).map_err(RouteError::To)?;
        let route = router.route(&starts, &goals).ok_or(RouteError::NoRoute { from, to })?;
        Ok(self.describe(&route, router.version()))
    }

    fn describe(&self, route: &Route, generation: u64) -> DrivingRoute {
        let mut described = DrivingRoute {
            time_ms: route.time_ms,
            length_m: 0.0,
            line: Vec::new(),
            steps: Vec::<RouteStep>::new(),
            generation,
        };
        for arc_segment in &route.arc_segments {
            let direction = self.network.directed_segments()[arc_segment.arc as usize];
            let direction = DirectedSegment::from_number(direction);
            let line = cut(&self.network.line(direction), arc_segment.from, arc_segment.to);
            let along_m = length_m(&line);
            let first_point = described.line.len().saturating_sub(1);
            let turn = match &described.line[..] {
                [] => Turn::Start,
                before => Turn::between(before, &line),
            };
            described.length_m += along_m;
            // Usually the first point equals the last one of the segment before and is left out.
            let shared = usize::from(described.line.last() == line.first() && !described.line.is_empty());
            described.line.extend_from_slice(&line[shared..]);
            let name = self.network.name(direction.segment);
            match described.steps.last_mut().filter(|step| step.name == name && turn.is_slight()) {
                Some(step) => {
                    step.time_ms += arc_segment.time_ms;
                    step.length_m += along_m;
                }
                None => described.steps.push(RouteStep {
                    name: name.to_owned(),
                    turn,
                    first_point,
                    time_ms: arc_segment.time_ms,
                    length_m: along_m,
                }),
            }
        }
        described
    }
}

/// Of each island, whether it is a fragment; empty when none is.
fn fragments(network: &Network) -> Vec<bool> {
    let mut length_m: Vec<f64> = Vec::new();
    for (island, cm) in network.islands().iter().zip(network.lengths_cm()) {
        let island = *island as usize;
        length_m.resize(length_m.len().max(island + 1), 0.0);
        length_m[island] += f64::from(*cm) / 100.0;
    }
    let max_m = length_m.iter().copied().fold(0.0, f64::max) * FRAGMENT_MAX_SHARE;
    let is_fragment = length_m.into_iter().map(|length_m| length_m < max_m.min(FRAGMENT_MAX_M));
    let is_fragment: Vec<bool> = is_fragment.collect();
    if is_fragment.contains(&true) { is_fragment } else { Vec::new() }
}
