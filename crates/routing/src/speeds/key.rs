//! How others name a direction of a segment: by its number in this network, or by where it begins and ends.

use std::collections::HashMap;

use kerb_geometry::LatLng;

use crate::graph::{DirectedSegment, Network, SegmentId};

/// The directions of a network by their names.
///
/// Numbers hold for one network file. Ends hold across imports, as long as nobody moves the junctions on the map.
#[derive(Debug)]
pub struct Segments {
    count: u32,
    open: Vec<bool>,
    by_ends: HashMap<[LatLng; 2], Vec<(i64, DirectedSegment)>>,
}

/// A direction as others name it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DirectionName {
    /// By its number in one network file.
    Number {
        /// The segment.
        segment: u32,
        /// Against the segment's points.
        reverse: bool,
    },
    /// By where it begins and ends.
    Ends {
        /// The beginning.
        from: LatLng,
        /// The end.
        to: LatLng,
        /// The OpenStreetMap way, which tells streets apart that run side by side.
        way: Option<i64>,
    },
}

/// A name that no direction of this network has.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UnknownSegment {
    /// The number is too great.
    #[error("segment {number} is unknown, the network has {segments}")]
    Number {
        /// The number.
        number: u32,
        /// How many there are.
        segments: u32,
    },
    /// Against a one-way street.
    #[error("segment {number} is not driven {direction}")]
    Closed {
        /// The number.
        number: u32,
        /// The direction.
        direction: &'static str,
    },
    /// Nothing leads from the one to the other.
    #[error("no segment leads from {from} to {to}{}", .way.map(|way| format!(" on way {way}")).unwrap_or_default())]
    Ends {
        /// The beginning.
        from: LatLng,
        /// The end.
        to: LatLng,
        /// The OpenStreetMap way, when one was named.
        way: Option<i64>,
    },
}

/// The words for the directions: along the segment's points, and against them.
pub(super) const DIRECTIONS: [&str; 2] = ["forward", "reverse"];

impl Segments {
    /// Reads the ends of all segments.
    pub fn new(network: &Network) -> Self {
        let mut by_ends: HashMap<_, Vec<_>> = HashMap::new();
        let mut open = Vec::with_capacity(2 * network.segments());
        for number in 0..2 * network.segments() as u32 {
            let arc = DirectedSegment::from_number(number);
            let is_open = !network.arcs_of(arc).is_empty();
            open.push(is_open);
            if is_open {
                let way = network.way_ids()[arc.segment.0 as usize];
                by_ends.entry(ends(network, arc)).or_default().push((way, arc));
            }
        }
        Self { count: network.segments() as u32, open, by_ends }
    }

    /// The directions of a name: one by number, and by ends all that lead from there to there.
    pub fn find(&self, name: &DirectionName) -> Result<Vec<DirectedSegment>, UnknownSegment> {
        match *name {
            DirectionName::Number { segment, reverse } => {
                self.by_number(segment, reverse).map(|arc| vec![arc])
            }
            DirectionName::Ends { from, to, way } => self.by_ends(from, to, way),
        }
    }

    /// A direction by its number.
    pub fn by_number(&self, number: u32, reverse: bool) -> Result<DirectedSegment, UnknownSegment> {
        if number >= self.count {
            return Err(UnknownSegment::Number { number, segments: self.count });
        }
        let arc = DirectedSegment { segment: SegmentId(number), reverse };
        let direction = DIRECTIONS[usize::from(reverse)];
        self.open[arc.number() as usize].then_some(arc).ok_or(UnknownSegment::Closed { number, direction })
    }

    /// The directions that lead from one junction to another: more than one where streets run side by side, unless the
    /// way tells them apart.
    pub fn by_ends(
        &self,
        from: LatLng,
        to: LatLng,
        way: Option<i64>,
    ) -> Result<Vec<DirectedSegment>, UnknownSegment> {
        let found = self.by_ends.get(&[from, to]).into_iter().flatten();
        let right = found.filter(|(own, _)| way.is_none_or(|way| way == *own));
        let arcs: Vec<DirectedSegment> = right.map(|(_, arc)| *arc).collect();
        if arcs.is_empty() { Err(UnknownSegment::Ends { from, to, way }) } else { Ok(arcs) }
    }
}

/// Where a direction begins and ends.
pub(super) fn ends(network: &Network, arc: DirectedSegment) -> [LatLng; 2] {
    let shape = network.shape(arc.segment);
    let (first, last) = (shape[0].lat_lng(), shape[shape.len() - 1].lat_lng());
    if arc.reverse { [last, first] } else { [first, last] }
}
