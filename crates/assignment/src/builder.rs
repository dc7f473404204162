//! Builds a [`Problem`] row by row, in one pass, directly in the arrays of the problem.

use crate::problem::{COUNT_MAX, Edge, PENALTY_MAX, Problem, ProblemError};

/// Collects the rows in order, and the edges of each row in any order.
#[derive(Debug)]
pub struct ProblemBuilder {
    columns: usize,
    penalties: Vec<u32>,
    starts: Vec<u32>,
    edges: Vec<Edge>,
    /// The last row with an edge to each column, counted from 1; 0 for none.
    last_row: Vec<u32>,
    /// The first error; [`ProblemBuilder::build`] returns it.
    error: Option<ProblemError>,
}

impl ProblemBuilder {
    /// An empty builder. `columns` is exact; `rows` and `edges` only reserve memory.
    pub fn with_capacity(rows: usize, columns: usize, edges: usize) -> Self {
        let mut starts = Vec::with_capacity(rows + 1);
        starts.push(0);
        let penalties = Vec::with_capacity(rows);
        Self {
            columns,
            penalties,
            starts,
            edges: Vec::with_capacity(edges),
            last_row: vec![0; columns],
            error: None,
        }
    }

    /// Begins the next row. It costs `penalty` if it stays unmatched.
    pub fn begin_row(&mut self, penalty: u32) {
        self.end_row();
        if penalty > PENALTY_MAX {
            let row = self.penalties.len() as u32;
            self.error.get_or_insert(ProblemError::Penalty { row, penalty });
        }
        self.penalties.push(penalty);
    }

    /// Adds an edge to the row that was begun last. An edge that costs the row's penalty or more is dropped, because an
    /// unmatched row is as good. Of several edges to one column, the cheapest stays.
    ///
    /// # Panics
    ///
    /// Panics if no row was begun.
    pub fn edge(&mut self, column: u32, cost: u32) {
        let penalty = *self.penalties.last().expect("a row is begun before its edges");
        if column as usize >= self.columns {
            let (row, columns) = (self.penalties.len() as u32 - 1, self.columns as u32);
            self.error.get_or_insert(ProblemError::Column { row, column, columns });
        } else if cost < penalty {
            self.edges.push(Edge { column, cost });
        }
    }

    /// Returns the problem, or its first error.
    pub fn build(mut self) -> Result<Problem, ProblemError> {
        self.end_row();
        if let Some(error) = self.error {
            return Err(error);
        }
        let sizes = [("rows", self.penalties.len()), ("columns", self.columns), ("edges", self.edges.len())];
        if let Some((what, found)) = sizes.into_iter().find(|(_, found)| *found > COUNT_MAX as usize) {
            return Err(ProblemError::Size { what, found });
        }
        let (penalties, starts, edges) = (self.penalties, self.starts, self.edges);
        Ok(Problem { columns: self.columns as u32, penalties, starts, edges })
    }

    /// Sorts the row that was begun last and keeps the first edge to a column, which is the cheapest.
    fn end_row(&mut self) {
        if self.penalties.is_empty() {
            return;
        }
        let start = self.starts[self.penalties.len() - 1] as usize;
        self.edges[start..].sort_unstable_by_key(|edge| (edge.cost, edge.column));
        let row = self.penalties.len() as u32;
        let mut kept = start;
        for at in start..self.edges.len() {
            let edge = self.edges[at];
            if std::mem::replace(&mut self.last_row[edge.column as usize], row) != row {
                self.edges[kept] = edge;
                kept += 1;
            }
        }
        self.edges.truncate(kept);
        self.starts.push(kept as u32);
    }
}
