//! The contents of a network in numbers.

use kerb_geometry::LatLng;

use super::Network;
use super::class::RoadClass;
use super::image::Section;
use super::lattice_point::LatticePoint;
use super::segment::DirectedSegment;

/// The contents of a network in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The number of nodes, including copies of junctions.
    pub nodes: usize,
    /// The number of nodes that are copies of a junction for a turn restriction.
    pub node_copies: usize,
    /// The number of segments.
    pub segments: usize,
    /// The number of segments that are driven in one direction only.
    pub one_way_segments: usize,
    /// The number of segments with a name.
    pub named_segments: usize,
    /// The number of different names.
    pub names: usize,
    /// The number of arcs.
    pub arcs: usize,
    /// The number of points of all curves, including their ends.
    pub points: usize,
    /// The number of turn restrictions in the graph.
    pub turn_restrictions: usize,
    /// The length of all segments in meters. A segment that is driven in both directions counts once.
    pub length_m: f64,
    /// The road classes that occur, each with its number of segments and their length in meters.
    pub classes: Vec<(RoadClass, usize, f64)>,
    /// The smallest box around all points: its south-west and its north-east corner.
    pub bounds: (LatLng, LatLng),
    /// The highest speed of an arc at free flow, in meters per second.
    pub speed_max_m_s: f64,
    /// The size of the network in bytes, the same in memory and in the file.
    pub bytes: usize,
}

impl Network {
    /// Summarizes the network. Reads all of it once.
    pub fn summary(&self) -> Summary {
        let segments = self.segment_ids();
        let one_way = |segment| {
            let has = |reverse| !self.arcs_of(DirectedSegment { segment, reverse }).is_empty();
            has(false) != has(true)
        };
        let meta: &[u64] = self.image().slice(Section::Meta);
        // Both count things of this network, whose counts fit 32 bits.
        let [node_copies, turn_restrictions] = [meta[0] as usize, meta[1] as usize];
        Summary {
            nodes: self.nodes().len(),
            node_copies,
            segments: self.segments(),
            one_way_segments: segments.clone().filter(|segment| one_way(*segment)).count(),
            named_segments: segments.filter(|segment| !self.name(*segment).is_empty()).count(),
            // One entry more than names, and name 0 is the empty one.
            names: self.image().slice::<u32>(Section::FirstNameByte).len() - 2,
            arcs: self.head().len(),
            points: self.image().slice::<LatticePoint>(Section::Points).len(),
            turn_restrictions,
            length_m: self.lengths_cm().iter().map(|cm| f64::from(*cm) / 100.0).sum(),
            classes: self.class_lengths(),
            bounds: self.bounds(),
            speed_max_m_s: self.speed_max_m_s(),
            bytes: self.image().bytes().len(),
        }
    }

    fn class_lengths(&self) -> Vec<(RoadClass, usize, f64)> {
        let numbers: &[u8] = self.image().slice(Section::SegmentClass);
        let of = |class: RoadClass| {
            let lengths = numbers.iter().zip(self.lengths_cm()).filter(|(number, _)| **number == class as u8);
            let (count, cm) =
                lengths.fold((0, 0.0), |(count, cm), (_, length)| (count + 1, cm + f64::from(*length)));
            (class, count, cm / 100.0)
        };
        RoadClass::all().map(of).filter(|(_, count, _)| *count > 0).collect()
    }

    fn bounds(&self) -> (LatLng, LatLng) {
        let points: &[LatticePoint] = self.image().slice(Section::Points);
        let lats = points.iter().map(|point| point.lat_e7);
        let lons = points.iter().map(|point| point.lon_e7);
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
        // One cm in one ms is 10 m/s.
        arcs.map(|(arc, ms)| f64::from(lengths[*arc as usize / 2]) * 10.0 / f64::from(*ms))
            .fold(0.0, f64::max)
    }
}
