//! The engine as a value: the newest times, and how they are replaced.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::hierarchy::Hierarchy;
use super::routes::{EngineParts, Routes};
use super::streets::{Streets, StreetsError, same_length};

/// Streets that can be asked for travel times, and given new ones meanwhile.
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
/// assert_eq!(engine.routes().travel_time_ms(&from, &to), Some(40_000));
/// engine.replace(&[90_000, 50_000])?;
/// assert_eq!(engine.routes().travel_time_ms(&from, &to), Some(55_000));
/// assert_eq!(engine.routes().travel_time_ms(&to, &from), None);
/// # Ok::<(), kerb_routing::engine::StreetsError>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    shared: Arc<EngineParts>,
    routes: ArcSwap<Routes>,
    /// Held while times are replaced, so that they go live in the order of the calls.
    replacing: Mutex<()>,
}

impl Engine {
    /// Orders the nodes and builds the hierarchy: about half a second for a city of 10,000 junctions, and a little
    /// more than proportional to them.
    pub fn new(streets: &Streets<'_>) -> Result<Engine, StreetsError> {
        Engine::with_order(streets, &Hierarchy::order_of(streets)?)
    }

    /// As [`new`](Engine::new) with an [order](Engine::order) of the same streets that was kept: what is left takes a
    /// tenth of the time.
    pub fn with_order(streets: &Streets<'_>, order: &[u32]) -> Result<Engine, StreetsError> {
        let shared = Arc::new(EngineParts::new(Hierarchy::new(streets, order)?));
        let routes = Routes::new(Arc::clone(&shared), streets.time_ms, 0);
        Ok(Engine { shared, routes: ArcSwap::from_pointee(routes), replacing: Mutex::new(()) })
    }

    /// The nodes from the least to the most important. It depends on nodes and arcs alone, not on times.
    pub fn order(&self) -> &[u32] {
        &self.shared.hierarchy.order
    }

    /// The answers under the newest times. Whoever holds them keeps these times.
    pub fn routes(&self) -> Arc<Routes> {
        self.routes.load_full()
    }

    /// New times in milliseconds for all arcs; [`UNREACHABLE_MS`](super::UNREACHABLE_MS) or more closes one.
    ///
    /// The work is done on the calling thread, and queries on others go on with the times before until it is done.
    pub fn replace(&self, time_ms: &[u32]) -> Result<(), StreetsError> {
        same_length("time_ms", time_ms.len(), self.shared.hierarchy.slot.len())?;
        let _in_turn = self.replacing.lock();
        let version = self.routes.load().version() + 1;
        self.routes.store(Arc::new(Routes::new(Arc::clone(&self.shared), time_ms, version)));
        Ok(())
    }
}
