//! Writes the kept graph into the arrays of a network.

use kerb_geometry::LatLng;
use zerocopy::IntoBytes;

use super::ends;
use super::kept_graph::{KeptGraph, NONE};
use super::through::ThroughAccess;
use super::turn_expansion::ExpandedGraph;
use crate::engine;
use crate::import::error::ImportError;
use crate::import::streets::COUNT_MAX;
use crate::import::streets::{Piece, Pieces, Street, Streets, time_ms};
use crate::network::HourSet;
use crate::network::Image;
use crate::network::LatticePoint;
use crate::network::Network;

/// Makes the network of a kept graph.
pub(super) fn lay_out(
    kept: &KeptGraph,
    streets: &Streets,
    pieces: &Pieces,
    access: &ThroughAccess,
    graph: &ExpandedGraph,
) -> Result<Network, ImportError> {
    let segments = Segments::new(kept, streets, pieces);
    let counts = [("the number of points", segments.points.len()), ("the number of arcs", kept.arcs.len())];
    if let Some((what, _)) = counts.into_iter().find(|(_, count)| *count > COUNT_MAX) {
        return Err(ImportError::TooLarge { what });
    }
    let position =
        |node: &u32| LatticePoint::from(pieces.junctions[graph.junction_of[*node as usize] as usize]);
    let nodes: Vec<LatticePoint> = kept.nodes.iter().map(position).collect();
    let first_out = rows(nodes.len(), kept.arcs.iter().map(|arc| arc.tail));
    let head: Vec<u32> = kept.arcs.iter().map(|arc| arc.head).collect();
    let arc_directions: Vec<u32> = kept.arcs.iter().map(|arc| arc.direction).collect();
    let time_ms: Vec<u32> =
        arc_directions.iter().map(|arc| arc_time_ms(*arc, kept, streets, pieces)).collect();
    let first_arc = rows(2 * segments.lengths.len(), arc_directions.iter().copied());
    let mut segment_arcs: Vec<u32> = (0..kept.arcs.len() as u32).collect();
    segment_arcs.sort_by_key(|arc| arc_directions[*arc as usize]);
    let positions: Vec<LatLng> = nodes.iter().map(|node| node.lat_lng()).collect();
    let order = engine::nested_dissection_order(&positions, &first_out, &head);
    let islands: Vec<u32> = kept.pieces.iter().map(|piece| access.islands[*piece as usize]).collect();
    let segment_ends = ends::segment_ends(kept, streets, pieces, access);
    let timed = (0..).zip(&kept.arcs).filter(|(_, arc)| arc.closed > 0);
    let (timed_arcs, timed_hours): (Vec<u32>, Vec<HourSet>) =
        timed.map(|(number, arc): (u32, _)| (number, graph.hours[arc.closed as usize])).unzip();
    let meta = [kept.copies(graph), kept.restrictions];
    Ok(Network::from_image(Image::build(&[
        meta.as_bytes(),
        nodes.as_bytes(),
        first_out.as_bytes(),
        head.as_bytes(),
        time_ms.as_bytes(),
        arc_directions.as_bytes(),
        segments.first_point.as_bytes(),
        segments.points.as_bytes(),
        segments.lengths.as_bytes(),
        segments.way_ids.as_bytes(),
        segments.names.of_segments.as_bytes(),
        &segments.classes,
        first_arc.as_bytes(),
        segment_arcs.as_bytes(),
        segments.names.first_byte.as_bytes(),
        &segments.names.bytes,
        order.as_bytes(),
        islands.as_bytes(),
        segment_ends.as_bytes(),
        timed_arcs.as_bytes(),
        timed_hours.as_bytes(),
    ])))
}

/// The arrays with the properties of segments.
struct Segments {
    first_point: Vec<u32>,
    points: Vec<LatticePoint>,
    /// The length of each segment in centimeters.
    lengths: Vec<u32>,
    way_ids: Vec<i64>,
    classes: Vec<u8>,
    names: Names,
}

impl Segments {
    fn new(kept: &KeptGraph, streets: &Streets, pieces: &Pieces) -> Segments {
        let pieces = || kept.pieces.iter().map(|piece| &pieces.pieces[*piece as usize]);
        let ways = || pieces().map(|piece| street_of(streets, piece));
        Segments {
            first_point: starts(pieces().map(|piece| piece.points.len())),
            points: pieces()
                .flat_map(|piece| &piece.points)
                .map(|point| LatticePoint::from(*point))
                .collect(),
            lengths: pieces().map(|piece| piece.length_cm).collect(),
            way_ids: ways().map(|way| way.way_id).collect(),
            classes: ways().map(|way| way.class as u8).collect(),
            names: Names::new(streets, ways().map(|way| way.name)),
        }
    }
}

fn street_of<'a>(streets: &'a Streets, piece: &Piece) -> &'a Street {
    &streets.ways[piece.street as usize]
}

/// The time along a direction in milliseconds, by its new number.
fn arc_time_ms(direction: u32, kept: &KeptGraph, streets: &Streets, pieces: &Pieces) -> u32 {
    let piece = &pieces.pieces[kept.pieces[direction as usize / 2] as usize];
    let lane = street_of(streets, piece).lanes[direction as usize % 2];
    time_ms(piece.length_cm, lane.expect("only open directions have arcs").speed_kmh)
}

/// The names in the order of their first segment; name 0 is empty.
struct Names {
    of_segments: Vec<u32>,
    first_byte: Vec<u32>,
    bytes: Vec<u8>,
}

impl Names {
    fn new(streets: &Streets, of_segments: impl Iterator<Item = u32>) -> Names {
        let mut numbers = vec![NONE; streets.names.len().max(1)];
        numbers[0] = 0;
        let mut names = Names { of_segments: Vec::new(), first_byte: vec![0, 0], bytes: Vec::new() };
        for name in of_segments {
            let number = &mut numbers[name as usize];
            if *number == NONE {
                *number = names.first_byte.len() as u32 - 1;
                names.bytes.extend(streets.names[name as usize].as_bytes());
                names.first_byte.push(names.bytes.len() as u32);
            }
            names.of_segments.push(*number);
        }
        names
    }
}

/// The start of each key's row when entries are sorted by key, and the end of the last row.
fn rows(keys: usize, entries: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut counts = vec![0; keys];
    for key in entries {
        counts[key as usize] += 1;
    }
    starts(counts.into_iter())
}

/// The starts of rows with these lengths, and the end of the last row. `lay_out` checks that the totals fit 32 bits.
fn starts(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut end = 0;
    let ends = lengths.map(|length| {
        end += length as u32;
        end
    });
    std::iter::once(0).chain(ends).collect()
}
