//! Puts turn restrictions into the graph, so that no search has to know of them.
//!
//! An arc that may not turn everywhere ends in a copy of its junction that has only the arcs it may turn into (node
//! splitting, as in Winter, "Modeling Costs of Turns in Route Planning", `GeoInformatica` 6, 2002, but only where a
//! restriction is). Arcs with the same forbidden turns share a copy.

use std::collections::{BTreeMap, BTreeSet};

use super::report::RestrictionCounts;
use super::restrictions::{Kind, Restriction};
use super::streets::{Map, Piece, Pieces, Streets};

/// The graph before it is sorted.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// The junction of each node. The junctions come first, each its own; then the copies.
    pub(super) junction_of: Vec<u32>,
    pub(super) arcs: Vec<GraphArc>,
    /// The directions whose turns are restricted, once for each restriction.
    pub(super) restricted: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GraphArc {
    pub(super) tail: u32,
    pub(super) head: u32,
    /// Twice the number of the piece, and one more against its points.
    pub(super) direction: u32,
}

/// The directions that leave each junction, and where each leads.
struct Junctions<'a> {
    streets: &'a Streets,
    pieces: &'a [Piece],
    out: Vec<Vec<u32>>,
}

/// What an arc may not do at its end.
#[derive(Default)]
struct Ban {
    forbidden: BTreeSet<u32>,
    only: BTreeSet<u32>,
}

pub(super) fn expand(
    streets: &Streets,
    pieces: &Pieces,
    vias: &Map<i64, u32>,
    counts: &mut RestrictionCounts,
) -> Graph {
    let junctions = Junctions::new(streets, pieces);
    let mut bans: BTreeMap<u32, Ban> = BTreeMap::new();
    let mut restricted = Vec::new();
    for restriction in &streets.restrictions {
        let turns = vias.get(&restriction.via).map(|via| junctions.turns(restriction, *via));
        match turns {
            Some(Turns::Clear { from, to }) => {
                counts.kept += 1;
                restricted.extend(from.iter().take(1));
                for direction in from {
                    let ban = bans.entry(direction).or_default();
                    match restriction.kind {
                        Kind::No => ban.forbidden.extend(&to),
                        Kind::Only => ban.only.extend(&to),
                    }
                }
            }
            Some(Turns::Unclear) => counts.unclear += 1,
            Some(Turns::None) | None => counts.without_effect += 1,
        }
    }
    junctions.split(&bans, pieces.junctions.len(), restricted)
}

/// The turns that a restriction speaks of.
enum Turns {
    Clear {
        from: Vec<u32>,
        to: Vec<u32>,
    },
    /// Nobody can come, or nobody could turn that way.
    None,
    /// A street passes the node, so that its two sides cannot be told apart.
    Unclear,
}

impl<'a> Junctions<'a> {
    fn new(streets: &'a Streets, pieces: &'a Pieces) -> Self {
        let mut out = vec![Vec::new(); pieces.junctions.len()];
        for (index, piece) in pieces.pieces.iter().enumerate() {
            for (side, speed) in streets.ways[piece.street as usize].speed_kmh.iter().enumerate() {
                if speed.is_some() {
                    out[piece.ends[side] as usize].push(index as u32 * 2 + side as u32);
                }
            }
        }
        Self { streets, pieces: &pieces.pieces, out }
    }

    fn way_id(&self, direction: u32) -> i64 {
        self.streets.ways[self.pieces[direction as usize / 2].street as usize].way_id
    }

    fn end(&self, direction: u32) -> u32 {
        self.pieces[direction as usize / 2].ends[1 - direction as usize % 2]
    }

    fn is_open(&self, direction: u32) -> bool {
        let street = self.pieces[direction as usize / 2].street as usize;
        self.streets.ways[street].speed_kmh[direction as usize % 2].is_some()
    }

    /// The directions of a restriction at its junction. What leaves it by a way is there by itself; what comes in by a
    /// way is the other side of a piece that ends there, whether or not that piece may be left again.
    fn turns(&self, restriction: &Restriction, via: u32) -> Turns {
        let touching = self.touching(via, &restriction.from);
        let from: Vec<u32> = touching.into_iter().map(|leaving| leaving ^ 1).collect();
        let to = self.touching(via, &restriction.to);
        if has_two_of_one_way(&from, |direction| self.way_id(direction))
            || has_two_of_one_way(&to, |direction| self.way_id(direction))
        {
            return Turns::Unclear;
        }
        let open = |directions: Vec<u32>| -> Vec<u32> {
            directions.into_iter().filter(|direction| self.is_open(*direction)).collect()
        };
        let (from, to) = (open(from), open(to));
        if from.is_empty() || to.is_empty() { Turns::None } else { Turns::Clear { from, to } }
    }

    /// The directions that lead away from a junction along these ways, open or not.
    fn touching(&self, via: u32, ways: &[i64]) -> Vec<u32> {
        ways.iter()
            .flat_map(|way| self.of_way(*way))
            .filter(|direction| self.end(direction ^ 1) == via)
            .collect()
    }

    /// All directions of a way. Streets are in the order of their ids, and pieces in the order of streets.
    fn of_way(&self, way: i64) -> impl Iterator<Item = u32> + use<> {
        let id = |piece: &Piece| self.streets.ways[piece.street as usize].way_id;
        let first = self.pieces.partition_point(|piece| id(piece) < way);
        let end = self.pieces.partition_point(|piece| id(piece) <= way);
        first as u32 * 2..end as u32 * 2
    }

    /// Makes the copies and all arcs.
    fn split(&self, bans: &BTreeMap<u32, Ban>, junctions: usize, restricted: Vec<u32>) -> Graph {
        let mut graph =
            Graph { junction_of: (0..junctions as u32).collect(), restricted, ..Graph::default() };
        let mut copies: BTreeMap<(u32, Vec<u32>), u32> = BTreeMap::new();
        let mut heads: Map<u32, u32> = Map::default();
        for (direction, ban) in bans {
            let junction = self.end(*direction);
            let forbidden = ban.forbidden(&self.out[junction as usize]);
            if !forbidden.is_empty() {
                let copy = *copies.entry((junction, forbidden)).or_insert_with(|| {
                    graph.junction_of.push(junction);
                    graph.junction_of.len() as u32 - 1
                });
                heads.insert(*direction, copy);
            }
        }
        let head = |direction: u32| heads.get(&direction).copied().unwrap_or_else(|| self.end(direction));
        for (junction, out) in self.out.iter().enumerate() {
            let arcs = out.iter().map(|direction| (junction as u32, *direction));
            graph.arcs.extend(arcs.map(|(tail, direction)| GraphArc {
                tail,
                head: head(direction),
                direction,
            }));
        }
        for ((junction, forbidden), copy) in &copies {
            let allowed =
                self.out[*junction as usize].iter().filter(|direction| !forbidden.contains(direction));
            graph.arcs.extend(allowed.map(|direction| GraphArc {
                tail: *copy,
                head: head(*direction),
                direction: *direction,
            }));
        }
        graph
    }
}

impl Ban {
    /// The directions out of the junction that are forbidden, sorted.
    fn forbidden(&self, out: &[u32]) -> Vec<u32> {
        let is_forbidden = |direction: &&u32| {
            self.forbidden.contains(*direction) || (!self.only.is_empty() && !self.only.contains(*direction))
        };
        let mut forbidden: Vec<u32> = out.iter().filter(is_forbidden).copied().collect();
        forbidden.sort_unstable();
        forbidden
    }
}

fn has_two_of_one_way(directions: &[u32], way_id: impl Fn(u32) -> i64) -> bool {
    let mut ids: Vec<i64> = directions.iter().map(|direction| way_id(*direction)).collect();
    ids.sort_unstable();
    ids.windows(2).any(|pair| pair[0] == pair[1])
}
