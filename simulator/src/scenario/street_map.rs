//! What is driven on: streets, or straight lines where there are none. It finds a driver's ways.

mod grid;
mod load;
mod trajectory;

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};
use kerb_routing::engine::ArcSegment;
use kerb_routing::{DirectedSegment, Roads};

pub(crate) use trajectory::degrees;
pub use trajectory::{Fix, Trajectory};

/// A driver who is told to go off the map goes straight, meters a second.
const OFF_ROAD_MPS: f64 = 5.0;
/// Milliseconds of an hour, and hours of a day.
const HOUR_MS: i64 = 3_600_000;
const DAY_H: i64 = 24;

/// Streets or straight lines, and how slow they are at what hour.
#[derive(Debug)]
pub struct StreetMap {
    kind: Kind,
    /// 24 factors on all times.
    slowness: [f64; 24],
    utc_offset_ms: i64,
}

#[derive(Debug)]
enum Kind {
    Streets(Arc<Roads>),
    Straight { mps: f64, detour: f64 },
}

impl StreetMap {
    /// Straight lines, each so many times as long as the great circle.
    pub fn straight(mps: f64, detour: f64) -> Self {
        Self { kind: Kind::Straight { mps, detour }, slowness: [1.0; 24], utc_offset_ms: 0 }
    }

    /// Streets, at their own times at every hour.
    pub fn streets(roads: Arc<Roads>) -> Self {
        Self { kind: Kind::Streets(roads), slowness: [1.0; 24], utc_offset_ms: 0 }
    }

    /// The streets, if there are some: the service may be given the same.
    pub fn roads(&self) -> Option<&Arc<Roads>> {
        match &self.kind {
            Kind::Streets(roads) => Some(roads),
            Kind::Straight { .. } => None,
        }
    }

    /// Speed and detour of the straight lines, meters a second, when there are no streets.
    pub fn straight_lines(&self) -> Option<(f64, f64)> {
        match self.kind {
            Kind::Straight { mps, detour } => Some((mps, detour)),
            Kind::Streets(_) => None,
        }
    }

    /// The point of the streets that is nearest to a position; `None` when it is off the map.
    pub fn snap(&self, at: LatLng) -> Option<LatLng> {
        let Kind::Streets(roads) = &self.kind else { return Some(at) };
        let end = *roads.ends(at).ok()?.first()?;
        let mut line = Trajectory::default();
        let stretch = ArcSegment { arc: end.arc, from: end.fraction, to: end.fraction, time_ms: 0 };
        add_stretch(roads, &mut line, &stretch, 1.0);
        Some(line.end())
    }

    /// Makes `trajectory` the fastest way between the points of the streets that are nearest to two positions.
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

/// Adds the fastest way; false when an end is off the map.
fn add_route(roads: &Roads, trajectory: &mut Trajectory, from: LatLng, to: LatLng, slowness: f64) -> bool {
    let (Ok(starts), Ok(goals)) = (roads.ends(from), roads.ends(to)) else { return false };
    let Some(route) = roads.engine().routes().route(&starts, &goals) else { return false };
    for stretch in &route.arc_segments {
        add_stretch(roads, trajectory, stretch, slowness);
    }
    if trajectory.is_empty() {
        // It is there already.
        let Some(end) = goals.first() else { return false };
        let here = ArcSegment { arc: end.arc, from: end.fraction, to: end.fraction, time_ms: 0 };
        add_stretch(roads, trajectory, &here, slowness);
    }
    true
}

/// Adds a part of an arc, its time spread evenly over its length.
fn add_stretch(roads: &Roads, trajectory: &mut Trajectory, stretch: &ArcSegment, slowness: f64) {
    let network = roads.network();
    let arc = DirectedSegment::from_number(network.directed_segments()[stretch.arc as usize]);
    // The street's own length: where curves were left out its line is shorter.
    let street_m = f64::from(network.lengths_cm()[arc.segment.0 as usize]) / 100.0;
    let part = stretch.to - stretch.from;
    let (part_m, part_ms) = (street_m * part, f64::from(stretch.time_ms) * slowness);
    let shape = network.shape(arc.segment);
    let point = |index: usize| {
        let place = if arc.reverse { shape[shape.len() - 1 - index] } else { shape[index] };
        place.lat_lng()
    };
    let line_m: f64 = (1..shape.len()).map(|i| distance_m(point(i - 1), point(i))).sum();
    let mut before = 0.0;
    for index in 1..shape.len() {
        let (a, b) = (point(index - 1), point(index));
        // A street without length is driven at its beginning.
        let share = if line_m > 0.0 { distance_m(a, b) / line_m } else { 1.0 };
        let is_last = index + 1 == shape.len();
        let after = if is_last { 1.0 } else { before + share };
        if after >= stretch.from && before <= stretch.to {
            let along = |at: f64| if share > 0.0 { ((at - before) / share).clamp(0.0, 1.0) } else { 0.0 };
            let (enters, leaves) = (stretch.from.max(before), stretch.to.min(after));
            let piece = if part > 0.0 { (leaves - enters).max(0.0) / part } else { 0.0 };
            trajectory.add((a, b), [along(stretch.from), along(stretch.to)], part_m * piece, part_ms * piece);
        }
        before = after;
    }
}
