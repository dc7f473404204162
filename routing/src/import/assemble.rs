//! Makes the network out of pieces and arcs: keeps the largest strongly connected part and numbers everything anew, by
//! where it is, so that what is near on the ground is near in memory.

use kerb_spatial::Morton;
use zerocopy::IntoBytes;

use super::component::{self, Parts};
use super::error::ImportError;
use super::report::{DroppedCounts, Report};
use super::streets::{Pieces, Street, Streets, time_ms};
use super::turns::{Graph, GraphArc};
use super::{COUNT_MAX, Imported};
use crate::Network;
use crate::file::Image;
use crate::graph::Place;

/// A number that nothing has.
const NONE: u32 = u32::MAX;

pub(super) fn assemble(
    streets: &Streets,
    pieces: &Pieces,
    graph: &Graph,
    mut report: Report,
) -> Result<Imported, ImportError> {
    let parts = component::largest(graph.junction_of.len(), &graph.arcs);
    let kept = Kept::new(pieces, graph, &parts);
    if kept.arcs.is_empty() {
        return Err(ImportError::NoStreets { ways: report.ways_read, drivable: report.streets });
    }
    report.dropped = kept.dropped(pieces, graph, &parts);
    let network = kept.write(streets, pieces, graph)?;
    Ok(Imported { network, report })
}

/// What stays, in its new order.
struct Kept {
    /// Old numbers of nodes by new ones.
    nodes: Vec<u32>,
    /// Old numbers of pieces by new ones.
    pieces: Vec<u32>,
    /// With new numbers, in the order of tails.
    arcs: Vec<GraphArc>,
    /// Restrictions on arcs that stay.
    restrictions: u64,
}

impl Kept {
    fn new(pieces: &Pieces, graph: &Graph, parts: &Parts) -> Kept {
        let stays = |node: u32| parts.in_largest[node as usize];
        let place = |node: u32| Morton::from(pieces.junctions[graph.junction_of[node as usize] as usize]);
        let mut nodes: Vec<u32> = (0..graph.junction_of.len() as u32).filter(|node| stays(*node)).collect();
        nodes.sort_by_key(|node| place(*node));
        let new_node = inverse(&nodes, graph.junction_of.len());

        let mut arcs: Vec<GraphArc> =
            graph.arcs.iter().filter(|arc| stays(arc.tail) && stays(arc.head)).copied().collect();
        let mut directions = vec![false; pieces.pieces.len() * 2];
        for arc in &arcs {
            directions[arc.direction as usize] = true;
        }
        let is_used = |piece: &u32| directions[*piece as usize * 2] || directions[*piece as usize * 2 + 1];
        let mut kept_pieces: Vec<u32> = (0..pieces.pieces.len() as u32).filter(is_used).collect();
        kept_pieces.sort_by_key(|piece| Morton::from(pieces.pieces[*piece as usize].points[0]));
        let new_piece = inverse(&kept_pieces, pieces.pieces.len());

        for arc in &mut arcs {
            *arc = GraphArc {
                tail: new_node[arc.tail as usize],
                head: new_node[arc.head as usize],
                direction: new_piece[arc.direction as usize / 2] * 2 + arc.direction % 2,
            };
        }
        arcs.sort_by_key(|arc| (arc.tail, arc.head, arc.direction));
        let restricted = graph.restricted.iter().filter(|direction| directions[**direction as usize]);
        Kept { nodes, pieces: kept_pieces, arcs, restrictions: restricted.count() as u64 }
    }

    fn dropped(&self, pieces: &Pieces, graph: &Graph, parts: &Parts) -> DroppedCounts {
        let cm = |piece: u32| f64::from(pieces.pieces[piece as usize].length_cm);
        let all_cm: f64 = (0..pieces.pieces.len() as u32).map(cm).sum();
        let kept_cm: f64 = self.pieces.iter().map(|piece| cm(*piece)).sum();
        DroppedCounts {
            components: parts.count as u64 - 1,
            nodes: (graph.junction_of.len() - self.nodes.len()) as u64,
            segments: (pieces.pieces.len() - self.pieces.len()) as u64,
            length_m: (all_cm - kept_cm).round() / 100.0,
        }
    }

    fn write(&self, streets: &Streets, pieces: &Pieces, graph: &Graph) -> Result<Network, ImportError> {
        let segments = || self.pieces.iter().map(|piece| &pieces.pieces[*piece as usize]);
        let street_of = |piece: &super::streets::Piece| -> &Street { &streets.ways[piece.street as usize] };
        let point_count: usize = segments().map(|piece| piece.points.len()).sum();
        for (what, count) in [("the number of points", point_count), ("the number of arcs", self.arcs.len())]
        {
            if count > COUNT_MAX {
                return Err(ImportError::TooLarge { what });
            }
        }
        let place = |node: &u32| Place::from(pieces.junctions[graph.junction_of[*node as usize] as usize]);
        let nodes: Vec<Place> = self.nodes.iter().map(place).collect();
        let first_out = rows(nodes.len(), self.arcs.iter().map(|arc| arc.tail));
        let head: Vec<u32> = self.arcs.iter().map(|arc| arc.head).collect();
        let arc_segment: Vec<u32> = self.arcs.iter().map(|arc| arc.direction).collect();
        let points: Vec<Place> =
            segments().flat_map(|piece| piece.points.iter().copied()).map(Place::from).collect();
        let first_point = starts(segments().map(|piece| piece.points.len()));
        let lengths: Vec<u32> = segments().map(|piece| piece.length_cm).collect();
        let way_ids: Vec<i64> = segments().map(|piece| street_of(piece).way_id).collect();
        let classes: Vec<u8> = segments().map(|piece| street_of(piece).class as u8).collect();
        let names = Names::new(streets, segments().map(|piece| street_of(piece).name));
        let mut by_segment: Vec<u32> = (0..self.arcs.len() as u32).collect();
        by_segment.sort_by_key(|arc| arc_segment[*arc as usize]);
        let first_arc = rows(2 * lengths.len(), arc_segment.iter().copied());
        let time_ms: Vec<u32> = arc_segment
            .iter()
            .map(|direction| {
                let piece = &pieces.pieces[self.pieces[*direction as usize / 2] as usize];
                let speed = street_of(piece).speed_kmh[*direction as usize % 2];
                time_ms(piece.length_cm, speed.expect("only open directions have arcs"))
            })
            .collect();
        let meta = [self.copies(graph), self.restrictions];
        Ok(Network::from_image(Image::build([
            meta.as_bytes(),
            nodes.as_bytes(),
            first_out.as_bytes(),
            head.as_bytes(),
            time_ms.as_bytes(),
            arc_segment.as_bytes(),
            first_point.as_bytes(),
            points.as_bytes(),
            lengths.as_bytes(),
            way_ids.as_bytes(),
            names.of_segments.as_bytes(),
            &classes,
            first_arc.as_bytes(),
            by_segment.as_bytes(),
            names.first_byte.as_bytes(),
            &names.bytes,
        ])))
    }

    /// Nodes beyond one for each junction.
    fn copies(&self, graph: &Graph) -> u64 {
        let mut junctions: Vec<u32> =
            self.nodes.iter().map(|node| graph.junction_of[*node as usize]).collect();
        junctions.sort_unstable();
        junctions.dedup();
        (self.nodes.len() - junctions.len()) as u64
    }
}

/// Names in the order in which segments first have them; number 0 is empty.
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

/// New numbers by old ones.
fn inverse(old: &[u32], count: usize) -> Vec<u32> {
    let mut new = vec![NONE; count];
    for (number, old) in old.iter().enumerate() {
        new[*old as usize] = number as u32;
    }
    new
}

/// Where the row of each key begins when the entries are sorted by key.
fn rows(keys: usize, entries: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut counts = vec![0; keys];
    for key in entries {
        counts[key as usize] += 1;
    }
    starts(counts.into_iter())
}

/// Where rows of these lengths begin, and where the last ends.
fn starts(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut end = 0;
    let ends = lengths.map(|length| {
        end += length as u32;
        end
    });
    std::iter::once(0).chain(ends).collect()
}
