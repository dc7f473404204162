//! Checks the contents of an image: afterwards, every index in it is in range.
//!
//! The checksum detects damage. These checks detect a faulty writer, so that a bad file causes an error and never a
//! panic. They cost a few comparisons for each entry.

use kerb_geometry::LatLng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::class::RoadClass;
use super::hour_set::HourSet;
use super::image::{Image, Section};
use super::lattice_point::LatticePoint;
use super::segment_ends::SegmentEnds;
use crate::engine;

/// The error names the faulty section.
type CheckResult = Result<(), &'static str>;

pub(super) fn check(image: &Image) -> CheckResult {
    let nodes: &[LatticePoint] = slice(image, Section::Nodes, "the nodes")?;
    let lengths: &[u32] = slice(image, Section::LengthCm, "the lengths")?;
    let meta: &[u64] = slice(image, Section::Meta, "the counts")?;
    let arcs = check_arcs(image, nodes.len(), lengths.len())?;
    check_segments(image, lengths.len())?;
    check_segment_arcs(image, lengths.len(), arcs)?;
    check_names(image, lengths.len())?;
    check_order_section(image, nodes.len())?;
    check_ends(image, lengths.len())?;
    check_timed_arcs(image, arcs)?;
    that(meta.len() == 2, "the counts")?;
    that(!nodes.is_empty() && nodes.iter().copied().all(on_globe), "the nodes")?;
    that(lengths.iter().all(|cm| *cm > 0), "the lengths")
}

/// Checks the nodes' rows and the arcs. Returns the number of arcs.
fn check_arcs(image: &Image, nodes: usize, segments: usize) -> Result<usize, &'static str> {
    let first_out: &[u32] = slice(image, Section::FirstOut, "the first arcs of nodes")?;
    let head: &[u32] = slice(image, Section::Head, "the heads")?;
    let time_ms: &[u32] = slice(image, Section::TimeMs, "the times")?;
    let arc_directions: &[u32] = slice(image, Section::ArcDirection, "the segments of arcs")?;
    that(rows(first_out, nodes, head.len(), 0), "the first arcs of nodes")?;
    that(head.iter().all(|node| (*node as usize) < nodes), "the heads")?;
    that(time_ms.len() == head.len() && time_ms.iter().all(|ms| *ms > 0), "the times")?;
    that(
        arc_directions.len() == head.len() && arc_directions.iter().all(|arc| (*arc as usize) / 2 < segments),
        "the segments of arcs",
    )?;
    Ok(head.len())
}

fn check_segments(image: &Image, segments: usize) -> CheckResult {
    let first_point: &[u32] = slice(image, Section::FirstPoint, "the first points of segments")?;
    let points: &[LatticePoint] = slice(image, Section::Points, "the points")?;
    let ways: &[i64] = slice(image, Section::WayId, "the ways")?;
    let classes: &[u8] = slice(image, Section::SegmentClass, "the classes")?;
    that(segments > 0 && rows(first_point, segments, points.len(), 2), "the first points of segments")?;
    that(points.iter().copied().all(on_globe), "the points")?;
    that(ways.len() == segments, "the ways")?;
    that(
        classes.len() == segments && classes.iter().all(|class| RoadClass::from_number(*class).is_some()),
        "the classes",
    )
}

/// Checks that every arc is listed once, at its segment and direction.
fn check_segment_arcs(image: &Image, segments: usize, arcs: usize) -> CheckResult {
    const WHAT: &str = "the arcs of segments";
    let first: &[u32] = slice(image, Section::FirstArc, WHAT)?;
    let listed: &[u32] = slice(image, Section::SegmentArcs, WHAT)?;
    let arc_directions: &[u32] = slice(image, Section::ArcDirection, WHAT)?;
    that(rows(first, 2 * segments, arcs, 0) && listed.len() == arcs, WHAT)?;
    for (number, range) in first.windows(2).enumerate() {
        let listed = &listed[range[0] as usize..range[1] as usize];
        let right = |arc: &u32| arc_directions.get(*arc as usize).is_some_and(|own| *own as usize == number);
        that(listed.iter().all(right) && listed.is_sorted_by(|a, b| a < b), WHAT)?;
    }
    Ok(())
}

fn check_names(image: &Image, segments: usize) -> CheckResult {
    let first: &[u32] = slice(image, Section::FirstNameByte, "the names")?;
    let bytes: &[u8] = slice(image, Section::NameBytes, "the names")?;
    let of_segments: &[u32] = slice(image, Section::SegmentName, "the names of segments")?;
    let text = std::str::from_utf8(bytes).map_err(|_broken| "the names")?;
    let names = first.len().saturating_sub(1);
    that(names > 0 && rows(first, names, bytes.len(), 0), "the names")?;
    that(first.iter().all(|start| text.is_char_boundary(*start as usize)), "the names")?;
    that(
        of_segments.len() == segments && of_segments.iter().all(|name| (*name as usize) < names),
        "the names of segments",
    )
}

fn check_order_section(image: &Image, nodes: usize) -> CheckResult {
    let order: &[u32] = slice(image, Section::Order, "the order of nodes")?;
    that(engine::check_order(order, nodes).is_ok(), "the order of nodes")
}

fn check_ends(image: &Image, segments: usize) -> CheckResult {
    let islands: &[u32] = slice(image, Section::SegmentIsland, "the islands")?;
    let ends: &[SegmentEnds] = slice(image, Section::SegmentEnds, "the ends of trips")?;
    // There are at most as many islands as segments, so an index by island stays small.
    that(
        islands.len() == segments && islands.iter().all(|island| (*island as usize) < segments),
        "the islands",
    )?;
    that(ends.len() == segments && ends.iter().all(|ends| ends.is_valid()), "the ends of trips")
}

fn check_timed_arcs(image: &Image, arcs: usize) -> CheckResult {
    const WHAT: &str = "the hours of arcs";
    let timed: &[u32] = slice(image, Section::TimedArcs, WHAT)?;
    let hours: &[HourSet] = slice(image, Section::TimedHours, WHAT)?;
    that(timed.len() == hours.len() && timed.is_sorted_by(|a, b| a < b), WHAT)?;
    that(timed.last().is_none_or(|arc| (*arc as usize) < arcs), WHAT)
}

/// Whether these are the starts of `count` rows with at least `least` entries each and `total` entries together.
fn rows(first: &[u32], count: usize, total: usize, least: u32) -> bool {
    first.len() == count + 1
        && first[0] == 0
        && first[count] as usize == total
        && first.windows(2).all(|pair| pair[0].checked_add(least).is_some_and(|end| end <= pair[1]))
}

fn on_globe(point: LatticePoint) -> bool {
    LatLng::from_e7(point.lat_e7, point.lon_e7).is_ok()
}

fn slice<'a, T: FromBytes + Immutable + KnownLayout>(
    image: &'a Image,
    section: Section,
    what: &'static str,
) -> Result<&'a [T], &'static str> {
    image.try_slice(section).ok_or(what)
}

fn that(holds: bool, what: &'static str) -> CheckResult {
    if holds { Ok(()) } else { Err(what) }
}
