//! Names of a segment's direction in files and messages: by its number in one network, or by its two ends.

use std::collections::HashMap;

use kerb_geometry::LatLng;

use crate::network::{DirectedSegment, Network, SegmentId};

/// Finds the directions of a network by their names.
///
/// Numbers are valid for one network file. Ends stay valid across imports as long as the map's junctions do not move.
#[derive(Debug)]
pub struct DirectionIndex {
    count: u32,
    open: Vec<bool>,
    by_ends: HashMap<[LatLng; 2], Vec<(i64, DirectedSegment)>>,
}

/// The name of a direction in a file or a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DirectionName {
    /// The number of a segment in one network file.
    Number {
        /// The segment's number.
        segment: u32,
        /// Whether the direction runs against the order of the segment's points.
        reverse: bool,
    },
    /// The positions of both junctions.
    Ends {
        /// The junction where the direction starts.
        from: LatLng,
        /// The junction where the direction ends.
        to: LatLng,
        /// The id of the OpenStreetMap way, which distinguishes parallel streets.
        way: Option<i64>,
    },
}

/// A name that no open direction of the network has.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UnknownSegment {
    /// The network has fewer segments.
    #[error("segment {number} is unknown, the network has {segments}")]
    Number {
        /// The segment's number in the name.
        number: u32,
        /// The number of segments in the network.
        segments: u32,
    },
    /// The direction runs against a one-way street.
    #[error("segment {number} is not driven {direction}")]
    Closed {
        /// The segment's number in the name.
        number: u32,
        /// The closed direction: `forward` or `reverse`.
        direction: &'static str,
    },
    /// No open direction connects the two junctions.
    #[error("no segment leads from {from} to {to}{}", .way.map(|way| format!(" on way {way}")).unwrap_or_default())]
    Ends {
        /// The start in the name.
        from: LatLng,
        /// The end in the name.
        to: LatLng,
        /// The id of the OpenStreetMap way in the name, if any.
        way: Option<i64>,
    },
}

/// The words for both directions: along the segment's points, and against them.
pub(super) const DIRECTIONS: [&str; 2] = ["forward", "reverse"];

impl DirectionIndex {
    /// Indexes the ends of all open directions.
    pub fn new(network: &Network) -> Self {
        let mut by_ends: HashMap<_, Vec<_>> = HashMap::new();
        let mut open = Vec::with_capacity(2 * network.segments());
        for arc in network.all_directions() {
            let is_open = !network.arcs_of(arc).is_empty();
            open.push(is_open);
            if is_open {
                let way = network.way_ids()[arc.segment.0 as usize];
                by_ends.entry(ends(network, arc)).or_default().push((way, arc));
            }
        }
        // Directions number twice the segments in 32 bits.
        Self { count: network.segments() as u32, open, by_ends }
    }

    /// The directions with a name: exactly one by number; by ends all that connect the two junctions.
    pub fn find(&self, name: &DirectionName) -> Result<Vec<DirectedSegment>, UnknownSegment> {
        match *name {
            DirectionName::Number { segment, reverse } => {
                self.by_number(segment, reverse).map(|arc| vec![arc])
            }
            DirectionName::Ends { from, to, way } => self.by_ends(from, to, way),
        }
    }

    /// The direction with this number.
    pub fn by_number(&self, number: u32, reverse: bool) -> Result<DirectedSegment, UnknownSegment> {
        if number >= self.count {
            return Err(UnknownSegment::Number { number, segments: self.count });
        }
        let arc = DirectedSegment { segment: SegmentId(number), reverse };
        let direction = DIRECTIONS[usize::from(reverse)];
        self.open[arc.number() as usize].then_some(arc).ok_or(UnknownSegment::Closed { number, direction })
    }

    /// The directions from one junction to another. Parallel streets give more than one, unless `way` selects one.
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

/// The positions of a direction's start and end.
pub(super) fn ends(network: &Network, arc: DirectedSegment) -> [LatLng; 2] {
    let shape = network.shape(arc.segment);
    let (first, last) = (shape[0].lat_lng(), shape[shape.len() - 1].lat_lng());
    if arc.reverse { [last, first] } else { [first, last] }
}
