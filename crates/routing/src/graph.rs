//! The road network as the searches read it: slices over one block of memory, the same in a file and out of it.

use kerb_geometry::LatLng;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::RoadClass;
use crate::file::{Image, Section};

/// A stretch of street between two junctions, by its number: 0 to [`Network::segments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u32);

/// A position as the network keeps it, in units of 1e-7 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LatticePoint {
    /// Latitude.
    pub lat_e7: i32,
    /// Longitude.
    pub lon_e7: i32,
}

/// One direction of a segment: what `directed_segments` holds of an arc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectedSegment {
    /// The segment.
    pub segment: SegmentId,
    /// Against the order of the segment's points.
    pub reverse: bool,
}

/// Streets as a directed graph with turn restrictions in it.
///
/// Arcs are in compressed rows: those that leave node `n` are `first_out()[n]..first_out()[n + 1]`. A segment has an
/// arc for each direction that may be driven. Where a turn is forbidden the junction has copies: the arc that may not
/// turn ends in a copy that lacks the arcs it may not take. So a direction of a segment has several arcs when its first
/// junction has copies; they have the same head, unless it depends on what was driven before them what may follow
/// after them. [`arcs_of`](Network::arcs_of) names them, for who starts or ends in the middle of a segment.
///
/// From any node every other can be reached. No arc begins where it ends, and none takes no time. Turning round is
/// possible at every junction unless a restriction forbids it.
#[derive(Debug)]
pub struct Network {
    image: Image,
}

/// What a network holds, in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Nodes, copies of junctions included.
    pub nodes: usize,
    /// Nodes that stand where another node stands, on behalf of a turn restriction.
    pub node_copies: usize,
    /// Segments.
    pub segments: usize,
    /// Segments that are driven in one direction only.
    pub one_way_segments: usize,
    /// Segments with a name.
    pub named_segments: usize,
    /// Different names.
    pub names: usize,
    /// Arcs.
    pub arcs: usize,
    /// Points of all curves, ends included.
    pub points: usize,
    /// Turn restrictions that are in the graph.
    pub turn_restrictions: usize,
    /// The length of all segments, each once, in meters.
    pub length_m: f64,
    /// Classes that occur: segments, and their length in meters.
    pub classes: Vec<(RoadClass, usize, f64)>,
    /// The smallest box that holds all points: south-west and north-east corner.
    pub bounds: (LatLng, LatLng),
    /// The fastest that any arc goes, in meters of its length per second.
    pub speed_max_m_s: f64,
    /// Bytes, in memory and in the file.
    pub bytes: usize,
}

impl LatticePoint {
    /// As a position. The network's places were checked when it was made or opened.
    pub fn lat_lng(self) -> LatLng {
        LatLng::from_e7(self.lat_e7, self.lon_e7).expect("places were checked when the network was made")
    }
}

impl From<LatLng> for LatticePoint {
    fn from(position: LatLng) -> LatticePoint {
        LatticePoint { lat_e7: position.lat_e7(), lon_e7: position.lon_e7() }
    }
}

impl DirectedSegment {
    /// The direction by its number: twice the segment's, and one more for the reverse.
    pub fn from_number(number: u32) -> DirectedSegment {
        DirectedSegment { segment: SegmentId(number / 2), reverse: number % 2 == 1 }
    }

    /// As [`Network::directed_segments`] writes it.
    pub fn number(self) -> u32 {
        self.segment.0 * 2 + u32::from(self.reverse)
    }
}

impl Network {
    /// The image was checked.
    pub(crate) fn from_image(image: Image) -> Network {
        Network { image }
    }

    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    /// Where each node is. Copies of a junction stand at the same place.
    pub fn nodes(&self) -> &[LatticePoint] {
        self.image.slice(Section::Nodes)
    }

    /// Where the arcs of each node begin, and after the last node how many arcs there are.
    pub fn first_out(&self) -> &[u32] {
        self.image.slice(Section::FirstOut)
    }

    /// The node where each arc ends.
    pub fn head(&self) -> &[u32] {
        self.image.slice(Section::Head)
    }

    /// The time that each arc takes at its limit or its class's speed, in milliseconds, at least 1.
    pub fn time_ms(&self) -> &[u32] {
        self.image.slice(Section::TimeMs)
    }

    /// The segment of each arc, times two, and one more when the arc runs against the segment's points.
    pub fn directed_segments(&self) -> &[u32] {
        self.image.slice(Section::ArcDirection)
    }

    /// All nodes, the least important first: the [engine](crate::engine::Engine::with_order)'s order, made once by the
    /// import.
    pub fn order(&self) -> &[u32] {
        self.image.slice(Section::Order)
    }

    /// How many segments there are.
    pub fn segments(&self) -> usize {
        self.lengths_cm().len()
    }

    /// The length of each segment in centimeters, at least 1.
    pub fn lengths_cm(&self) -> &[u32] {
        self.image.slice(Section::LengthCm)
    }

    /// The OpenStreetMap way of each segment; 0 in a network that came from a table of edges.
    pub fn way_ids(&self) -> &[i64] {
        self.image.slice(Section::WayId)
    }

    /// The points of a segment, both ends included: at least two.
    pub fn shape(&self, segment: SegmentId) -> &[LatticePoint] {
        let first: &[u32] = self.image.slice(Section::FirstPoint);
        let points: &[LatticePoint] = self.image.slice(Section::Points);
        let index = segment.0 as usize;
        &points[first[index] as usize..first[index + 1] as usize]
    }

    /// The points along an arc, both ends included.
    pub fn line(&self, arc: DirectedSegment) -> Vec<LatLng> {
        let points = self.shape(arc.segment).iter().map(|place| place.lat_lng());
        if arc.reverse { points.rev().collect() } else { points.collect() }
    }

    /// The name of a segment's street, or the number of its road; empty when it has neither.
    pub fn name(&self, segment: SegmentId) -> &str {
        let names: &[u32] = self.image.slice(Section::SegmentName);
        self.name_at(names[segment.0 as usize] as usize)
    }

    /// The class of a segment's street.
    pub fn class(&self, segment: SegmentId) -> RoadClass {
        let classes: &[u8] = self.image.slice(Section::SegmentClass);
        RoadClass::from_number(classes[segment.0 as usize]).expect("classes were checked")
    }

    /// The arcs of one direction of a segment, ascending: none where it may not be driven, several where its first
    /// junction has copies. Their heads are copies of one junction.
    pub fn arcs_of(&self, arc: DirectedSegment) -> &[u32] {
        let first: &[u32] = self.image.slice(Section::FirstArc);
        let arcs: &[u32] = self.image.slice(Section::SegmentArcs);
        let index = arc.number() as usize;
        &arcs[first[index] as usize..first[index + 1] as usize]
    }

    /// A number that is the same for two networks exactly when all of their content is (but for a chance of 1 in
    /// 2^64): what was computed for one network belongs to no other.
    pub fn fingerprint(&self) -> u64 {
        self.image.checksum()
    }

    /// Counts everything; reads all of the network once.
    pub fn summary(&self) -> Summary {
        let segments = (0..self.segments() as u32).map(SegmentId);
        let one_way = |segment| {
            let has = |reverse| !self.arcs_of(DirectedSegment { segment, reverse }).is_empty();
            has(false) != has(true)
        };
        let [node_copies, turn_restrictions] = self.meta();
        Summary {
            nodes: self.nodes().len(),
            node_copies: node_copies as usize,
            segments: self.segments(),
            one_way_segments: segments.clone().filter(|segment| one_way(*segment)).count(),
            named_segments: segments.filter(|segment| !self.name(*segment).is_empty()).count(),
            names: self.image.slice::<u32>(Section::FirstNameByte).len() - 2,
            arcs: self.head().len(),
            points: self.image.slice::<LatticePoint>(Section::Points).len(),
            turn_restrictions: turn_restrictions as usize,
            length_m: self.lengths_cm().iter().map(|cm| f64::from(*cm) / 100.0).sum(),
            classes: self.classes(),
            bounds: self.bounds(),
            speed_max_m_s: self.speed_max_m_s(),
            bytes: self.image.bytes().len(),
        }
    }

    /// Node copies and turn restrictions.
    fn meta(&self) -> [u64; 2] {
        let meta: &[u64] = self.image.slice(Section::Meta);
        [meta[0], meta[1]]
    }

    /// The name with this number; number 0 is no name.
    fn name_at(&self, index: usize) -> &str {
        let first: &[u32] = self.image.slice(Section::FirstNameByte);
        let bytes: &[u8] = self.image.slice(Section::NameBytes);
        let bytes = &bytes[first[index] as usize..first[index + 1] as usize];
        std::str::from_utf8(bytes).expect("names were checked")
    }

    fn classes(&self) -> Vec<(RoadClass, usize, f64)> {
        let numbers: &[u8] = self.image.slice(Section::SegmentClass);
        let of = |class: RoadClass| {
            let lengths = numbers.iter().zip(self.lengths_cm()).filter(|(number, _)| **number == class as u8);
            let (count, cm) =
                lengths.fold((0, 0.0), |(count, cm), (_, length)| (count + 1, cm + f64::from(*length)));
            (class, count, cm / 100.0)
        };
        RoadClass::all().map(of).filter(|(_, count, _)| *count > 0).collect()
    }

    fn bounds(&self) -> (LatLng, LatLng) {
        let points: &[LatticePoint] = self.image.slice(Section::Points);
        let lats = points.iter().map(|place| place.lat_e7);
        let lons = points.iter().map(|place| place.lon_e7);
        let corner = |lat_e7: Option<i32>, lon_e7: Option<i32>| LatticePoint {
            lat_e7: lat_e7.expect("a network has points"),
            lon_e7: lon_e7.expect("a network has points"),
        };
        let south_west = corner(lats.clone().min(), lons.clone().min());
        (south_west.lat_lng(), corner(lats.max(), lons.max()).lat_lng())
    }

    fn speed_max_m_s(&self) -> f64 {
        let lengths = self.lengths_cm();
        let arcs = self.directed_segments().iter().zip(self.time_ms());
        arcs.map(|(arc, ms)| f64::from(lengths[*arc as usize / 2]) * 10.0 / f64::from(*ms))
            .fold(0.0, f64::max)
    }
}
