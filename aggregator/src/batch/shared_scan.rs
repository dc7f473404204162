//! Answers many candidate queries of one part of a city from one search. Pure.
//!
//! At a peak, many riders wait for few drivers, and the search of each rider would scan the same empty streets. One
//! search around all riders returns the drivers of the area. If it returns fewer drivers than its limit, these are all
//! drivers there, so the exact answer of each query is among them. Otherwise the caller runs the queries one by one.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use kerb_geometry::{Circle, LatLng, Tile, distance_m};
use kerb_ports::{DriverFilter, NearbyResult, Neighbor};

/// Queries that are worth a shared scan. A scan that fails costs a few percent more than the queries by themselves.
const GROUP_QUERIES_MIN: usize = 32;
/// Limit of a shared scan. Measuring that many distances takes about as long as one search.
pub(crate) const SCAN_DRIVERS_MAX: u32 = 256;
/// Margin for the rounding of distances, in meters.
const ROUNDING_M: f64 = 1.0;

/// A validated query for the candidates of one rider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CandidateQuery {
    pub(crate) circle: Circle,
    pub(crate) k: u32,
    pub(crate) filter: DriverFilter,
}

/// Queries from one tile with the same filter.
#[derive(Debug)]
pub(crate) struct Group {
    /// A circle that contains the circles of all members.
    pub(crate) circle: Circle,
    pub(crate) filter: DriverFilter,
    /// Positions in the list of all queries.
    pub(crate) members: Vec<usize>,
}

/// Returns the groups that are worth a shared scan.
pub(crate) fn groups(queries: &[CandidateQuery]) -> Vec<Group> {
    let mut numbers = HashMap::<(Tile, DriverFilter), usize, RandomState>::default();
    let mut members = Vec::<Vec<usize>>::new();
    for (place, one) in queries.iter().enumerate() {
        let number = *numbers.entry((Tile::of(one.circle.center()), one.filter)).or_insert(members.len());
        if number == members.len() {
            members.push(Vec::new());
        }
        members[number].push(place);
    }
    let worthwhile = members.into_iter().filter(|members| members.len() >= GROUP_QUERIES_MIN);
    let group = |members: Vec<usize>| {
        let circle = around(members.iter().map(|place| &queries[*place].circle));
        Group { circle, filter: queries[members[0]].filter, members }
    };
    worthwhile.map(group).collect()
}

/// Returns a circle that contains the circles, whose centers are in one tile.
fn around<'a>(circles: impl Iterator<Item = &'a Circle> + Clone) -> Circle {
    let mut corners = [i32::MAX, i32::MAX, i32::MIN, i32::MIN];
    for at in circles.clone().map(Circle::center) {
        let [south, west, north, east] = corners;
        let (lat, lon) = (at.lat_e7(), at.lon_e7());
        corners = [south.min(lat), west.min(lon), north.max(lat), east.max(lon)];
    }
    let [south, west, north, east] = corners;
    let middle = |a: i32, b: i32| i32::midpoint(a, b);
    let center = LatLng::from_e7(middle(south, north), middle(west, east)).expect("lies between positions");
    let reach_m = |circle: &Circle| distance_m(center, circle.center()) + circle.radius_m();
    let radius_m = circles.map(reach_m).fold(0.0, f64::max) + ROUNDING_M;
    Circle::new(center, radius_m).expect("a sum of radii is a radius")
}

/// Returns the positions in `neighbors` of the nearest drivers of one query. `neighbors` has all drivers that pass its filter.
pub(crate) fn nearest_of(
    queries: &CandidateQuery,
    neighbors: &[Neighbor],
    near: &mut Vec<(f64, u32)>,
) -> Vec<u32> {
    let (origin, hav_max) = (queries.circle.origin(), queries.circle.hav_max());
    near.clear();
    let measured = (0..).zip(neighbors).map(|(place, neighbor)| (origin.hav(neighbor.position), place));
    near.extend(measured.filter(|(hav, _)| *hav <= hav_max));
    let k = queries.k as usize;
    let by_distance = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if k == 0 {
        near.clear();
    } else if near.len() > k {
        near.select_nth_unstable_by(k - 1, by_distance);
        near.truncate(k);
    }
    near.sort_unstable_by(by_distance);
    near.iter().map(|(_, place)| *place).collect()
}

/// Returns each member's answer, from all drivers that pass the filter in the group's circle. `first` is the position of
/// `neighbors[0]` in the combined list.
pub(crate) fn answers(
    group: &Group,
    queries: &[CandidateQuery],
    neighbors: &[Neighbor],
    first: u32,
) -> Vec<(usize, NearbyResult)> {
    let mut near = Vec::with_capacity(neighbors.len());
    let answer = |place: &usize| {
        let mut indices = nearest_of(&queries[*place], neighbors, &mut near);
        for index in &mut indices {
            *index += first;
        }
        (*place, NearbyResult { indices, complete: true })
    };
    group.members.iter().map(answer).collect()
}
