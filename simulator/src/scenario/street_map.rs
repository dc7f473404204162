//! The street map: a road network or straight lines, and the fastest routes of drivers.

mod grid;
mod load;
mod trajectory;

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};
use kerb_routing::engine::ArcSegment;
use kerb_routing::{DirectedSegment, Roads};

pub(crate) use trajectory::degrees;
pub use trajectory::{Fix, Trajectory};

/// Speed of a trip that begins or ends off the map, on a straight line, meters per second.
const OFF_ROAD_MPS: f64 = 5.0;
const HOUR_MS: i64 = 3_600_000;
const DAY_H: i64 = 24;

/// A road network or straight lines, with factors on travel times by hour.
#[derive(Debug)]
pub struct StreetMap {
    kind: Kind,
    /// Factors on travel times by the city's hour.
    slowness: [f64; 24],
    utc_offset_ms: i64,
}

#[derive(Debug)]
enum Kind {
    Streets(Arc<Roads>),
    Straight { mps: f64, detour: f64 },
}

impl StreetMap {
    /// Creates a map of straight lines. `detour` is the ratio of a trip's length to the great circle.
    pub fn straight(mps: f64, detour: f64) -> Self {
        Self { kind: Kind::Straight { mps, detour }, slowness: [1.0; 24], utc_offset_ms: 0 }
    }

    /// Creates a map of a road network, with its own travel times at every hour.
    pub fn streets(roads: Arc<Roads>) -> Self {
        Self { kind: Kind::Streets(roads), slowness: [1.0; 24], utc_offset_ms: 0 }
    }

    /// Returns the road network, if there is one. A service in this process shares it.
    pub fn roads(&self) -> Option<&Arc<Roads>> {
        match &self.kind {
            Kind::Streets(roads) => Some(roads),
            Kind::Straight { .. } => None,
        }
    }

    /// Returns the speed in meters per second and the detour of straight lines; `None` with a road network.
    pub fn straight_lines(&self) -> Option<(f64, f64)> {
        match self.kind {
            Kind::Straight { mps, detour } => Some((mps, detour)),
            Kind::Streets(_) => None,
        }
    }

    /// Returns the nearest point of the streets; `None` when the position is off the map.
    pub fn snap(&self, at: LatLng) -> Option<LatLng> {
        let Kind::Streets(roads) = &self.kind else { return Some(at) };
        let end = *roads.phantom_nodes(at).ok()?.first()?;
        let mut line = Trajectory::default();
        let segment = ArcSegment { arc: end.arc, from: end.fraction, to: end.fraction, time_ms: 0 };
        add_arc_segment(roads, &mut line, &segment, 1.0);
        Some(line.end())
    }

    /// Replaces `trajectory` by the fastest route between the nearest points of the streets to two positions.
    pub fn route(&self, from: LatLng, to: LatLng, departs_ms: i64, trajectory: &mut Trajectory) {
        trajectory.begin(departs_ms);
        let slowness = self.slowness_at(departs_ms);
        match &self.kind {
            Kind::Streets(roads) => {
                if !add_route(roads, trajectory, from, to, slowness) {
                    trajectory.straight(from, to, OFF_ROAD_MPS, 1.0);
                }
            }
            Kind::Straight { mps, detour } => trajectory.straight(from, to, mps / slowness, *detour),
        }
        trajectory.finish();
    }

    fn slowness_at(&self, at_ms: i64) -> f64 {
        let hour = (at_ms + self.utc_offset_ms).div_euclid(HOUR_MS).rem_euclid(DAY_H);
        self.slowness[hour as usize]
    }
}

/// Adds the fastest route. Returns false when an end is off the map.
fn add_route(roads: &Roads, trajectory: &mut Trajectory, from: LatLng, to: LatLng, slowness: f64) -> bool {
    let (Ok(starts), Ok(goals)) = (roads.phantom_nodes(from), roads.phantom_nodes(to)) else { return false };
    let Some(route) = roads.engine().router().route(&starts, &goals) else { return false };
    for segment in &route.arc_segments {
        add_arc_segment(roads, trajectory, segment, slowness);
    }
    if trajectory.is_empty() {
        // Start and goal are the same point, so the trajectory is that point.
        let Some(end) = goals.first() else { return false };
        let here = ArcSegment { arc: end.arc, from: end.fraction, to: end.fraction, time_ms: 0 };
        add_arc_segment(roads, trajectory, &here, slowness);
    }
    true
}

/// Adds a part of an arc. Its time is spread evenly over its length.
fn add_arc_segment(roads: &Roads, trajectory: &mut Trajectory, segment: &ArcSegment, slowness: f64) {
    let network = roads.network();
    let arc = DirectedSegment::from_number(network.directed_segments()[segment.arc as usize]);
    // The segment's own length counts: its line is shorter where the import simplified curves.
    let street_m = f64::from(network.lengths_cm()[arc.segment.0 as usize]) / 100.0;
    let part = segment.to - segment.from;
    let (part_m, part_ms) = (street_m * part, f64::from(segment.time_ms) * slowness);
    let shape = network.shape(arc.segment);
    let point = |index: usize| {
        let place = if arc.reverse { shape[shape.len() - 1 - index] } else { shape[index] };
        place.lat_lng()
    };
    let line_m: f64 = (1..shape.len()).map(|i| distance_m(point(i - 1), point(i))).sum();
    let mut before = 0.0;
    for index in 1..shape.len() {
        let (a, b) = (point(index - 1), point(index));
        // A segment of length 0 is a single point.
        let share = if line_m > 0.0 { distance_m(a, b) / line_m } else { 1.0 };
        let is_last = index + 1 == shape.len();
        let after = if is_last { 1.0 } else { before + share };
        if after >= segment.from && before <= segment.to {
            let along = |at: f64| if share > 0.0 { ((at - before) / share).clamp(0.0, 1.0) } else { 0.0 };
            let (enters, leaves) = (segment.from.max(before), segment.to.min(after));
            let piece = if part > 0.0 { (leaves - enters).max(0.0) / part } else { 0.0 };
            trajectory.add((a, b), [along(segment.from), along(segment.to)], part_m * piece, part_ms * piece);
        }
        before = after;
    }
}
