//! The port [`TravelTimes`] on a road network, with a fallback for positions that are off the map.
//!
//! A route starts and ends at the points of streets that are nearest to its two positions. The distance between a
//! position and its street takes no time.

mod snap_cache;
mod straight_line;

use std::collections::BTreeMap;
use std::sync::Arc;

use kerb_geometry::LatLng;
use kerb_ports::{Drive, Eta, Leg, TravelTimeQuery, TravelTimeTable, TravelTimes};
use kerb_types::TravelSource;

pub use straight_line::StraightLine;

use crate::engine::{PhantomNode, Router, TravelDirection, UNREACHABLE_MS};
use crate::roads::Roads;
use snap_cache::SnapCache;

/// A bound of the error of distances to streets: they are measured in a plane, which below the polar circles and within
/// some kilometers differs from the globe by less than this factor.
const PLANE_MARGIN: f64 = 1.01;
/// A bound of the engine's rounding to whole milliseconds and to points of the lattice together, in meters.
const ROUNDING_M: f64 = 1.0;

/// Travel times on streets. The fallback answers legs that start or end off the map or have no route.
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

    /// The phantom nodes of each position; an empty list for a position off the map.
    fn phantom_nodes(&self, positions: &[LatLng]) -> Vec<Vec<PhantomNode>> {
        positions.iter().map(|at| self.snap(*at)).collect()
    }

    fn snap(&self, at: LatLng) -> Vec<PhantomNode> {
        self.roads.phantom_nodes(at).unwrap_or_default()
    }

    /// Fills in the times of all legs that have a route, under one set of times. Returns the other legs.
    ///
    /// One search for each position of the side with fewer positions; a search shares its work among all its legs.
    fn fill(&self, query: &TravelTimeQuery, seconds: &mut [u32]) -> Vec<usize> {
        let origins = self.phantom_nodes(&query.origins);
        let destinations = self.destinations.phantom_nodes(&query.destinations, |at| self.snap(at));
        let by_origin = origins.len() < destinations.len();
        let router = self.router();
        let mut unknown = Vec::new();
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
                if time_ms < UNREACHABLE_MS {
                    seconds[leg] = time_ms.div_ceil(1_000);
                } else {
                    unknown.push(leg);
                }
            }
        }
        unknown
    }
}

impl TravelTimes for RoadTimes {
    fn pinned(self: Arc<Self>) -> Arc<dyn TravelTimes> {
        let fallback = Arc::clone(&self.fallback).pinned();
        let (roads, destinations) = (Arc::clone(&self.roads), Arc::clone(&self.destinations));
        Arc::new(Self { roads, router: Some(self.router()), fallback, destinations })
    }

    fn table(&self, query: &TravelTimeQuery) -> TravelTimeTable {
        let mut seconds = vec![0; query.legs.len()];
        let mut sources = vec![TravelSource::Roads; query.legs.len()];
        let unknown = self.fill(query, &mut seconds);
        if !unknown.is_empty() {
            let legs = unknown.iter().map(|leg| query.legs[*leg]).collect();
            let rest = self.fallback.table(&TravelTimeQuery { legs, ..query.clone() });
            for (leg, eta) in unknown.into_iter().zip(rest.etas()) {
                (seconds[leg], sources[leg]) = (eta.time_s, eta.source);
            }
        }
        TravelTimeTable { seconds, sources }
    }

    fn drive(&self, from: LatLng, to: LatLng) -> Drive {
        let Ok(route) = self.roads.route_by(&self.router(), from, to) else {
            return self.fallback.drive(from, to);
        };
        let eta = Eta { time_s: route.time_ms.div_ceil(1_000), source: TravelSource::Roads };
        Drive { eta, length_m: route.length_m }
    }

    /// The larger of two bounds. On the map, the highest speed bounds the distance between the two points on streets,
    /// and both positions may be off their streets. Positions off the map or without a route have the fallback's bound.
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
