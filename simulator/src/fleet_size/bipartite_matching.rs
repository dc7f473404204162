//! The maximum matching of a bipartite graph, and the smallest number of chains that it makes of a day's trips.
//!
//! The algorithm is that of Hopcroft and Karp, "An n^5/2 algorithm for maximum matchings in bipartite graphs", SIAM J. Comput. 2 (1973): phases
//! of a breadth-first search for the length of the shortest augmenting paths, and a depth-first search for as many
//! disjoint ones of that length as there are. Columns that a search has seen leave a set of bits, so that a row looks
//! at 64 columns at a time.
//!
//! The smallest number of chains that contain every trip once is the number of trips minus the pairs of a maximum matching (Fulkerson, "Note on
//! Dilworth's decomposition theorem for partially ordered sets", 1956).

use crate::fleet_size::shareability_graph::Graph;

const NONE: u32 = u32::MAX;
const BITS: usize = u64::BITS as usize;

/// Pairs of rows and columns. Each row and each column is in at most one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BipartiteMatching {
    /// Column of each row; `None` for a row without a pair.
    pub columns: Vec<Option<u32>>,
    /// Number of phases of the algorithm.
    pub phases: u32,
}

impl BipartiteMatching {
    /// Returns the number of pairs.
    pub fn pairs(&self) -> usize {
        self.columns.iter().flatten().count()
    }
}

/// Computes a matching with the maximum number of pairs.
pub fn maximum_matching(graph: &Graph) -> BipartiteMatching {
    let mut search = Search::new(graph);
    search.greedy();
    let mut phases = 0;
    while search.layers() {
        phases += 1;
        search.augment();
    }
    let columns = search.column_of.iter().map(|column| (*column != NONE).then_some(*column)).collect();
    BipartiteMatching { columns, phases }
}

/// Returns the chains of a matching in which row and column `i` are the same trip. Each trip is in exactly one chain, after
/// the trip whose column it is.
///
/// # Panics
///
/// If the pairs form a cycle. Those of a day cannot, because they lead to later trips only.
pub fn chains(matching: &BipartiteMatching) -> Vec<Vec<u32>> {
    let mut is_first = vec![true; matching.columns.len()];
    matching.columns.iter().flatten().for_each(|next| is_first[*next as usize] = false);
    let firsts = (0..).zip(&is_first).filter(|(_, is_first)| **is_first).map(|(trip, _)| trip);
    let chain = |first: u32| {
        std::iter::successors(Some(first), |trip| matching.columns[*trip as usize]).collect::<Vec<_>>()
    };
    let chains: Vec<_> = firsts.map(chain).collect();
    let held: usize = chains.iter().map(Vec::len).sum();
    assert_eq!(held, matching.columns.len(), "the pairs of a day lead to later trips");
    chains
}

struct Search<'a> {
    graph: &'a Graph,
    column_of: Vec<u32>,
    row_of: Vec<u32>,
    /// Length of the shortest alternating path to each row, in pairs; [`NONE`] without a path.
    layer: Vec<u32>,
    /// Bits of the columns that the present search has not visited.
    unseen: Vec<u64>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph) -> Self {
        Self {
            graph,
            column_of: vec![NONE; graph.rows()],
            row_of: vec![NONE; graph.columns()],
            layer: vec![NONE; graph.rows()],
            unseen: Vec::new(),
        }
    }

    /// Gives each row its first free column. This finds most pairs cheaply.
    fn greedy(&mut self) {
        self.see_nothing();
        for row in 0..self.graph.rows() {
            if let Some(column) = self.next_unseen(row, 0) {
                self.pair(row, column);
            }
        }
    }

    /// Computes the layers of alternating paths from the free rows. Returns true if one ends in a free column.
    fn layers(&mut self) -> bool {
        self.see_nothing();
        let mut found = false;
        let mut now: Vec<u32> = (0..self.graph.rows() as u32).filter(|row| self.is_free(*row)).collect();
        self.layer.fill(NONE);
        for row in &now {
            self.layer[*row as usize] = 0;
        }
        let mut depth = 0;
        while !now.is_empty() && !found {
            depth += 1;
            let mut next = Vec::new();
            for row in now {
                let mut from = 0;
                while let Some(column) = self.next_unseen(row as usize, from) {
                    from = column + 1;
                    match self.row_of[column] {
                        NONE => found = true,
                        mate => {
                            self.layer[mate as usize] = depth;
                            next.push(mate);
                        }
                    }
                }
            }
            now = next;
        }
        found
    }

    /// Augments along a maximal set of disjoint paths through the layers.
    fn augment(&mut self) {
        self.see_nothing();
        // The column from which each row continues its search.
        let mut from = vec![0; self.graph.rows()];
        for root in 0..self.graph.rows() {
            if self.is_free(root as u32) {
                self.augment_from(root, &mut from);
            }
        }
    }

    /// Augments along a path from a free row, if there is one.
    fn augment_from(&mut self, root: usize, from: &mut [usize]) {
        let mut path: Vec<(usize, usize)> = Vec::new();
        let mut row = root;
        loop {
            match self.step(row, &mut from[row]) {
                Some(column) if self.row_of[column] == NONE => {
                    path.push((row, column));
                    for (row, column) in path {
                        self.pair(row, column);
                    }
                    return;
                }
                Some(column) => {
                    path.push((row, column));
                    row = self.row_of[column] as usize;
                }
                None => match path.pop() {
                    Some((before, _)) => row = before,
                    None => return,
                },
            }
        }
    }

    /// Returns the next column of the path, a free one or one whose row is a layer deeper, and marks it as visited.
    fn step(&mut self, row: usize, from: &mut usize) -> Option<usize> {
        let deeper = self.layer[row] + 1;
        while let Some(column) = self.peek_unseen(row, *from) {
            *from = column + 1;
            let mate = self.row_of[column];
            if mate == NONE || self.layer[mate as usize] == deeper {
                self.see(column);
                return Some(column);
            }
        }
        None
    }

    fn pair(&mut self, row: usize, column: usize) {
        self.column_of[row] = column as u32;
        self.row_of[column] = row as u32;
    }

    fn is_free(&self, row: u32) -> bool {
        self.column_of[row as usize] == NONE
    }

    fn see_nothing(&mut self) {
        self.unseen.clear();
        self.unseen.resize(self.graph.columns().div_ceil(BITS), u64::MAX);
    }

    fn see(&mut self, column: usize) {
        self.unseen[column / BITS] &= !(1 << (column % BITS));
    }

    /// Returns the column of [`Search::peek_unseen`], and marks it as visited.
    fn next_unseen(&mut self, row: usize, from: usize) -> Option<usize> {
        let column = self.peek_unseen(row, from)?;
        self.see(column);
        Some(column)
    }

    /// Returns the first column of a row from `from` on that is not visited.
    fn peek_unseen(&self, row: usize, from: usize) -> Option<usize> {
        let (first, words) = self.graph.row(row);
        let skip = (from / BITS).saturating_sub(first);
        let rest = words.get(skip..)?;
        for (number, word) in (first + skip..).zip(rest) {
            // The first word is masked, so that columns before `from` do not count.
            let ahead = if number == from / BITS { u64::MAX << (from % BITS) } else { u64::MAX };
            let open = word & self.unseen[number] & ahead;
            if open != 0 {
                return Some(number * BITS + open.trailing_zeros() as usize);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    /// Tries all matchings, row by row.
    fn brute(rows: &[Vec<u32>], taken: &mut Vec<u32>) -> usize {
        let Some((row, rest)) = rows.split_first() else { return 0 };
        let mut best = brute(rest, taken);
        for column in row {
            if !taken.contains(column) {
                taken.push(*column);
                best = best.max(1 + brute(rest, taken));
                taken.pop();
            }
        }
        best
    }

    /// Augments along one path at a time (Kuhn 1955).
    fn kuhn(rows: &[Vec<u32>], columns: usize) -> usize {
        fn place(row: usize, rows: &[Vec<u32>], seen: &mut [bool], row_of: &mut [Option<usize>]) -> bool {
            for column in rows[row].iter().map(|c| *c as usize) {
                if std::mem::replace(&mut seen[column], true) {
                    continue;
                }
                if row_of[column].is_none_or(|mate| place(mate, rows, seen, row_of)) {
                    row_of[column] = Some(row);
                    return true;
                }
            }
            false
        }
        let mut row_of = vec![None; columns];
        (0..rows.len()).filter(|row| place(*row, rows, &mut vec![false; columns], &mut row_of)).count()
    }

    fn check(rows: &[Vec<u32>], columns: usize, expected: usize, seed: u64) {
        let graph = Graph::of_lists(rows, columns);
        let matching = maximum_matching(&graph);
        assert_eq!(matching.pairs(), expected, "seed {seed}");
        let mut taken = vec![false; columns];
        for (row, column) in matching.columns.iter().enumerate() {
            let Some(column) = column else { continue };
            assert!(graph.has(row, *column as usize) && rows[row].contains(column), "seed {seed}");
            assert!(!std::mem::replace(&mut taken[*column as usize], true), "seed {seed}");
        }
    }

    #[test]
    fn small_graphs_match_brute_force() {
        for seed in 0..300 {
            let mut random = Pcg64Mcg::seed_from_u64(seed);
            let (n, columns) = (random.random_range(0..8), random.random_range(1..9));
            let density = random.random_range(0.0..0.7);
            let rows: Vec<Vec<u32>> =
                (0..n).map(|_| (0..columns).filter(|_| random.random_bool(density)).collect()).collect();
            check(&rows, columns as usize, brute(&rows, &mut Vec::new()), seed);
        }
    }

    #[test]
    fn larger_graphs_match_kuhns_algorithm() {
        for seed in 0..20 {
            let mut random = Pcg64Mcg::seed_from_u64(seed);
            let columns = 400;
            let rows: Vec<Vec<u32>> = (0..400)
                .map(|row: u32| {
                    (row.saturating_sub(40)..(row + 90).min(columns))
                        .filter(|_| random.random_bool(0.02))
                        .collect()
                })
                .collect();
            check(&rows, columns as usize, kuhn(&rows, columns as usize), seed);
        }
    }

    #[test]
    fn chains_contain_every_trip_once() {
        let graph = Graph::of_lists(&[vec![1, 2], vec![3], vec![3], vec![], vec![]], 5);
        let chains = chains(&maximum_matching(&graph));
        assert_eq!(chains.len(), 3);
        let mut all = chains.concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
        for pair in chains.iter().flat_map(|chain| chain.windows(2)) {
            assert!(graph.has(pair[0] as usize, pair[1] as usize));
        }
    }
}
