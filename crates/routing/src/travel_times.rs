//! The port [`TravelTimes`] on a road network, with a fallback for positions that are off the map.
//!
//! Three answers differ: a time on streets; no way between two positions on the map, which is unreachable; and a position
//! off the map, for which the fallback answers.
//!
//! A route starts and ends at the points of streets that are nearest to its two positions. The distance between a
//! position and its street takes no time.

mod snap_cache;
mod straight_line;

use std::collections::BTreeMap;
use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};
use kerb_ports::{Drive, Eta, Leg, TravelTimeQuery, TravelTimeTable, TravelTimes, UNREACHABLE_S};
use kerb_types::TravelSource;

pub use straight_line::StraightLine;

use crate::engine::{PhantomNode, Router, TravelDirection, UNREACHABLE_MS};
use crate::roads::{Roads, RouteError};
use crate::snap::TripEnd;
use snap_cache::SnapCache;

/// A bound of the error of distances to streets: they are measured in a plane, which below the polar circles and within
/// some kilometers differs from the globe by less than this factor.
const PLANE_MARGIN: f64 = 1.01;
/// A bound of the engine's rounding to whole milliseconds and to points of the lattice together, in meters.
const ROUNDING_M: f64 = 1.0;

/// Travel times on streets. The fallback answers legs that start or end off the map.
pub struct RoadTimes {
    roads: Arc<Roads>,
    /// The pinned times; `None` uses the newest times of each query.
    router: Option<Arc<Router>>,
    fallback: Arc<dyn TravelTimes>,
    /// Caches destinations: a waiting rider does not move, and every window queries its position again.
    destinations: Arc<SnapCache>,
}

impl RoadTimes {
    /// Combines a road network and a fallback.
    pub fn new(roads: Arc<Roads>, fallback: Arc<dyn TravelTimes>) -> Self {
        Self { roads, router: None, fallback, destinations: Arc::default() }
    }

    fn router(&self) -> Arc<Router> {
        self.router.clone().unwrap_or_else(|| self.roads.engine().router())
    }

    /// The phantom nodes of a position; an empty list for a position off the map.
    fn snap(&self, at: LatLng, heading_deg: Option<f64>, end: TripEnd) -> Vec<PhantomNode> {
        let toward = |heading_deg| self.roads.phantom_nodes_of(at, heading_deg, Some(end));
        // A heading that no street near the position has is wrong, as of a car that turns on a parking lot.
        let snapped = match heading_deg {
            Some(_) => toward(heading_deg).or_else(|_| toward(None)),
            None => toward(None),
        };
        snapped.unwrap_or_default()
    }

    /// Fills in the times of all legs on the map, under one set of times. Returns the other legs.
    ///
    /// One search for each position of the side with fewer positions; a search shares its work among all its legs.
    fn fill(&self, query: &TravelTimeQuery, headings_deg: &[Option<f64>], seconds: &mut [u32]) -> Vec<usize> {
        let headings_deg = headings_deg.iter().copied().chain(std::iter::repeat(None));
        let origins: Vec<Vec<PhantomNode>> = query
            .origins
            .iter()
            .zip(headings_deg)
            .map(|(at, heading_deg)| self.snap(*at, heading_deg, TripEnd::Start))
            .collect();
        let goal = |at| self.snap(at, None, TripEnd::Goal);
        let destinations = self.destinations.phantom_nodes(&query.destinations, goal);
        let by_origin = origins.len() < destinations.len();
        let router = self.router();
        let mut off_map = Vec::new();
        for (position, legs) in group_legs(&query.legs, by_origin) {
            let legs_of = legs.iter().map(|leg| query.legs[*leg]);
            let times_ms = if by_origin {
                let to: Vec<&[PhantomNode]> =
                    legs_of.map(|leg| &*destinations[leg.destination as usize]).collect();
                router.one_to_many(TravelDirection::OneToMany, &origins[position as usize], &to)
            } else {
                let from: Vec<&[PhantomNode]> =
                    legs_of.map(|leg| &origins[leg.origin as usize][..]).collect();
                router.one_to_many(TravelDirection::ManyToOne, &destinations[position as usize], &from)
            };
            for (leg, time_ms) in legs.into_iter().zip(times_ms) {
                let Leg { origin, destination } = query.legs[leg];
                let is_off_map =
                    origins[origin as usize].is_empty() || destinations[destination as usize].is_empty();
                if is_off_map {
                    off_map.push(leg);
                } else if time_ms < UNREACHABLE_MS {
                    seconds[leg] = time_ms.div_ceil(1_000);
                } else {
                    seconds[leg] = UNREACHABLE_S;
                }
            }
        }
        off_map
    }
}

impl TravelTimes for RoadTimes {
    fn pinned(self: Arc<Self>) -> Arc<dyn TravelTimes> {
        let fallback = Arc::clone(&self.fallback).pinned();
        let (roads, destinations) = (Arc::clone(&self.roads), Arc::clone(&self.destinations));
        Arc::new(Self { roads, router: Some(self.router()), fallback, destinations })
    }

    fn table(&self, query: &TravelTimeQuery) -> TravelTimeTable {
        self.table_toward(query, &[])
    }

    fn table_toward(&self, query: &TravelTimeQuery, headings_deg: &[Option<f64>]) -> TravelTimeTable {
        let mut seconds = vec![0; query.legs.len()];
        let mut sources = vec![TravelSource::Roads; query.legs.len()];
        let off_map = self.fill(query, headings_deg, &mut seconds);
        if !off_map.is_empty() {
            let legs = off_map.iter().map(|leg| query.legs[*leg]).collect();
            let rest = self.fallback.table(&TravelTimeQuery { legs, ..query.clone() });
            for (leg, eta) in off_map.into_iter().zip(rest.etas()) {
                (seconds[leg], sources[leg]) = (eta.time_s, eta.source);
            }
        }
        TravelTimeTable { seconds, sources }
    }

    fn drive(&self, from: LatLng, to: LatLng) -> Drive {
        let route = match self.roads.route_by(&self.router(), from, to) {
            Ok(route) => route,
            Err(RouteError::NoRoute { .. }) => {
                return Drive { eta: Eta::UNREACHABLE, length_m: distance_m(from, to) };
            }
            Err(RouteError::From(_) | RouteError::To(_)) => return self.fallback.drive(from, to),
        };
        let eta = Eta { time_s: route.time_ms.div_ceil(1_000), source: TravelSource::Roads };
        Drive { eta, length_m: route.length_m }
    }

    /// The larger of two bounds. On the map, the highest speed bounds the distance between the two points on streets,
    /// and both positions may be off their streets. Positions off the map have the fallback's bound.
    fn reach_m(&self, to: LatLng, within_s: u32) -> f64 {
        let straight_m = self.fallback.reach_m(to, within_s);
        let Ok(off_m) = self.roads.off_street_m(to) else { return straight_m };
        let along_m = self.router().speed_max_m_s() * f64::from(within_s);
        let off_streets_m = (off_m + self.roads.snap_max_m()) * PLANE_MARGIN;
        straight_m.max(along_m + off_streets_m + ROUNDING_M)
    }
}

/// The indices of the legs of each origin, or of each destination.
fn group_legs(legs: &[Leg], by_origin: bool) -> BTreeMap<u32, Vec<usize>> {
    let mut groups = BTreeMap::<u32, Vec<usize>>::new();
    for (index, leg) in legs.iter().enumerate() {
        let position = if by_origin { leg.origin } else { leg.destination };
        groups.entry(position).or_default().push(index);
    }
    groups
}
