//! What an engine is made of, checked once.

use kerb_geometry::LatLng;

/// A directed graph of streets in compressed rows: the arcs that leave node `n` are `first_out[n]..first_out[n + 1]`.
///
/// Parallel arcs, loops and arcs of no time are allowed. A street that is driven both ways is two arcs.
#[derive(Debug, Clone, Copy)]
pub struct Streets<'a> {
    /// Where each node is. Several nodes may be at one place.
    pub nodes: &'a [LatLng],
    /// Where the arcs of each node begin, and at last the number of arcs: one more than there are nodes.
    pub first_out: &'a [u32],
    /// The node where each arc ends.
    pub head: &'a [u32],
    /// The way along each arc in meters.
    pub length_m: &'a [f32],
    /// The time along each arc in milliseconds; [`UNREACHABLE_MS`](super::UNREACHABLE_MS) or more closes it.
    pub time_ms: &'a [u32],
}

/// Why slices are not a graph, or do not fit the one that is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreetsError {
    /// A graph needs a node.
    #[error("no nodes: a network has at least one")]
    Empty,
    /// Too many arcs, of the streets or of the hierarchy over them, for their numbers and directions in 32 bits.
    #[error("{0} nodes or arcs: at most 2^30")]
    TooMany(usize),
    /// A slice has the wrong length.
    #[error("{what}: {got} entries, {want} are right")]
    Length {
        /// Which slice.
        what: &'static str,
        /// How long it is.
        got: usize,
        /// How long it would be right.
        want: usize,
    },
    /// Rows must not run backwards.
    #[error("first_out of node {node}: {value} is not between the values before and after it")]
    Rows {
        /// The node.
        node: usize,
        /// Its entry.
        value: u32,
    },
    /// An arc ends nowhere.
    #[error("head of arc {arc}: {head} is no node, there are {nodes}")]
    Head {
        /// The arc.
        arc: usize,
        /// Its entry.
        head: u32,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A length that is not a number from 0 upwards.
    #[error("length of arc {arc}: {length_m} m is not a finite number from 0")]
    ArcLength {
        /// The arc.
        arc: usize,
        /// Its entry, as text.
        length_m: String,
    },
    /// An order must name every node once.
    #[error("order: place {place} has {node}, which is no node or was there before")]
    Order {
        /// Where in the order.
        place: usize,
        /// The entry there.
        node: u32,
    },
}

/// Arcs, of the streets and of the hierarchy, have numbers in 32 bits, and slots are twice as many.
pub(super) const ARCS_MAX: usize = 1 << 30;

impl Streets<'_> {
    /// Whether the slices belong together.
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

    /// The node where each arc begins.
    pub(super) fn tails(&self) -> Vec<u32> {
        tails(self.first_out)
    }
}

/// The node where each arc of these rows begins.
pub(super) fn tails(first_out: &[u32]) -> Vec<u32> {
    let rows = first_out.windows(2).enumerate();
    rows.flat_map(|(node, row)| std::iter::repeat_n(node as u32, (row[1] - row[0]) as usize)).collect()
}

/// Whether a slice is as long as it must be.
pub(super) fn same_length(what: &'static str, got: usize, want: usize) -> Result<(), StreetsError> {
    if got == want { Ok(()) } else { Err(StreetsError::Length { what, got, want }) }
}

/// Whether an order names every node once.
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
