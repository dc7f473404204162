//! One shortest augmenting path, from an unmatched node with a positive gain.
//!
//! The search is Dijkstra's over *slacks* (`gain + price - weight`, never negative): from a row along any edge to a column,
//! and from there to the column's partner at the distance 0. The names are those of a search that starts at a row; a search
//! from a column swaps the two sides.
//!
//! A path has two possible ends, and the nearer one counts. Either it ends at an unmatched column, or a row of the path
//! releases its column, at the distance of the row plus its gain. The start is one of those rows, so no distance exceeds
//! the gain of the start, which is at most the largest penalty. That makes a bucket queue of integer distances possible.

use super::buckets::Buckets;
use super::node::{NONE, Node, UNREACHED};
use crate::graph::AdjacencyLists;

/// The memory of a search, which the next search reuses.
pub(super) struct Search {
    buckets: Buckets,
    /// Columns that the search has reached.
    reached: Vec<u32>,
    /// Columns whose distance is final and below that of the end.
    settled: Vec<u32>,
}

/// The end of an augmenting path.
#[derive(Clone, Copy)]
enum PathEnd {
    /// An unmatched column.
    FreeColumn(u32),
    /// A row that releases its column; or the start, which stays unmatched.
    ReleasingRow(u32),
}

impl Search {
    pub(super) fn new(largest_distance: u32) -> Self {
        Self { buckets: Buckets::new(largest_distance), reached: Vec::new(), settled: Vec::new() }
    }

    /// Repairs `start`, an unmatched row with a positive gain. Keeps all slacks at 0 or more and all pairs tight, and adds no
    /// other unmatched row with a gain.
    pub(super) fn run(
        &mut self,
        edges: &AdjacencyLists,
        rows: &mut [Node],
        columns: &mut [Node],
        start: u32,
    ) {
        let (end, distance) = self.find(edges, rows, columns, start);
        self.shift(rows, columns, start, distance);
        flip(rows, columns, start, end);
        for column in self.reached.drain(..) {
            columns[column as usize].distance = UNREACHED;
        }
        self.settled.clear();
        self.buckets.clear();
    }

    /// Finds the nearest end of a path, with its distance.
    fn find(
        &mut self,
        edges: &AdjacencyLists,
        rows: &[Node],
        columns: &mut [Node],
        start: u32,
    ) -> (PathEnd, u32) {
        let (mut end, mut end_distance) = (PathEnd::ReleasingRow(start), rows[start as usize].gain);
        let (mut row, mut distance) = (start, 0);
        loop {
            let reach = distance + rows[row as usize].gain;
            for edge in edges.of(row) {
                let column = &mut columns[edge.node as usize];
                let length = reach + column.gain - edge.weight;
                if length >= end_distance.min(column.distance) {
                    continue;
                }
                if column.distance == UNREACHED {
                    self.reached.push(edge.node);
                }
                (column.distance, column.via) = (length, row);
                if column.partner == NONE {
                    (end, end_distance) = (PathEnd::FreeColumn(edge.node), length);
                } else {
                    self.buckets.push(length, edge.node);
                }
            }
            let Some(column) = self.next(columns, end_distance) else {
                return (end, end_distance);
            };
            self.settled.push(column);
            (row, distance) = (columns[column as usize].partner, columns[column as usize].distance);
            let released = distance + rows[row as usize].gain;
            if released < end_distance {
                (end, end_distance) = (PathEnd::ReleasingRow(row), released);
            }
        }
    }

    /// Returns the nearest column that is not settled, if it is nearer than the end.
    #[inline]
    fn next(&mut self, columns: &[Node], end_distance: u32) -> Option<u32> {
        loop {
            let (distance, column) = self.buckets.pop_below(end_distance)?;
            // The queue keeps stale entries: a column that was reached again over a shorter path was settled with that.
            if columns[column as usize].distance == distance {
                return Some(column);
            }
        }
    }

    /// Changes gains and prices so that the whole path is tight.
    fn shift(&self, rows: &mut [Node], columns: &mut [Node], start: u32, end_distance: u32) {
        rows[start as usize].gain -= end_distance;
        for &column in &self.settled {
            let column = &mut columns[column as usize];
            let nearer = end_distance - column.distance;
            column.gain += nearer;
            rows[column.partner as usize].gain -= nearer;
        }
    }
}

/// Matches each row of the path with the next column, back from the end to the start.
fn flip(rows: &mut [Node], columns: &mut [Node], start: u32, end: PathEnd) {
    let mut column = match end {
        PathEnd::FreeColumn(column) => column,
        PathEnd::ReleasingRow(row) => std::mem::replace(&mut rows[row as usize].partner, NONE),
    };
    // The column is `NONE` only if the start itself is the end.
    while column != NONE {
        let row = columns[column as usize].via;
        columns[column as usize].partner = row;
        let before = std::mem::replace(&mut rows[row as usize].partner, column);
        column = if row == start { NONE } else { before };
    }
}
