//! One direction of the hierarchy as a search reads it: the arcs that a shortest route can need, in compressed rows.

/// An arc to or from a higher node.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct SearchArc {
    /// The rank of the higher node.
    pub(in crate::engine) high: u32,
    /// The time along the arc in milliseconds.
    pub(in crate::engine) time_ms: u32,
}

/// For every node its arcs to higher nodes, or its arcs from higher nodes.
#[derive(Debug, Default)]
pub(in crate::engine) struct SearchArcs {
    first: Vec<u32>,
    all: Vec<SearchArc>,
    /// The arc of the hierarchy behind each search arc. Only unpacking reads it, so it does not share cache lines with
    /// the times.
    arcs: Vec<u32>,
}

impl SearchArcs {
    /// Starts without rows; reserves memory for `nodes` rows with `arcs` arcs in total.
    pub(in crate::engine) fn with_capacity(nodes: usize, arcs: usize) -> SearchArcs {
        let mut first = Vec::with_capacity(nodes + 1);
        first.push(0);
        SearchArcs { first, all: Vec::with_capacity(arcs), arcs: Vec::with_capacity(arcs) }
    }

    /// Appends a search arc to the open row, with the arc of the hierarchy that it stands for.
    pub(in crate::engine) fn push(&mut self, high: u32, time_ms: u32, arc: u32) {
        self.all.push(SearchArc { high, time_ms });
        self.arcs.push(arc);
    }

    /// Closes the open row and opens the next one.
    pub(in crate::engine) fn end_row(&mut self) {
        // At most as many search arcs as arcs of the hierarchy, which are at most 2^30.
        self.first.push(self.all.len() as u32);
    }

    /// The search arcs of a rank.
    #[inline]
    pub(in crate::engine) fn of(&self, rank: u32) -> &[SearchArc] {
        let rank = rank as usize;
        &self.all[self.first[rank] as usize..self.first[rank + 1] as usize]
    }

    /// The number of a rank's first search arc.
    #[inline]
    pub(in crate::engine) fn first(&self, rank: u32) -> u32 {
        self.first[rank as usize]
    }

    /// The arc of the hierarchy behind a search arc, by its number.
    pub(in crate::engine) fn arc(&self, search_arc: u32) -> u32 {
        self.arcs[search_arc as usize]
    }
}
