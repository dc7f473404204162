//! Tables of times, many to many.
//!
//! RPHAST (Delling, Goldberg, Werneck, "Faster Batched Shortest Paths in Road Networks", ATMOS 2011): what is above the
//! columns is selected and laid out once; then sixteen rows at a time walk up the tree, and are swept down over the selection.
//! The sixteen distances of a node stand side by side, so that a step is one addition and one minimum of a vector.

use super::UNREACHABLE_MS;
use super::elimination_tree::EliminationTreeWalk;
use super::hierarchy::NONE;
use super::phantom_node::{Access, PhantomNode, on_one_arc};
use super::search_arcs::SearchArcs;

/// How many rows are computed at once. Sixteen numbers are a line of the cache, and of AVX-512 one register.
const LANES: usize = 16;

/// One distance for each row that is being computed, signed for the sake of the vector unit.
type Lanes = [i32; LANES];

const FAR: Lanes = [UNREACHABLE_MS as i32; LANES];

/// Times between places, by row and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: usize,
    times_ms: Vec<u32>,
}

impl Table {
    /// The time in milliseconds from the source of a row to the target of a column; `None` where there is no way.
    pub fn time_ms(&self, source: usize, target: usize) -> Option<u32> {
        let time_ms = self.row(source)[target];
        (time_ms < UNREACHABLE_MS).then_some(time_ms)
    }

    /// The times from a source, by target; [`UNREACHABLE_MS`] where there is no way.
    pub fn row(&self, source: usize) -> &[u32] {
        &self.times_ms[source * self.columns..(source + 1) * self.columns]
    }
}

/// The memory of a table's rows.
#[derive(Debug)]
pub(super) struct Sweep {
    /// By rank, far but for what the present rows visited.
    upward: Vec<Lanes>,
    /// By rank the place in the selection, [`NONE`] for what is not in it.
    place: Vec<u32>,
    tree_walk: EliminationTreeWalk,
    visited: Vec<u32>,
}

/// What is above the columns, from high to low.
struct Selection {
    nodes: Vec<u32>,
    first: Vec<u32>,
    links: Vec<(u32, i32)>,
}

/// The accesses of many places in one list.
pub(super) struct Accesses {
    first: Vec<u32>,
    all: Vec<Access>,
}

impl Accesses {
    /// Of each place in turn.
    pub(super) fn new<I: Iterator<Item = Access>>(places: impl Iterator<Item = I>) -> Accesses {
        let (mut first, mut all) = (vec![0], Vec::new());
        for place in places {
            all.extend(place);
            first.push(all.len() as u32);
        }
        Accesses { first, all }
    }

    fn of(&self, place: usize) -> &[Access] {
        &self.all[self.first[place] as usize..self.first[place + 1] as usize]
    }

    fn len(&self) -> usize {
        self.first.len() - 1
    }
}

/// The links of both directions, and the tree.
#[derive(Clone, Copy)]
pub(super) struct SearchGraph<'a> {
    /// The elimination tree.
    pub(super) parent: &'a [u32],
    /// What the rows climb by.
    pub(super) up: &'a SearchArcs,
    /// What is swept down.
    pub(super) down: &'a SearchArcs,
}

/// A table over at least one node for each pair of a row and a column.
pub(super) fn over_nodes(
    sweep: &mut Sweep,
    graph: SearchGraph<'_>,
    sources: &Accesses,
    targets: &Accesses,
) -> Table {
    let columns = targets.len();
    let mut times_ms = vec![UNREACHABLE_MS; sources.len() * columns];
    // A sweep costs the same for a few columns less; rows cost sixteenth by sixteenth.
    if targets.len() < sources.len() {
        let turned = SearchGraph { up: graph.down, down: graph.up, ..graph };
        sweep.run(turned, targets, sources, |target, source, time_ms| {
            times_ms[source * columns + target] = time_ms;
        });
    } else {
        sweep.run(graph, sources, targets, |source, target, time_ms| {
            times_ms[source * columns + target] = time_ms;
        });
    }
    Table { columns, times_ms }
}

/// Puts in the pairs that have a shorter way on one arc.
pub(super) fn add_direct<S: AsRef<[PhantomNode]>>(
    table: &mut Table,
    sources: &[S],
    targets: &[S],
    time_ms: &[u32],
) {
    let (from, to) = (by_arc(sources), by_arc(targets));
    let mut to = &to[..];
    for &(end, source) in &from {
        to = &to[to.partition_point(|(other, _)| other.arc < end.arc)..];
        for &(other, target) in to.iter().take_while(|(other, _)| other.arc == end.arc) {
            if let Some(direct) = on_one_arc(end, other, time_ms) {
                let cell = &mut table.times_ms[source as usize * table.columns + target as usize];
                *cell = direct.time_ms.min(*cell);
            }
        }
    }
}

fn by_arc<S: AsRef<[PhantomNode]>>(places: &[S]) -> Vec<(PhantomNode, u32)> {
    let places = places.iter().zip(0_u32..);
    let mut ends: Vec<(PhantomNode, u32)> =
        places.flat_map(|(place, index)| place.as_ref().iter().map(move |end| (*end, index))).collect();
    ends.sort_unstable_by_key(|(end, _)| end.arc);
    ends
}

impl Sweep {
    /// Memory for a network of this many nodes.
    pub(super) fn new(nodes: usize) -> Sweep {
        let (upward, place) = (vec![FAR; nodes], vec![NONE; nodes]);
        Sweep { upward, place, tree_walk: EliminationTreeWalk::default(), visited: Vec::new() }
    }

    /// Calls with row, column and time of every pair.
    fn run(
        &mut self,
        graph: SearchGraph<'_>,
        rows: &Accesses,
        columns: &Accesses,
        mut cell: impl FnMut(usize, usize, u32),
    ) {
        let selection = self.select(graph, columns);
        let goals: Vec<Vec<(u32, i32)>> = (0..columns.len())
            .map(|column| {
                let accesses = columns.of(column).iter();
                accesses.map(|access| (self.place[access.node as usize], access.time_ms as i32)).collect()
            })
            .collect();
        // Rows that begin near each other in the tree share most of their walk.
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|row| rows.of(*row as usize).first().map(|access| access.node));
        let mut swept = vec![FAR; selection.nodes.len()];
        for together in order.chunks(LANES) {
            self.walk_up(graph, together.iter().map(|row| rows.of(*row as usize)));
            self.sweep(&selection, &mut swept);
            for (column, goals) in goals.iter().enumerate() {
                let lanes = nearest(goals, &swept);
                for (row, time_ms) in together.iter().zip(lanes) {
                    cell(*row as usize, column, time_ms as u32);
                }
            }
            self.clear();
        }
        selection.nodes.iter().for_each(|node| self.place[*node as usize] = NONE);
    }

    /// All ancestors of the columns' accesses.
    fn select(&mut self, graph: SearchGraph<'_>, columns: &Accesses) -> Selection {
        let mut nodes = Vec::new();
        for access in &columns.all {
            let mut node = access.node;
            while self.place.get(node as usize) == Some(&NONE) {
                self.place[node as usize] = 0;
                nodes.push(node);
                node = graph.parent[node as usize];
            }
        }
        nodes.sort_unstable_by(|a, b| b.cmp(a));
        let (mut first, mut links) = (vec![0], Vec::new());
        for (place, &node) in nodes.iter().enumerate() {
            self.place[node as usize] = place as u32;
            let row = graph.down.of(node).iter();
            links.extend(row.map(|link| (self.place[link.high as usize], link.time_ms as i32)));
            first.push(links.len() as u32);
        }
        Selection { nodes, first, links }
    }

    /// Each row climbs in its lane.
    fn walk_up<'a>(&mut self, graph: SearchGraph<'_>, rows: impl Iterator<Item = &'a [Access]>) {
        for (lane, accesses) in rows.enumerate() {
            for access in accesses {
                let time_ms = &mut self.upward[access.node as usize][lane];
                *time_ms = (access.time_ms as i32).min(*time_ms);
                self.tree_walk.add(access.node);
            }
        }
        while let Some(node) = self.tree_walk.next(graph.parent) {
            self.visited.push(node);
            let lanes = self.upward[node as usize];
            for link in graph.up.of(node) {
                lower(&mut self.upward[link.high as usize], &lanes, link.time_ms as i32);
            }
        }
    }

    /// Down over the selection, from high to low.
    fn sweep(&self, selection: &Selection, swept: &mut [Lanes]) {
        for (place, (&node, row)) in selection.nodes.iter().zip(selection.first.windows(2)).enumerate() {
            let mut lanes = self.upward[node as usize];
            for &(high, time_ms) in &selection.links[row[0] as usize..row[1] as usize] {
                lower(&mut lanes, &swept[high as usize], time_ms);
            }
            swept[place] = lanes;
        }
    }

    fn clear(&mut self) {
        for node in self.visited.drain(..) {
            self.upward[node as usize] = FAR;
        }
    }
}

/// The distances to the nearest of a column's accesses.
fn nearest(goals: &[(u32, i32)], swept: &[Lanes]) -> Lanes {
    let mut lanes = FAR;
    for &(place, time_ms) in goals {
        lower(&mut lanes, &swept[place as usize], time_ms);
    }
    lanes
}

#[inline]
fn lower(lanes: &mut Lanes, others: &Lanes, time_ms: i32) {
    for (lane, other) in lanes.iter_mut().zip(others) {
        *lane = (*lane).min(other + time_ms);
    }
}
