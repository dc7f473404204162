//! A road network that answers: which streets a position is on, and the way between two positions.

use std::path::Path;

use kerb_geometry::LatLng;

use crate::OpenError;
use crate::engine::{Engine, PhantomNode, Route, Routes, Streets, StreetsError};
use crate::graph::{DirectedSegment, Network};
use crate::line::{cut, length_m};
use crate::snap::{Snap, SnapError, SnapQuery, Snapper};
use crate::turn::Turn;

/// Streets with all that queries need. Made once, asked from any thread.
#[derive(Debug)]
pub struct Roads {
    network: Network,
    snapper: Snapper,
    engine: Engine,
    snap_max_m: f64,
}

/// Why there are no roads.
#[derive(Debug, thiserror::Error)]
pub enum RoadsError {
    /// The file is not to be had, or is not a network.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The network is no graph.
    #[error(transparent)]
    Streets(#[from] StreetsError),
}

/// Why there is no way.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The beginning is off the map.
    #[error("from: {0}")]
    From(SnapError),
    /// The end is off the map.
    #[error("to: {0}")]
    To(SnapError),
    /// No street leads there.
    #[error("no way leads from {from} to {to}")]
    NoRoute {
        /// The beginning.
        from: LatLng,
        /// The end.
        to: LatLng,
    },
}

/// A fastest way.
#[derive(Clone, Debug, PartialEq)]
pub struct DrivingRoute {
    /// Its time, milliseconds.
    pub time_ms: u32,
    /// Its length, meters.
    pub length_m: f64,
    /// Its line.
    pub line: Vec<LatLng>,
    /// Its streets, in order.
    pub steps: Vec<RouteStep>,
    /// How often the times of the streets were replaced before it was found.
    pub generation: u64,
}

/// A part of a way that stays on one street, and turns nowhere by more than 60 degrees.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteStep {
    /// The street's name or number; empty when it has neither.
    pub name: String,
    /// What a driver does where it begins.
    pub turn: Turn,
    /// Where it begins in the way's line: the number of its first point, which is the last one of the step before.
    pub first_point: usize,
    /// Milliseconds along it.
    pub time_ms: u32,
    /// Meters along it.
    pub length_m: f64,
}

impl Roads {
    /// Opens a network's file and makes ready what queries need. A position farther than `snap_max_m` from every street is off
    /// the map.
    pub fn open(path: &Path, snap_max_m: f64) -> Result<Self, RoadsError> {
        Ok(Self::new(Network::open(path)?, snap_max_m)?)
    }

    /// As [`Roads::open`], of a network that is there.
    pub fn new(network: Network, snap_max_m: f64) -> Result<Self, StreetsError> {
        let nodes: Vec<LatLng> = network.nodes().iter().map(|place| place.lat_lng()).collect();
        let lengths_cm = network.lengths_cm();
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
        Ok(Self { network, snapper, engine, snap_max_m })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Where streets are.
    pub fn snapper(&self) -> &Snapper {
        &self.snapper
    }

    /// The engine, for new times.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where a position is on the streets: a point on each arc that can be driven from there.
    pub fn ends(&self, at: LatLng) -> Result<Vec<PhantomNode>, SnapError> {
        self.ends_toward(at, None)
    }

    /// As [`Roads::ends`], of who travels in this direction, degrees clockwise from north: only on streets and in
    /// directions that lead that way within 60 degrees.
    pub fn ends_toward(&self, at: LatLng, heading_deg: Option<f64>) -> Result<Vec<PhantomNode>, SnapError> {
        Ok(self
            .snapped(at, heading_deg)?
            .arcs(&self.network)
            .map(|(arc, fraction)| PhantomNode { arc, fraction })
            .collect())
    }

    /// How far a position is from its street, in meters.
    pub fn off_street_m(&self, at: LatLng) -> Result<f64, SnapError> {
        Ok(self.snapped(at, None)?.distance_m)
    }

    /// A position farther from every street is off the map, in meters.
    pub fn snap_max_m(&self) -> f64 {
        self.snap_max_m
    }

    /// The fastest way between the points of streets that are nearest to two positions.
    pub fn route(&self, from: LatLng, to: LatLng) -> Result<DrivingRoute, RouteError> {
        self.route_toward(from, None, to)
    }

    /// As [`Roads::route`], by times of this network that were taken from its engine.
    pub fn route_by(&self, routes: &Routes, from: LatLng, to: LatLng) -> Result<DrivingRoute, RouteError> {
        self.way_between(routes, self.ends(from), from, to)
    }

    /// As [`Roads::route`], of who begins it in this [direction](Roads::ends_toward).
    pub fn route_toward(
        &self,
        from: LatLng,
        heading_deg: Option<f64>,
        to: LatLng,
    ) -> Result<DrivingRoute, RouteError> {
        self.way_between(&self.engine.routes(), self.ends_toward(from, heading_deg), from, to)
    }

    fn way_between(
        &self,
        routes: &Routes,
        starts: Result<Vec<PhantomNode>, SnapError>,
        from: LatLng,
        to: LatLng,
    ) -> Result<DrivingRoute, RouteError> {
        let starts = starts.map_err(RouteError::From)?;
        let goals = self.ends(to).map_err(RouteError::To)?;
        let route = routes.route(&starts, &goals).ok_or(RouteError::NoRoute { from, to })?;
        Ok(self.describe(&route, routes.version()))
    }

    fn snapped(&self, at: LatLng, heading_deg: Option<f64>) -> Result<Snap, SnapError> {
        self.snapper.snap(SnapQuery { at, heading_deg, max_m: self.snap_max_m })
    }

    fn describe(&self, route: &Route, generation: u64) -> DrivingRoute {
        let mut way = DrivingRoute {
            time_ms: route.time_ms,
            length_m: 0.0,
            line: Vec::new(),
            steps: Vec::<RouteStep>::new(),
            generation,
        };
        for arc_part in &route.arc_segments {
            let arc = DirectedSegment::from_number(self.network.directed_segments()[arc_part.arc as usize]);
            let line = cut(&self.network.line(arc), arc_part.from, arc_part.to);
            let along_m = length_m(&line);
            let first_point = way.line.len().saturating_sub(1);
            let turn = if way.line.is_empty() { Turn::Start } else { Turn::between(&way.line, &line) };
            way.length_m += along_m;
            // The first point is the last one of the stretch before.
            let seen = usize::from(way.line.last() == line.first() && !way.line.is_empty());
            way.line.extend_from_slice(&line[seen..]);
            let name = self.network.name(arc.segment);
            match way.steps.last_mut().filter(|step| step.name == name && turn.is_slight()) {
                Some(step) => {
                    step.time_ms += arc_part.time_ms;
                    step.length_m += along_m;
                }
                None => way.steps.push(RouteStep {
                    name: name.to_owned(),
                    turn,
                    first_point,
                    time_ms: arc_part.time_ms,
                    length_m: along_m,
                }),
            }
        }
        way
    }
}
