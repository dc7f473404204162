//! Shortest travel times over a directed graph of streets, whose times may be replaced while queries are answered.
//!
//! The graph becomes a customizable contraction hierarchy (Dibbelt, Strasser, Wagner, "Customizable Contraction
//! Hierarchies", ACM JEA 21, 2016). Order and structure depend on the streets alone and are the `cch` crate's; new
//! times are put through the structure in two passes (`customize.rs`), and every query is answered exactly, in whole
//! milliseconds:
//!
//! | query | how | file |
//! |---|---|---|
//! | one to one, and its route | both ends climb the elimination tree | `bidirectional_search.rs`, `route.rs` |
//! | one to many, many to one, nearest | one end climbs, distances of the others on demand | `lazy_rphast.rs`, `nearest.rs` |
//! | many to many | sixteen rows at a time, swept down over the part of the hierarchy above the columns | `table.rs` |
//! | what is within a time | one end climbs, everything is swept | `one_to_all.rs` |
//!
//! A query's places are lists of [`PhantomNode`]s: points on arcs. The engine takes slices and gives numbers; it does not
//! know where they are kept, what a street is called, or which arc a position is on.

mod bidirectional_search;
mod customize;
mod elimination_tree;
mod hierarchy;
mod lazy_rphast;
mod live;
mod nearest;
mod one_to_all;
mod phantom_node;
mod pool;
mod route;
mod routes;
mod search_arcs;
mod streets;
mod table;

pub(crate) use hierarchy::order;
pub(crate) use streets::check_order;

pub use live::Engine;
pub use nearest::{Candidate, Nearest, RankedCandidate, Travel};
pub use one_to_all::{OneToAll, ReachedNode};
pub use phantom_node::{ArcSegment, PhantomNode};
pub use route::Route;
pub use routes::Routes;
pub use streets::{Streets, StreetsError};
pub use table::Table;

/// A time that is never reached: 12 days and 10 hours, in milliseconds.
///
/// An arc with this time or more is closed, and a place that is this far away is not reached. It leaves room for the
/// sum of two in a signed number of 32 bits, whose minimum every processor has in its vector unit.
pub const UNREACHABLE_MS: u32 = (1 << 30) - 1;
