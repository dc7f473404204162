//! The input of an engine: a road graph in slices, and the checks of it.

use kerb_geometry::LatLng;

/// A travel time that stands for "not reached": 12 days and 10 hours, in milliseconds.
///
/// An arc with this time or more is closed. The value leaves room for the sum of two times in a signed 32-bit number,
/// whose minimum is one instruction in every processor's vector unit.
pub const UNREACHABLE_MS: u32 = (1 << 30) - 1;

/// A directed graph of streets in compressed rows: the arcs that leave node `n` are `first_out[n]..first_out[n + 1]`.
///
/// Parallel arcs, loops and arcs with a time of 0 are allowed. A street that is driven in both directions is two arcs.
#[derive(Debug, Clone, Copy)]
pub struct Streets<'a> {
    /// The position of each node. Several nodes may share one position.
    pub nodes: &'a [LatLng],
    /// The first arc of each node, and one final entry with the number of arcs.
    pub first_out: &'a [u32],
    /// The node where each arc ends.
    pub head: &'a [u32],
    /// The length of each arc in meters.
    pub length_m: &'a [f32],
    /// The time along each arc in milliseconds; [`UNREACHABLE_MS`] or more closes it.
    pub time_ms: &'a [u32],
}

/// Why slices are not a graph, or do not fit the engine's graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreetsError {
    /// The graph has no node.
    #[error("no nodes: a network has at least one")]
    Empty,
    /// The streets or the hierarchy have too many arcs or nodes: an arc's number and its direction share 32 bits.
    #[error("{0} nodes or arcs: at most 2^30")]
    TooMany(usize),
    /// A slice has the wrong length.
    #[error("{what}: {got} entries, {want} are right")]
    Length {
        /// The field of [`Streets`] that the slice is.
        what: &'static str,
        /// The number of entries that it has.
        got: usize,
        /// The number of entries that the other slices require.
        want: usize,
    },
    /// The entries of `first_out` do not ascend.
    #[error("first_out of node {node}: {value} is not between the values before and after it")]
    Rows {
        /// The index of the wrong entry.
        node: usize,
        /// The value of the wrong entry.
        value: u32,
    },
    /// The head of an arc is not a node.
    #[error("head of arc {arc}: {head} is no node, there are {nodes}")]
    Head {
        /// The index of the wrong entry.
        arc: usize,
        /// The value of the wrong entry.
        head: u32,
        /// The number of nodes in the graph.
        nodes: usize,
    },
    /// The length of an arc is negative, infinite or not a number.
    #[error("length of arc {arc}: {length_m} m is not a finite number from 0")]
    ArcLength {
        /// The index of the wrong entry.
        arc: usize,
        /// The wrong value as text, so that the error can be compared.
        length_m: String,
    },
    /// The order does not name every node exactly once.
    #[error("order: place {place} has {node}, which is no node or was there before")]
    Order {
        /// The index of the wrong entry.
        place: usize,
        /// The value of the wrong entry.
        node: u32,
    },
}

/// The most arcs of the streets or of the hierarchy. A slot is twice an arc's number plus 1 and has 32 bits.
pub(super) const ARCS_MAX: usize = 1 << 30;

impl Streets<'_> {
    /// Checks that the slices form a graph.
    pub(super) fn check(&self) -> Result<(), StreetsError> {
        let (nodes, arcs) = (self.nodes.len(), self.head.len());
        if nodes == 0 {
            return Err(StreetsError::Empty);
        }
        if arcs > ARCS_MAX || nodes > ARCS_MAX {
            return Err(StreetsError::TooMany(arcs.max(nodes)));
        }
        same_length("first_out", self.first_out.len(), nodes + 1)?;
        same_length("length_m", self.length_m.len(), arcs)?;
        same_length("time_ms", self.time_ms.len(), arcs)?;
        self.check_rows()?;
        self.check_arcs()
    }

    fn check_rows(&self) -> Result<(), StreetsError> {
        let at = |node: usize| StreetsError::Rows { node, value: self.first_out[node] };
        let last = self.nodes.len();
        if self.first_out[0] != 0 {
            return Err(at(0));
        }
        if self.first_out[last] as usize != self.head.len() {
            return Err(at(last));
        }
        match self.first_out.windows(2).position(|pair| pair[0] > pair[1]) {
            Some(node) => Err(at(node)),
            None => Ok(()),
        }
    }

    fn check_arcs(&self) -> Result<(), StreetsError> {
        let nodes = self.nodes.len();
        for (arc, (&head, &length_m)) in self.head.iter().zip(self.length_m).enumerate() {
            if head as usize >= nodes {
                return Err(StreetsError::Head { arc, head, nodes });
            }
            if !(0.0..f32::INFINITY).contains(&length_m) {
                return Err(StreetsError::ArcLength { arc, length_m: length_m.to_string() });
            }
        }
        Ok(())
    }

    /// The node where each arc starts.
    pub(super) fn tails(&self) -> Vec<u32> {
        tails(self.first_out)
    }
}

/// The node where each arc of these rows starts.
pub(super) fn tails(first_out: &[u32]) -> Vec<u32> {
    let rows = first_out.windows(2).zip(0..);
    rows.flat_map(|(row, node)| std::iter::repeat_n(node, (row[1] - row[0]) as usize)).collect()
}

/// Checks the length of a slice.
pub(super) fn same_length(what: &'static str, got: usize, want: usize) -> Result<(), StreetsError> {
    if got == want { Ok(()) } else { Err(StreetsError::Length { what, got, want }) }
}

/// Checks that an order names every node once.
pub(crate) fn check_order(order: &[u32], nodes: usize) -> Result<(), StreetsError> {
    same_length("order", order.len(), nodes)?;
    let mut seen = vec![false; nodes];
    for (place, &node) in order.iter().enumerate() {
        match seen.get_mut(node as usize) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(StreetsError::Order { place, node }),
        }
    }
    Ok(())
}
