//! One shortest augmenting path, from a node that is alone to where that is right.
//!
//! Dijkstra's search over *slacks* (gain + price - weight, never negative): from a node of the starting side along
//! any link, and from there back to the partner at no distance. Names are as if it started at a row; the other way
//! round it is the same.
//!
//! It ends at whichever is nearest: a column without a row, or a row of the path that may give its column up, which
//! is as far behind it as its gain. The start itself is one of those rows: no distance exceeds its gain, and so the
//! largest penalty, which makes buckets of whole distances the right queue.

use super::super::graph::Links;
use super::buckets::Buckets;
use super::part::{NONE, Node, UNREACHED};

/// The memory of searches, used again by each.
pub(super) struct Search {
    buckets: Buckets,
    /// Columns with a distance.
    reached: Vec<u32>,
    /// Columns whose distance is final and below the end's.
    settled: Vec<u32>,
}

/// Where the nearest path so far ends.
#[derive(Clone, Copy)]
enum End {
    /// At a column that nobody has.
    Free(u32),
    /// At a row that gives its column up, or at the start, which stays alone.
    GivesUp(u32),
}

impl Search {
    pub(super) fn new(largest_distance: u32) -> Self {
        Self { buckets: Buckets::new(largest_distance), reached: Vec::new(), settled: Vec::new() }
    }

    /// Ends that `start`, which has no partner, has a gain. Keeps all slacks at 0 or more, all pairs tight, and
    /// everybody else who is alone without a gain so.
    pub(super) fn run(&mut self, links: &Links, rows: &mut [Node], columns: &mut [Node], start: u32) {
        let (end, distance) = self.find(links, rows, columns, start);
        self.shift(rows, columns, start, distance);
        flip(rows, columns, start, end);
        for column in self.reached.drain(..) {
            columns[column as usize].distance = UNREACHED;
        }
        self.settled.clear();
        self.buckets.clear();
    }

    /// The nearest end and its distance.
    fn find(&mut self, links: &Links, rows: &[Node], columns: &mut [Node], start: u32) -> (End, u32) {
        let (mut end, mut end_distance) = (End::GivesUp(start), rows[start as usize].gain);
        let (mut row, mut distance) = (start, 0);
        loop {
            let reach = distance + rows[row as usize].gain;
            for link in links.of(row) {
                let column = &mut columns[link.node as usize];
                let length = reach + column.gain - link.weight;
                if length >= end_distance.min(column.distance) {
                    continue;
                }
                if column.distance == UNREACHED {
                    self.reached.push(link.node);
                }
                (column.distance, column.via) = (length, row);
                if column.partner == NONE {
                    (end, end_distance) = (End::Free(link.node), length);
                } else {
                    self.buckets.push(length, link.node);
                }
            }
            let Some(column) = self.next(columns, end_distance) else {
                return (end, end_distance);
            };
            self.settled.push(column);
            (row, distance) = (columns[column as usize].partner, columns[column as usize].distance);
            let given_up = distance + rows[row as usize].gain;
            if given_up < end_distance {
                (end, end_distance) = (End::GivesUp(row), given_up);
            }
        }
    }

    /// The nearest column that is not settled, if it is nearer than the end.
    #[inline]
    fn next(&mut self, columns: &[Node], end_distance: u32) -> Option<u32> {
        loop {
            let (distance, column) = self.buckets.pop_below(end_distance)?;
            // A column that was reached again by a shorter way was settled under that.
            if columns[column as usize].distance == distance {
                return Some(column);
            }
        }
    }

    /// Moves gains and prices so that the whole path is tight.
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

/// Gives each row of the path the column before it on the way back to the start.
fn flip(rows: &mut [Node], columns: &mut [Node], start: u32, end: End) {
    let mut column = match end {
        End::Free(column) => column,
        End::GivesUp(row) => std::mem::replace(&mut rows[row as usize].partner, NONE),
    };
    // None only when the start itself gives up.
    while column != NONE {
        let row = columns[column as usize].via;
        columns[column as usize].partner = row;
        let before = std::mem::replace(&mut rows[row as usize].partner, column);
        column = if row == start { NONE } else { before };
    }
}
