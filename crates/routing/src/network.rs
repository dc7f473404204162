//! The road network: a directed graph of streets, and the file that stores it.
//!
//! A network is one block of memory with an array for each property (`image.rs`); its methods return slices of it. The
//! bytes are the same in memory and in the file (`file.rs`).

mod check;
mod class;
mod file;
mod hour_set;
mod image;
mod lattice_point;
pub(crate) mod line;
mod open_error;
mod segment;
mod segment_ends;
mod summary;

use kerb_geometry::LatLng;

pub(crate) use hour_set::HourSet;
pub(crate) use image::Image;
pub(crate) use segment_ends::SegmentEnds;

pub use class::RoadClass;
pub use lattice_point::LatticePoint;
pub use open_error::{FORMAT_VERSION, OpenError};
pub use segment::{DirectedSegment, SegmentId};
pub use summary::Summary;

use image::Section;

/// Streets as a directed graph that contains its turn restrictions.
///
/// Arcs are in compressed rows: those that leave node `n` are `first_out()[n]..first_out()[n + 1]`. A segment has an
/// arc for each direction that may be driven. A junction with a forbidden turn has copies: the arc that may not turn
/// ends in a copy that lacks the forbidden arcs. So a direction of a segment has several arcs when its first junction
/// has copies. They share their head, unless a restriction over several ways makes the next turns depend on the arcs
/// before. A route that starts or ends in the middle of a segment needs all of them: [`arcs_of`](Network::arcs_of).
///
/// No arc is a loop, and every arc takes at least 1 ms. A car turns round where its street ends, and nowhere else unless
/// the import allowed it. A trip only passes restricted streets (private ones, gates) at its two ends.
///
/// The network may have several islands that no road connects, and streets that cannot be left again. So a node may not
/// be reachable from another one.
#[derive(Debug)]
pub struct Network {
    image: Image,
}

impl Network {
    /// Wraps an image whose contents were checked.
    pub(crate) fn from_image(image: Image) -> Network {
        Network { image }
    }

    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    /// The position of each node. Copies of a junction share its position.
    pub fn nodes(&self) -> &[LatticePoint] {
        self.image.slice(Section::Nodes)
    }

    /// The first arc of each node, and one final entry with the number of arcs.
    pub fn first_out(&self) -> &[u32] {
        self.image.slice(Section::FirstOut)
    }

    /// The node where each arc ends.
    pub fn head(&self) -> &[u32] {
        self.image.slice(Section::Head)
    }

    /// The free-flow time of each arc in milliseconds, at least 1: at its speed limit or its class's default speed.
    pub fn time_ms(&self) -> &[u32] {
        self.image.slice(Section::TimeMs)
    }

    /// The [number](DirectedSegment::number) of each arc's directed segment.
    pub fn directed_segments(&self) -> &[u32] {
        self.image.slice(Section::ArcDirection)
    }

    /// All nodes in ascending importance: the node order for [`Engine::with_order`](crate::engine::Engine::with_order),
    /// which the import computes once.
    pub fn order(&self) -> &[u32] {
        self.image.slice(Section::Order)
    }

    /// The number of segments.
    pub fn segments(&self) -> usize {
        self.lengths_cm().len()
    }

    /// The ids of all segments.
    pub(crate) fn segment_ids(&self) -> impl Iterator<Item = SegmentId> + Clone + use<> {
        // Directions number twice the segments in 32 bits, so there are at most 2^31 segments.
        (0..self.segments() as u32).map(SegmentId)
    }

    /// All directions of all segments, also those that may not be driven.
    pub(crate) fn all_directions(&self) -> impl Iterator<Item = DirectedSegment> + use<> {
        self.segment_ids()
            .flat_map(|segment| [false, true].map(|reverse| DirectedSegment { segment, reverse }))
    }

    /// The length of each segment in centimeters, at least 1.
    pub fn lengths_cm(&self) -> &[u32] {
        self.image.slice(Section::LengthCm)
    }

    /// The OpenStreetMap way of each segment; 0 in a network that came from a table of edges.
    pub fn way_ids(&self) -> &[i64] {
        self.image.slice(Section::WayId)
    }

    /// The points of a segment including both ends: at least two.
    pub fn shape(&self, segment: SegmentId) -> &[LatticePoint] {
        let first: &[u32] = self.image.slice(Section::FirstPoint);
        let points: &[LatticePoint] = self.image.slice(Section::Points);
        let index = segment.0 as usize;
        &points[first[index] as usize..first[index + 1] as usize]
    }

    /// The points along a direction of a segment, including both ends.
    pub fn line(&self, arc: DirectedSegment) -> Vec<LatLng> {
        let points = self.shape(arc.segment).iter().map(|point| point.lat_lng());
        if arc.reverse { points.rev().collect() } else { points.collect() }
    }

    /// The name of a segment's street, or else its road number; empty when it has neither.
    pub fn name(&self, segment: SegmentId) -> &str {
        let names: &[u32] = self.image.slice(Section::SegmentName);
        self.name_at(names[segment.0 as usize] as usize)
    }

    /// The road class of a segment.
    pub fn class(&self, segment: SegmentId) -> RoadClass {
        let classes: &[u8] = self.image.slice(Section::SegmentClass);
        RoadClass::from_number(classes[segment.0 as usize]).expect("classes were checked")
    }

    /// The arcs of one direction of a segment in ascending order. Empty when the direction may not be driven; several
    /// when its first junction has copies. Their heads are one junction or copies of it.
    pub fn arcs_of(&self, arc: DirectedSegment) -> &[u32] {
        let first: &[u32] = self.image.slice(Section::FirstArc);
        let arcs: &[u32] = self.image.slice(Section::SegmentArcs);
        let index = arc.number() as usize;
        &arcs[first[index] as usize..first[index + 1] as usize]
    }

    /// The island of each segment. No road leads from one island to another; 0 is the one with the longest streets.
    pub fn islands(&self) -> &[u32] {
        self.image.slice(Section::SegmentIsland)
    }

    /// On which directions of each segment trips may start and end.
    pub(crate) fn segment_ends(&self) -> &[SegmentEnds] {
        self.image.slice(Section::SegmentEnds)
    }

    /// Whether a trip may start on a direction, and whether it may end there. Both are false for ferries and gates. A
    /// street that leads out of the map is no start, and one that only leads into it is no end.
    pub fn trip_ends(&self, direction: DirectedSegment) -> (bool, bool) {
        let ends = self.segment_ends()[direction.segment.0 as usize];
        let side = usize::from(direction.reverse);
        (ends.starts()[side], ends.goals()[side])
    }

    /// The arcs that are closed at some hours of the week, and when.
    pub(crate) fn timed_arcs(&self) -> impl ExactSizeIterator<Item = (u32, HourSet)> {
        let hours: &[HourSet] = self.image.slice(Section::TimedHours);
        let arcs: &[u32] = self.image.slice(Section::TimedArcs);
        arcs.iter().copied().zip(hours.iter().copied())
    }

    /// A 64-bit checksum of the whole content. Two networks with the same fingerprint are equal, except with a
    /// probability of 2^-64. Data that belongs to one network names its fingerprint.
    pub fn fingerprint(&self) -> u64 {
        self.image.checksum()
    }

    /// The name with this number; name 0 is empty.
    fn name_at(&self, index: usize) -> &str {
        let first: &[u32] = self.image.slice(Section::FirstNameByte);
        let bytes: &[u8] = self.image.slice(Section::NameBytes);
        let bytes = &bytes[first[index] as usize..first[index + 1] as usize];
        std::str::from_utf8(bytes).expect("names were checked")
    }
}
