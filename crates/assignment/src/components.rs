//! Renumbers rows and columns by connected component, and divides the components into independent groups.
//!
//! The order within a component is breadth first. Nodes that are near in the graph are then near in memory, so that a
//! search of the solver stays in the cache.

use std::ops::Range;

use crate::problem::Problem;

/// The new order of rows and columns.
pub(super) struct NodeOrder {
    /// The row of the problem for each new number.
    pub(super) rows: Vec<u32>,
    /// The column of the problem for each new number. Columns without an edge have no new number.
    pub(super) columns: Vec<u32>,
    /// The new number of each column of the problem; [`UNSEEN`] for a column without an edge.
    pub(super) column_numbers: Vec<u32>,
    /// The connected components, in the order of their numbers.
    components: Vec<Component>,
}

/// The ends of a component, in new numbers; it starts at the ends of the component before.
struct Component {
    rows_end: usize,
    columns_end: usize,
    edges: usize,
}

/// One or more whole components: ranges of new numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ComponentGroup {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

const UNSEEN: u32 = u32::MAX;

impl NodeOrder {
    pub(super) fn of(problem: &Problem) -> Self {
        let (row_count, column_count) = (problem.rows() as usize, problem.columns() as usize);
        let rows_of = RowsOfColumns::of(problem);
        let mut seen = vec![false; row_count];
        let mut order = Self {
            rows: Vec::with_capacity(row_count),
            columns: Vec::with_capacity(column_count),
            column_numbers: vec![UNSEEN; column_count],
            components: Vec::new(),
        };
        for first in 0..problem.rows() {
            if !seen[first as usize] {
                order.add_component(problem, &rows_of, &mut seen, first);
            }
        }
        order
    }

    /// Divides the components into at most `count` groups with about the same number of edges.
    pub(super) fn groups(&self, count: usize) -> Vec<ComponentGroup> {
        let edges: usize = self.components.iter().map(|component| component.edges).sum();
        let share = edges.div_ceil(count.max(1)).max(1);
        let mut groups = Vec::new();
        let (mut rows_start, mut columns_start, mut filled) = (0, 0, 0);
        for (index, component) in self.components.iter().enumerate() {
            filled += component.edges;
            if filled >= share || index + 1 == self.components.len() {
                groups.push(ComponentGroup {
                    rows: rows_start..component.rows_end,
                    columns: columns_start..component.columns_end,
                });
                (rows_start, columns_start, filled) = (component.rows_end, component.columns_end, 0);
            }
        }
        groups
    }

    /// Numbers the component of the row `first`, which has no number yet.
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

/// The rows of each column: the edges in the opposite direction.
struct RowsOfColumns {
    /// End of each column's rows in `rows`. They start at the end of the column before.
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
        // `ends` holds the starts at this point. Filling moves each start to the end of its column.
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
