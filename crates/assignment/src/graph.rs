//! A part of a problem as the solver wants it: weights in place of costs, from both sides, in the new numbers.

use super::Problem;
use super::components::{Numbering, Part};

/// How much a pair saves: the row's penalty less the pair's cost, so at least 1.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Link {
    /// On the other side.
    pub(super) node: u32,
    pub(super) weight: u32,
}

/// The links of all nodes of one side.
pub(super) struct Links {
    starts: Vec<u32>,
    links: Vec<Link>,
}

/// Rows and columns of a part, numbered from 0.
pub(super) struct Graph {
    /// Heaviest first.
    pub(super) rows: Links,
    /// In the order of the rows.
    pub(super) columns: Links,
}

impl Links {
    pub(super) fn nodes(&self) -> usize {
        self.starts.len() - 1
    }

    #[inline]
    pub(super) fn of(&self, node: u32) -> &[Link] {
        let node = node as usize;
        &self.links[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// The same links from the other side, which has so many nodes.
    fn reversed(&self, nodes: usize) -> Self {
        // Shifted by two, so that filling moves each start to where the node's own belongs.
        let mut starts = vec![0; nodes + 2];
        for link in &self.links {
            starts[link.node as usize + 2] += 1;
        }
        for node in 2..starts.len() {
            starts[node] += starts[node - 1];
        }
        let mut links = vec![Link::default(); self.links.len()];
        for node in 0..self.nodes() as u32 {
            for link in self.of(node) {
                let at = &mut starts[link.node as usize + 1];
                links[*at as usize] = Link { node, weight: link.weight };
                *at += 1;
            }
        }
        starts.pop();
        Self { starts, links }
    }
}

impl Graph {
    pub(super) fn of(problem: &Problem, numbering: &Numbering, part: &Part) -> Self {
        let rows = &numbering.rows[part.rows.clone()];
        let edges = rows.iter().map(|row| problem.edges(*row).len()).sum();
        let (mut starts, mut links) = (Vec::with_capacity(rows.len() + 1), Vec::with_capacity(edges));
        starts.push(0);
        for &row in rows {
            let penalty = problem.penalty(row);
            links.extend(problem.edges(row).iter().map(|edge| Link {
                node: numbering.column_numbers[edge.column as usize] - part.columns.start as u32,
                weight: penalty - edge.cost,
            }));
            starts.push(links.len() as u32);
        }
        let rows = Links { starts, links };
        let columns = rows.reversed(part.columns.len());
        Self { rows, columns }
    }
}
