//! Travel times of the streets for those who match and search, and of the straight line where there are no streets.
//!
//! A way begins and ends at the points of streets that are nearest to its two places; what lies between a place and its
//! street takes no time.

use std::collections::BTreeMap;
use std::sync::Arc;

use kerb_geometry::LatLng;
use kerb_ports::{Drive, Eta, Leg, TravelTimeQuery, TravelTimeTable, TravelTimes};
use kerb_types::TravelSource;

use crate::engine::{PhantomNode, Routes, Travel, UNREACHABLE_MS};
use crate::roads::Roads;
use crate::snap::snap_cache::SnapCache;

/// Distances to streets are measured in a plane, which below the polar circles and within some kilometers differs from the
/// globe by less than this part.
const PLANE_MARGIN: f64 = 1.01;
/// The engine rounds to whole milliseconds and to points of the lattice; together that is less than this, meters.
const ROUNDING_M: f64 = 1.0;

/// Times on streets; a leg that begins or ends off the map, or has no way, is the fallback's.
pub struct RoadTimes {
    roads: Arc<Roads>,
    /// Those of the newest speeds when there are none.
    routes: Option<Arc<Routes>>,
    fallback: Arc<dyn TravelTimes>,
    /// Of destinations: a rider who waits is asked for again and again, and does not move.
    snapped: Arc<SnapCache>,
}

impl RoadTimes {
    /// On these roads.
    pub fn new(roads: Arc<Roads>, fallback: Arc<dyn TravelTimes>) -> Self {
        Self { roads, routes: None, fallback, snapped: Arc::default() }
    }

    fn routes(&self) -> Arc<Routes> {
        self.routes.clone().unwrap_or_else(|| self.roads.engine().routes())
    }

    /// Each position on the streets; nothing for one that is off the map.
    fn ends(&self, positions: &[LatLng]) -> Vec<Vec<PhantomNode>> {
        positions.iter().map(|at| self.snap(*at)).collect()
    }

    fn snap(&self, at: LatLng) -> Vec<PhantomNode> {
        self.roads.ends(at).unwrap_or_default()
    }

    /// Fills in the legs that the streets know, all under the same times. Answers the others.
    ///
    /// A place at a time, of the side that has fewer: what is above the places of the other side is computed once for each
    /// of them, so many riders for few drivers cost a search a driver.
    fn fill(&self, query: &TravelTimeQuery, seconds: &mut [u32]) -> Vec<usize> {
        let origins = self.ends(&query.origins);
        let destinations = self.snapped.ends(&query.destinations, |at| self.snap(at));
        let by_origin = origins.len() < destinations.len();
        let routes = self.routes();
        let mut unknown = Vec::new();
        for (place, legs) in by_place(&query.legs, by_origin) {
            let legs_of = legs.iter().map(|leg| query.legs[*leg]);
            let times_ms = if by_origin {
                let to: Vec<&[PhantomNode]> =
                    legs_of.map(|leg| &*destinations[leg.destination as usize]).collect();
                routes.one_to_many(Travel::FromPlace, &origins[place as usize], &to)
            } else {
                let from: Vec<&[PhantomNode]> =
                    legs_of.map(|leg| &origins[leg.origin as usize][..]).collect();
                routes.one_to_many(Travel::ToPlace, &destinations[place as usize], &from)
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
        let (roads, snapped) = (Arc::clone(&self.roads), Arc::clone(&self.snapped));
        Arc::new(Self { roads, routes: Some(self.routes()), fallback, snapped })
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
        let Ok(way) = self.roads.route_by(&self.routes(), from, to) else {
            return self.fallback.drive(from, to);
        };
        let eta = Eta { time_s: way.time_ms.div_ceil(1_000), source: TravelSource::Roads };
        Drive { eta, length_m: way.length_m }
    }

    /// Who is on the map comes at most as far as the highest speed goes between the two streets; who is not, or has no
    /// way, as far as the fallback says.
    fn reach_m(&self, to: LatLng, within_s: u32) -> f64 {
        let straight_m = self.fallback.reach_m(to, within_s);
        let Ok(off_m) = self.roads.off_street_m(to) else { return straight_m };
        let along_m = self.routes().speed_max_m_s() * f64::from(within_s);
        let beside_m = (off_m + self.roads.snap_max_m()) * PLANE_MARGIN;
        straight_m.max(along_m + beside_m + ROUNDING_M)
    }
}

/// The legs of each origin, or of each destination.
fn by_place(legs: &[Leg], by_origin: bool) -> BTreeMap<u32, Vec<usize>> {
    let mut by_place = BTreeMap::<u32, Vec<usize>>::new();
    for (i, leg) in legs.iter().enumerate() {
        let place = if by_origin { leg.origin } else { leg.destination };
        by_place.entry(place).or_default().push(i);
    }
    by_place
}
