//! Positions and routes on a map of grid steps.

use kerb_geometry::LatLng;
use kerb_routing::Roads;

use crate::support::osm::{GRID_E7, Osm};

/// A position by its grid steps of 111 m to the east and north.
pub(crate) fn at(east: f64, north: f64) -> LatLng {
    let e7 = |steps: f64| (steps * f64::from(GRID_E7)).round() as i32;
    LatLng::from_e7(e7(north), e7(east)).unwrap()
}

pub(crate) fn roads(osm: &Osm) -> Roads {
    Roads::new(osm.network(), 300.0).unwrap()
}

/// The names of the streets of a route; nothing when there is none.
pub(crate) fn names(roads: &Roads, from: (f64, f64), to: (f64, f64)) -> String {
    let route = roads.route(at(from.0, from.1), at(to.0, to.1));
    let mut names: Vec<String> =
        route.map_or_else(|_| Vec::new(), |route| route.steps.into_iter().map(|step| step.name).collect());
    names.dedup();
    names.join(" ")
}

/// A ring of four streets, 10 steps wide and 6 high, with a short cut between the middles of its sides.
///
/// ```text
/// 4 ───── north ───── 3
/// │                   │
/// 5 ───── short ───── 6     west: 1, 5, 4; east: 2, 6, 3
/// │                   │
/// 1 ───── south ───── 2
/// ```
pub(crate) fn ring(tags: &[(&'static str, &'static str)]) -> Osm {
    let osm = Osm::default().node(1, 0, 0).node(2, 10, 0).node(3, 10, 6).node(4, 0, 6);
    let osm = osm.node(5, 0, 3).node(6, 10, 3);
    let osm = osm.way(10, &[1, 2], &[("name", "south")]).way(11, &[4, 3], &[("name", "north")]);
    let osm = osm.way(12, &[1, 5, 4], &[("name", "west")]).way(13, &[2, 6, 3], &[("name", "east")]);
    osm.way(20, &[5, 6], &[&[("name", "short")], tags].concat())
}
