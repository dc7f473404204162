//! Shortest travel times over a directed graph of streets. Arc times can be replaced while queries run.
//!
//! The graph becomes a customizable contraction hierarchy (Dibbelt, Strasser, Wagner, "Customizable Contraction
//! Hierarchies", ACM JEA 21, 2016). Its node order and its arcs depend on the streets alone; the `cch` crate computes
//! them once. `hierarchy/customize.rs` assigns new times to these arcs in two passes. Every query returns the exact
//! optimum in whole milliseconds:
//!
//! | query | method | file |
//! |---|---|---|
//! | one to one, with its route | bidirectional walk up the elimination tree | `bidirectional_search.rs`, `route.rs` |
//! | one to many, many to one, nearest | one walk up, then times of the other ends on demand | `lazy_rphast.rs`, `nearest.rs` |
//! | many to many | sixteen rows at a time, one sweep down over the nodes above the columns | `matrix.rs`, `rphast.rs` |
//! | everything within a time | one walk up, one sweep down over all nodes | `one_to_all.rs` |
//!
//! A query's start and goal are lists of [`PhantomNode`]s: points on arcs. The engine depends on slices of numbers
//! only. It has no dependency on files, street names, or the snapping of positions to arcs.
//!
//! The modules form layers; each one only uses those above it: `streets` (input), `hierarchy`, `phantom_node`, `search`
//! (one file for each method), `router` (all queries under one set of times), and [`Engine`] in this file.

mod hierarchy;
mod phantom_node;
mod router;
mod scratch_pool;
mod search;
mod streets;

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use hierarchy::Hierarchy;
use router::SharedParts;
use streets::same_length;

pub(crate) use hierarchy::nested_dissection_order;
pub(crate) use streets::check_order;

pub use phantom_node::{ArcSegment, PhantomNode};
pub use router::Router;
pub use search::matrix::TravelTimeMatrix;
pub use search::nearest::{Candidate, NearestCandidates, RankedCandidate, TravelDirection};
pub use search::one_to_all::{OneToAll, ReachedNode};
pub use search::route::Route;
pub use streets::{Streets, StreetsError, UNREACHABLE_MS};

/// A road graph with replaceable travel times.
///
/// ```
/// use kerb_routing::engine::{Engine, PhantomNode, Streets};
/// use kerb_geometry::LatLng;
///
/// // Three junctions in a row, with a street of one direction from each to the next.
/// let nodes = [13.40, 13.41, 13.42].map(|lon_deg| LatLng::new(52.52, lon_deg).expect("in Berlin"));
/// let streets = Streets {
///     nodes: &nodes,
///     first_out: &[0, 1, 2, 2],
///     head: &[1, 2],
///     length_m: &[680.0, 680.0],
///     time_ms: &[60_000, 50_000],
/// };
/// let engine = Engine::new(&streets)?;
/// let (from, to) = ([PhantomNode { arc: 0, fraction: 0.5 }], [PhantomNode { arc: 1, fraction: 0.2 }]);
/// assert_eq!(engine.router().travel_time_ms(&from, &to), Some(40_000));
/// engine.replace(&[90_000, 50_000])?;
/// assert_eq!(engine.router().travel_time_ms(&from, &to), Some(55_000));
/// assert_eq!(engine.router().travel_time_ms(&to, &from), None);
/// # Ok::<(), kerb_routing::engine::StreetsError>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    shared: Arc<SharedParts>,
    router: ArcSwap<Router>,
    /// Serializes replacements, so that times go live in the order of the calls.
    replacing: Mutex<()>,
}

impl Engine {
    /// Orders the nodes and builds the hierarchy. A city of 10,000 junctions takes about half a second; the time grows
    /// a little more than proportionally.
    pub fn new(streets: &Streets<'_>) -> Result<Engine, StreetsError> {
        Engine::with_order(streets, &Hierarchy::order_of(streets)?)
    }

    /// Builds the hierarchy with a stored [order](Engine::order) of the same streets, in a tenth of the time of
    /// [`new`](Engine::new).
    pub fn with_order(streets: &Streets<'_>, order: &[u32]) -> Result<Engine, StreetsError> {
        let shared = Arc::new(SharedParts::new(Hierarchy::new(streets, order)?));
        let router = Router::new(Arc::clone(&shared), streets.time_ms, 0);
        Ok(Engine { shared, router: ArcSwap::from_pointee(router), replacing: Mutex::new(()) })
    }

    /// The nodes from the least to the most important. The order depends on nodes and arcs alone, not on times.
    pub fn order(&self) -> &[u32] {
        &self.shared.hierarchy.order
    }

    /// The router of the newest times. The caller keeps these times for as long as it holds the value.
    pub fn router(&self) -> Arc<Router> {
        self.router.load_full()
    }

    /// Replaces the times of all arcs, in milliseconds. A time of [`UNREACHABLE_MS`] or more closes its arc.
    ///
    /// The calling thread does the work. Queries on other threads use the previous times until it is done.
    pub fn replace(&self, time_ms: &[u32]) -> Result<(), StreetsError> {
        same_length("time_ms", time_ms.len(), self.shared.hierarchy.slot.len())?;
        // Locked before the version is read: two concurrent calls get different versions, in the order in which
        // their times go live.
        let _guard = self.replacing.lock();
        let version = self.router.load().version() + 1;
        self.router.store(Arc::new(Router::new(Arc::clone(&self.shared), time_ms, version)));
        Ok(())
    }
}
