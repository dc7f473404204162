//! One direction of the hierarchy as a search reads it: only the arcs that a shortest way can need, in rows.

/// An arc to or from a higher node.
#[derive(Debug, Clone, Copy)]
pub(super) struct SearchArc {
    /// The rank of the higher node.
    pub(super) high: u32,
    /// The time along the arc.
    pub(super) time_ms: u32,
}

/// For every node its arcs to higher nodes, or those from higher nodes.
#[derive(Debug, Default)]
pub(super) struct SearchArcs {
    first: Vec<u32>,
    all: Vec<SearchArc>,
    arcs: Vec<u32>,
}

impl SearchArcs {
    /// None yet, with room for the rows of so many nodes.
    pub(super) fn with_capacity(nodes: usize, links: usize) -> SearchArcs {
        let mut first = Vec::with_capacity(nodes + 1);
        first.push(0);
        SearchArcs { first, all: Vec::with_capacity(links), arcs: Vec::with_capacity(links) }
    }

    /// One more link of the row that is being made, and the arc of the hierarchy that it stands for.
    pub(super) fn push(&mut self, high: u32, time_ms: u32, arc: u32) {
        self.all.push(SearchArc { high, time_ms });
        self.arcs.push(arc);
    }

    /// Ends a row.
    pub(super) fn end_row(&mut self) {
        self.first.push(self.all.len() as u32);
    }

    /// The links of a rank.
    #[inline]
    pub(super) fn of(&self, rank: u32) -> &[SearchArc] {
        let rank = rank as usize;
        &self.all[self.first[rank] as usize..self.first[rank + 1] as usize]
    }

    /// The number of a rank's first link.
    #[inline]
    pub(super) fn first(&self, rank: u32) -> u32 {
        self.first[rank as usize]
    }

    /// The arc of the hierarchy behind a link, by the link's number.
    pub(super) fn arc(&self, link: u32) -> u32 {
        self.arcs[link as usize]
    }
}
