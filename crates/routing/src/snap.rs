//! Snapping: the nearest point on a street, and the directions in which a car can drive on from there.
//!
//! The straight pieces of all curves are in an R-tree (`rstar`). A query reads all pieces in a small box around the
//! position. It doubles the box until the nearest piece is closer than the box's border, so no piece outside can be
//! nearer.

mod piece;
mod plane;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use kerb_geometry::{HALF_CIRCUMFERENCE_M, LatLng};
use rstar::RTree;

use crate::network::{DirectedSegment, Network, SegmentId};
use piece::{FlatTree, Piece, pieces};
use plane::{PiecePoint, Plane};

/// Half the side of the first box, in meters. Half of all taxi positions are within 30 m of a street.
const FIRST_REACH_M: f64 = 32.0;
const REACH_GROWTH: f64 = 2.0;
/// The largest distance of [`Snapper::within`], in meters.
const WITHIN_MAX_M: f64 = 10_000.0;
/// A position within this distance of a junction, in meters along the street, may be on any street of the junction: the
/// errors of satellite positions in streets are larger.
const JUNCTION_M: f64 = 5.0;

/// A query for the nearest street.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SnapQuery {
    /// The position to snap.
    pub at: LatLng,
    /// The direction of travel, in degrees clockwise from north. If set, the search only returns directions of streets
    /// within 60 degrees of it.
    pub heading_deg: Option<f64>,
    /// The largest distance to a street, in meters.
    pub max_m: f64,
}

/// The end of a trip that a position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TripEnd {
    /// The trip starts there, so the street must lead to the rest of the network.
    Start,
    /// The trip ends there, so the rest of the network must lead to the street.
    Goal,
}

/// The nearest point on a street.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snap {
    /// The segment that the point is on.
    pub segment: SegmentId,
    /// How far along the segment the point is: 0 at its first point, 1 at its last.
    pub share: f64,
    /// The position of the point.
    pub place: LatLng,
    /// The distance from the query's position to the point, in meters.
    pub distance_m: f64,
    /// Whether a car can drive on from the point along the segment.
    pub forward: bool,
    /// Whether a car can drive on from the point against the segment.
    pub reverse: bool,
}

impl Snap {
    /// The arcs of every open direction that the point is on, and how far along each it is, from 0 to 1.
    ///
    /// A direction has several arcs when its first junction has copies for turn restrictions. A route that ends here
    /// may come over any of them. A route that starts here has driven nothing before, so no restriction over earlier
    /// ways applies: it may continue after any of them.
    pub fn arcs(self, network: &Network) -> impl Iterator<Item = (u32, f64)> {
        let directions = [(self.forward, false, self.share), (self.reverse, true, 1.0 - self.share)];
        let open = directions.into_iter().filter(|(is_open, ..)| *is_open);
        open.flat_map(move |(_, reverse, share)| {
            let arcs = network.arcs_of(DirectedSegment { segment: self.segment, reverse });
            arcs.iter().map(move |arc| (*arc, share))
        })
    }
}

/// Why a position has no street.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SnapError {
    /// The nearest street is farther than the query allows.
    #[error("{at} is {nearest_m:.0} m from the nearest street, at most {max_m:.0} m would do")]
    TooFar {
        /// The position of the query.
        at: LatLng,
        /// The distance to the nearest street, in meters.
        nearest_m: f64,
        /// The query's limit, in meters.
        max_m: f64,
    },
    /// No street anywhere leads toward the heading.
    #[error("no street leads toward {heading_deg} degrees")]
    NoHeading {
        /// The heading of the query, in degrees clockwise from north.
        heading_deg: f64,
    },
}

/// A spatial index of a network's streets.
#[derive(Debug)]
pub struct Snapper {
    pieces: RTree<Piece, FlatTree>,
}

impl Snapper {
    /// Builds the index, which takes about 50 bytes for each straight piece of a curve.
    pub fn new(network: &Network) -> Snapper {
        Snapper {
            pieces: RTree::bulk_load_with_params(
                network.segment_ids().flat_map(|segment| pieces(network, segment)).collect(),
            ),
        }
    }

    /// The nearest point on any street. Distances are those of the plane that touches the globe at the position: within
    /// a kilometer and below the polar circles they differ from the great circle by less than one part in ten thousand.
    ///
    /// Of equally near points, the one on the segment with the lowest number is returned.
    pub fn snap(&self, query: SnapQuery) -> Result<Snap, SnapError> {
        let plane = Plane::new(query.at, query.heading_deg, None);
        snap_at(&self.nearest(&plane, query, &|_| true)?, query)
    }

    /// The points where a trip may start or end: the nearest point on a street of an accepted segment, and, next to a
    /// junction, the nearest points of the other streets that meet there. Without an end only at the junction itself.
    pub(crate) fn candidates(
        &self,
        query: SnapQuery,
        end: Option<TripEnd>,
        accepts: &dyn Fn(SegmentId) -> bool,
    ) -> Result<Vec<Snap>, SnapError> {
        let plane = Plane::new(query.at, query.heading_deg, end);
        let nearest = self.nearest(&plane, query, accepts)?;
        let mut snaps = vec![snap_at(&nearest, query)?];
        let near_m = if end.is_some() { JUNCTION_M } else { 0.0 };
        let Some(junction) = nearest.junction_within(&plane, near_m) else { return Ok(snaps) };
        // A street of the junction that is not in this box is farther away than the junction.
        let reach_m = nearest.square_m.sqrt() + near_m;
        let mut others = Vec::new();
        self.visit(&plane, reach_m, |piece| {
            let is_other = piece.segment != nearest.piece.segment && accepts(SegmentId(piece.segment));
            if is_other && piece.junctions().contains(&Some(junction)) {
                let open = plane.open(piece);
                if open != [false; 2] {
                    others.push(PiecePoint { open, ..plane.nearest_point(piece) });
                }
            }
        });
        // The order of the tree must not matter.
        others.sort_by_key(|point| (point.piece.segment, point.piece.shares[0].to_bits()));
        snaps.extend(others.iter().filter_map(|point| snap_at(point, query).ok()));
        Ok(snaps)
    }

    /// The nearest open point of any accepted segment, however far it is.
    fn nearest(
        &self,
        plane: &Plane,
        query: SnapQuery,
        accepts: &dyn Fn(SegmentId) -> bool,
    ) -> Result<PiecePoint, SnapError> {
        let mut reach_m = FIRST_REACH_M;
        while reach_m < HALF_CIRCUMFERENCE_M * REACH_GROWTH {
            if let Some(point) = self.nearest_within(plane, reach_m, accepts) {
                return Ok(point);
            }
            reach_m *= REACH_GROWTH;
        }
        // A network has streets, so only a heading can exclude all of them.
        Err(SnapError::NoHeading { heading_deg: query.heading_deg.unwrap_or_default() })
    }

    /// The nearest point of each street within a distance of at most 10 km: at most `count` of them, the nearest first.
    pub fn within(&self, at: LatLng, max_m: f64, count: usize) -> Vec<Snap> {
        let query = SnapQuery { at, heading_deg: None, max_m: max_m.min(WITHIN_MAX_M) };
        let plane = Plane::new(at, None, None);
        let mut nearest = BTreeMap::<u32, PiecePoint>::new();
        self.visit(&plane, query.max_m, |piece| {
            if piece.open == [false; 2] {
                return;
            }
            let point = plane.nearest_point(piece);
            nearest
                .entry(piece.segment)
                .and_modify(|best| {
                    if point.is_before(best) {
                        *best = point;
                    }
                })
                .or_insert(point);
        });
        let mut points: Vec<PiecePoint> = nearest.into_values().collect();
        // The map is sorted by segment and the sort is stable, so the lower of equally near segments comes first.
        points.sort_by(|a, b| a.square_m.total_cmp(&b.square_m));
        points.iter().take(count).map_while(|point| snap_at(point, query).ok()).collect()
    }

    /// The nearest point of any open piece of an accepted segment, if it is within `reach_m`.
    fn nearest_within(
        &self,
        plane: &Plane,
        reach_m: f64,
        accepts: &dyn Fn(SegmentId) -> bool,
    ) -> Option<PiecePoint> {
        let mut best: Option<PiecePoint> = None;
        self.visit(plane, reach_m, |piece| {
            let point = plane.nearest_point(piece);
            // The heading and the acceptance are checked last, because they cost more.
            if best.is_none_or(|best| point.is_before(&best))
                && plane.open(piece) != [false; 2]
                && accepts(SegmentId(piece.segment))
            {
                best = Some(point);
            }
        });
        // A point in a corner of the box is farther than `reach_m`; a nearer one may be just outside of the box.
        best.map(|point| PiecePoint { open: plane.open(&point.piece), ..point })
            .filter(|point| point.square_m <= reach_m * reach_m)
    }

    /// Calls `visit` with every piece in the boxes around the position.
    fn visit(&self, plane: &Plane, reach_m: f64, mut visit: impl FnMut(&Piece)) {
        for envelope in plane.boxes(reach_m).into_iter().flatten() {
            let _: ControlFlow<()> = self.pieces.locate_in_envelope_intersecting_int(envelope, |piece| {
                visit(piece);
                ControlFlow::Continue(())
            });
        }
    }
}

fn snap_at(point: &PiecePoint, query: SnapQuery) -> Result<Snap, SnapError> {
    let distance_m = point.square_m.sqrt();
    // `total_cmp` treats a limit of NaN as infinite.
    if distance_m.total_cmp(&query.max_m).is_gt() {
        return Err(SnapError::TooFar { at: query.at, nearest_m: distance_m, max_m: query.max_m });
    }
    Ok(Snap {
        segment: SegmentId(point.piece.segment),
        share: point.share(),
        place: point.position(),
        distance_m,
        forward: point.open[0],
        reverse: point.open[1],
    })
}
