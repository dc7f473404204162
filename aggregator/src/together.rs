//! Questions from the same part of a city, answered from one search. Pure.
//!
//! At a city's peak many riders wait for few drivers, and each rider's search would go through the same empty streets.
//! One search around all of them finds whoever there is. When it finds fewer drivers than it asks for, it has found them
//! all, and each question's exact answer is among them; else the questions are asked one by one.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use kerb_geometry::{Circle, LatLng, Tile, distance_m};
use kerb_ports::{DriverFilter, NearbyResult, Neighbor};

/// Questions that are worth a search for all of them: when it is in vain, it costs a few per cent more than they do.
const GROUP_MIN: usize = 32;
/// A search for all asks for so many drivers. To measure as many distances takes about as long as a search of one's own.
pub(crate) const DRIVERS_MAX: u32 = 256;
/// What rounding may take from a distance.
const ROUNDING_M: f64 = 1.0;

/// A checked question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) circle: Circle,
    pub(crate) k: u32,
    pub(crate) filter: DriverFilter,
}

/// Questions of one tile for the same drivers.
#[derive(Debug)]
pub(crate) struct Group {
    /// Holds all of their circles.
    pub(crate) circle: Circle,
    pub(crate) filter: DriverFilter,
    /// By their places among all questions.
    pub(crate) members: Vec<usize>,
}

/// The groups that are worth a search.
pub(crate) fn groups(asked: &[Asked]) -> Vec<Group> {
    let mut numbers = HashMap::<(Tile, DriverFilter), usize, RandomState>::default();
    let mut members = Vec::<Vec<usize>>::new();
    for (place, one) in asked.iter().enumerate() {
        let number = *numbers.entry((Tile::of(one.circle.center()), one.filter)).or_insert(members.len());
        if number == members.len() {
            members.push(Vec::new());
        }
        members[number].push(place);
    }
    let worthwhile = members.into_iter().filter(|members| members.len() >= GROUP_MIN);
    let group = |members: Vec<usize>| {
        let circle = around(members.iter().map(|place| &asked[*place].circle));
        Group { circle, filter: asked[members[0]].filter, members }
    };
    worthwhile.map(group).collect()
}

/// A circle that holds some circles of one tile.
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

/// The nearest of these drivers, who are all that pass.
pub(crate) fn nearest_of(asked: &Asked, hits: &[Neighbor], near: &mut Vec<(f64, u32)>) -> Vec<u32> {
    let (origin, hav_max) = (asked.circle.origin(), asked.circle.hav_max());
    near.clear();
    let measured = (0..).zip(hits).map(|(place, hit)| (origin.hav(hit.position), place));
    near.extend(measured.filter(|(hav, _)| *hav <= hav_max));
    let k = asked.k as usize;
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

/// Each member's answer, from all drivers who pass in the group's circle. `first`: the place of the first of them.
pub(crate) fn answers(
    group: &Group,
    asked: &[Asked],
    hits: &[Neighbor],
    first: u32,
) -> Vec<(usize, NearbyResult)> {
    let mut near = Vec::with_capacity(hits.len());
    let answer = |place: &usize| {
        let mut places = nearest_of(&asked[*place], hits, &mut near);
        for place in &mut places {
            *place += first;
        }
        (*place, NearbyResult { places, complete: true })
    };
    group.members.iter().map(answer).collect()
}
