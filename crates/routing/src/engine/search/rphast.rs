//! RPHAST: the times from many rows to many columns, over at least one node each.
//!
//! Delling, Goldberg, Werneck, "Faster Batched Shortest Paths in Road Networks" (ATMOS 2011). The selection (all
//! ancestors of the columns) is computed once and laid out in descending rank. Then sixteen rows at a time walk up the
//! elimination tree and are swept down over the selection. The sixteen times of a node are adjacent in memory, so that
//! one step of the sweep is one vector addition and one vector minimum.

use crate::engine::hierarchy::NONE;
use crate::engine::hierarchy::elimination_tree::EliminationTreeWalk;
use crate::engine::hierarchy::search_arcs::SearchArcs;
use crate::engine::phantom_node::Access;
use crate::engine::streets::UNREACHABLE_MS;

/// The number of rows that one sweep computes. Sixteen 32-bit numbers fill a cache line and one AVX-512 register.
const LANES: usize = 16;

/// One time for each row of a sweep. Signed, because every processor has a signed vector minimum. All values are below
/// 2^31 (see [`UNREACHABLE_MS`]), so casts between `i32` and `u32` keep them.
type Lanes = [i32; LANES];

const UNREACHED: Lanes = [UNREACHABLE_MS as i32; LANES];

/// The reusable memory of the sweeps.
#[derive(Debug)]
pub(in crate::engine) struct Sweep {
    /// By rank, the times of the upward walk. Only the visited nodes differ from [`UNREACHED`].
    upward: Vec<Lanes>,
    /// By rank, the index in the selection; [`NONE`] for nodes outside of it.
    selected: Vec<u32>,
    tree_walk: EliminationTreeWalk,
    visited: Vec<u32>,
}

/// All ancestors of the columns in descending rank, and their arcs from higher nodes.
struct Selection {
    nodes: Vec<u32>,
    /// The first arc of each selected node, and one final entry with the number of arcs.
    first: Vec<u32>,
    /// The index in the selection of an arc's higher end, and the arc's time.
    arcs: Vec<(u32, i32)>,
}

/// The accesses of many phantom node lists in one allocation.
pub(in crate::engine) struct Accesses {
    first: Vec<u32>,
    all: Vec<Access>,
}

/// The search arcs of both directions, and the elimination tree.
#[derive(Clone, Copy)]
pub(in crate::engine) struct SearchGraph<'a> {
    /// The parent of each rank in the elimination tree.
    pub(in crate::engine) parent: &'a [u32],
    /// The arcs of the rows' upward walk.
    pub(in crate::engine) up: &'a SearchArcs,
    /// The arcs of the sweep.
    pub(in crate::engine) down: &'a SearchArcs,
}

impl Accesses {
    /// Collects the accesses of each list in turn.
    pub(in crate::engine) fn new<I: Iterator<Item = Access>>(lists: impl Iterator<Item = I>) -> Accesses {
        let (mut first, mut all) = (vec![0], Vec::new());
        for list in lists {
            all.extend(list);
            // 2^32 accesses would take about 50 GB.
            first.push(all.len() as u32);
        }
        Accesses { first, all }
    }

    /// The number of lists.
    pub(in crate::engine) fn len(&self) -> usize {
        self.first.len() - 1
    }

    fn of(&self, list: usize) -> &[Access] {
        &self.all[self.first[list] as usize..self.first[list + 1] as usize]
    }
}

impl Sweep {
    /// Allocates memory for a network of this many nodes.
    pub(in crate::engine) fn new(nodes: usize) -> Sweep {
        let (upward, selected) = (vec![UNREACHED; nodes], vec![NONE; nodes]);
        Sweep { upward, selected, tree_walk: EliminationTreeWalk::default(), visited: Vec::new() }
    }

    /// Calls `cell` with the row, the column and the time of every pair.
    pub(in crate::engine) fn run(
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
                accesses.map(|access| (self.selected[access.node as usize], access.time_ms as i32)).collect()
            })
            .collect();
        // Rows that start near each other in the tree share most of their upward walk, so they go into one batch.
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|row| rows.of(*row as usize).first().map(|access| access.node));
        let mut swept = vec![UNREACHED; selection.nodes.len()];
        for batch in order.chunks(LANES) {
            self.walk_up(graph, batch.iter().map(|row| rows.of(*row as usize)));
            self.sweep(&selection, &mut swept);
            for (column, goals) in goals.iter().enumerate() {
                let lanes = nearest(goals, &swept);
                // `zip` drops the unused lanes of the last batch.
                for (row, time_ms) in batch.iter().zip(lanes) {
                    cell(*row as usize, column, time_ms as u32);
                }
            }
            self.clear();
        }
        selection.nodes.iter().for_each(|node| self.selected[*node as usize] = NONE);
    }

    /// Selects all ancestors of the columns' accesses.
    fn select(&mut self, graph: SearchGraph<'_>, columns: &Accesses) -> Selection {
        let mut nodes = Vec::new();
        for access in &columns.all {
            let mut node = access.node;
            // Ends at an ancestor that is already selected, or after the root, whose parent NONE is no index.
            while self.selected.get(node as usize) == Some(&NONE) {
                self.selected[node as usize] = 0;
                nodes.push(node);
                node = graph.parent[node as usize];
            }
        }
        nodes.sort_unstable_by(|a, b| b.cmp(a));
        let (mut first, mut arcs) = (vec![0], Vec::new());
        for (index, &node) in nodes.iter().enumerate() {
            self.selected[node as usize] = index as u32;
            // The higher ends are ancestors of the node: they are selected and have their final index already.
            let row = graph.down.of(node).iter();
            arcs.extend(row.map(|arc| (self.selected[arc.high as usize], arc.time_ms as i32)));
            first.push(arcs.len() as u32);
        }
        Selection { nodes, first, arcs }
    }

    /// Walks up from all rows of a batch at once, each in its own lane.
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
            for arc in graph.up.of(node) {
                relax(&mut self.upward[arc.high as usize], &lanes, arc.time_ms as i32);
            }
        }
    }

    /// Computes the final times of all selected nodes, from high to low.
    fn sweep(&self, selection: &Selection, swept: &mut [Lanes]) {
        for (index, (&node, row)) in selection.nodes.iter().zip(selection.first.windows(2)).enumerate() {
            let mut lanes = self.upward[node as usize];
            for &(high, time_ms) in &selection.arcs[row[0] as usize..row[1] as usize] {
                relax(&mut lanes, &swept[high as usize], time_ms);
            }
            swept[index] = lanes;
        }
    }

    fn clear(&mut self) {
        for node in self.visited.drain(..) {
            self.upward[node as usize] = UNREACHED;
        }
    }
}

/// The times to the nearest of a column's accesses.
fn nearest(goals: &[(u32, i32)], swept: &[Lanes]) -> Lanes {
    let mut lanes = UNREACHED;
    for &(index, time_ms) in goals {
        relax(&mut lanes, &swept[index as usize], time_ms);
    }
    lanes
}

/// Lowers each lane to the other lane plus a time.
#[inline]
fn relax(lanes: &mut Lanes, others: &Lanes, time_ms: i32) {
    for (lane, other) in lanes.iter_mut().zip(others) {
        *lane = (*lane).min(other + time_ms);
    }
}
