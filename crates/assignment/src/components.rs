//! Numbers rows and columns along the edges, component by component, and cuts the numbers into parts that have
//! nothing to do with each other.
//!
//! The order is breadth first, so that what is near in the table is near in memory: a search of the solver stays in
//! the cache.

use std::ops::Range;

use super::Problem;

/// Rows and columns in their new order.
pub(super) struct Numbering {
    /// The problem's row of each new number.
    pub(super) rows: Vec<u32>,
    /// The problem's column of each new number. Columns that no row can have are not in it.
    pub(super) columns: Vec<u32>,
    /// The new number of each column of the problem.
    pub(super) column_numbers: Vec<u32>,
    /// Connected components in order.
    components: Vec<Component>,
}

/// Where a component ends, in new numbers.
struct Component {
    rows_end: usize,
    columns_end: usize,
    edges: usize,
}

/// Some whole components, in new numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

const UNSEEN: u32 = u32::MAX;

impl Numbering {
    pub(super) fn of(problem: &Problem) -> Self {
        let (row_count, column_count) = (problem.rows() as usize, problem.columns() as usize);
        let rows_of = RowsOfColumns::of(problem);
        let mut seen = vec![false; row_count];
        let mut numbering = Self {
            rows: Vec::with_capacity(row_count),
            columns: Vec::with_capacity(column_count),
            column_numbers: vec![UNSEEN; column_count],
            components: Vec::new(),
        };
        for first in 0..problem.rows() {
            if !seen[first as usize] {
                numbering.add_component(problem, &rows_of, &mut seen, first);
            }
        }
        numbering
    }

    /// Whole components in at most `count` parts of about the same number of edges.
    pub(super) fn parts(&self, count: usize) -> Vec<Part> {
        let edges: usize = self.components.iter().map(|component| component.edges).sum();
        let share = edges.div_ceil(count.max(1)).max(1);
        let mut parts = Vec::new();
        let (mut rows_start, mut columns_start, mut filled) = (0, 0, 0);
        for (index, component) in self.components.iter().enumerate() {
            filled += component.edges;
            if filled >= share || index + 1 == self.components.len() {
                parts.push(Part {
                    rows: rows_start..component.rows_end,
                    columns: columns_start..component.columns_end,
                });
                (rows_start, columns_start, filled) = (component.rows_end, component.columns_end, 0);
            }
        }
        parts
    }

    /// All that can be reached from the row `first`, which was not seen yet.
    fn add_component(&mut self, problem: &Problem, rows_of: &RowsOfColumns, seen: &mut [bool], first: u32) {
        let mut edges = 0;
        let mut next = self.rows.len();
        seen[first as usize] = true;
        self.rows.push(first);
        while let Some(&row) = self.rows.get(next) {
            next += 1;
            edges += problem.edges(row).len();
            for edge in problem.edges(row) {
                if self.column_numbers[edge.column as usize] != UNSEEN {
                    continue;
                }
                self.column_numbers[edge.column as usize] = self.columns.len() as u32;
                self.columns.push(edge.column);
                for &row in rows_of.rows(edge.column) {
                    if !std::mem::replace(&mut seen[row as usize], true) {
                        self.rows.push(row);
                    }
                }
            }
        }
        let (rows_end, columns_end) = (self.rows.len(), self.columns.len());
        self.components.push(Component { rows_end, columns_end, edges });
    }
}

/// The edges seen from the columns.
struct RowsOfColumns {
    /// Where each column's rows end in `rows`; they start where those of the column before end.
    ends: Vec<u32>,
    rows: Vec<u32>,
}

impl RowsOfColumns {
    fn of(problem: &Problem) -> Self {
        let mut ends = vec![0; problem.columns() as usize + 1];
        for edge in &problem.edges {
            ends[edge.column as usize + 1] += 1;
        }
        for column in 1..ends.len() {
            ends[column] += ends[column - 1];
        }
        // Starts so far; each moves to its column's end.
        let mut rows = vec![0; problem.edges.len()];
        for row in 0..problem.rows() {
            for edge in problem.edges(row) {
                let at = &mut ends[edge.column as usize];
                rows[*at as usize] = row;
                *at += 1;
            }
        }
        Self { ends, rows }
    }

    fn rows(&self, column: u32) -> &[u32] {
        let column = column as usize;
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.rows[start as usize..self.ends[column] as usize]
    }
}
