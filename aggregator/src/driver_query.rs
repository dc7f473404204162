//! Looks up one driver at all ingest nodes in parallel.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kerb_ports::{DriverLookupError, IngestNode, Peers};
use kerb_types::{DriverId, KnownDriver, MembershipView, NodeId, Role, UpdateVersion};
use tokio::time::{Instant, timeout_at};

use crate::error::AggregatorError;

/// The newest state of a driver, and the node that has it.
#[derive(Clone, Debug, PartialEq)]
pub struct LocatedDriver {
    /// The node that holds the driver's stream, or else the one with the newest position.
    pub node: NodeId,
    /// The state at the node with the newest position; `connected` if the driver is connected at any node.
    pub driver: KnownDriver,
}

/// Queries every ingest node of the view; the newest update version wins, and among equal ones a connected driver.
///
/// Nodes that are not live are queried too, but the look-up does not wait for them once all live nodes have answered and
/// one of them has the driver. [`AggregatorError::NotFound`]: all nodes answered, and none has the driver.
/// [`AggregatorError::Unavailable`]: no node that answered has the driver, and not all answered.
pub async fn find_driver(
    peers: &dyn Peers,
    view: &MembershipView,
    id: DriverId,
    deadline: Instant,
) -> Result<LocatedDriver, AggregatorError> {
    let mut pending: FuturesUnordered<_> = view
        .with_role(Role::LocationIngest)
        .map(|node| ask(peers.ingest_node(&node.id), node.id.clone(), node.live, id.clone()))
        .collect();
    let mut live_pending = view.with_role(Role::LocationIngest).filter(|node| node.live).count();
    let mut best: Option<LocatedDriver> = None;
    let mut failed = None;
    while !pending.is_empty() && (live_pending > 0 || best.is_none()) {
        let Ok(Some((node, live, answer))) = timeout_at(deadline, pending.next()).await else {
            failed.get_or_insert_with(|| unanswered(view));
            break;
        };
        live_pending -= usize::from(live);
        match answer {
            Ok(Some(driver)) => best = Some(newer(best, LocatedDriver { node, driver })),
            Ok(None) => {}
            Err(error) => failed = Some(unavailable(node, error)),
        }
    }
    let unknown = || AggregatorError::NotFound { what: "driver", id: id.as_str().to_owned() };
    best.ok_or_else(|| failed.unwrap_or_else(unknown))
}

type LookupReply = (NodeId, bool, Result<Option<KnownDriver>, DriverLookupError>);

async fn ask(port: Option<Arc<dyn IngestNode>>, node: NodeId, live: bool, id: DriverId) -> LookupReply {
    let answer = match port {
        Some(port) => port.lookup(id).await,
        None => Err(DriverLookupError::Unavailable {
            node: node.clone(),
            reason: "no address is known".to_owned(),
        }),
    };
    (node, live, answer)
}

fn newer(best: Option<LocatedDriver>, other: LocatedDriver) -> LocatedDriver {
    let Some(best) = best else { return other };
    let rank = |located: &LocatedDriver| (update_version(&located.driver), located.driver.connected);
    let (mut newest, older) = if rank(&other) > rank(&best) { (other, best) } else { (best, other) };
    if older.driver.connected && !newest.driver.connected {
        newest.driver.connected = true;
        newest.node = older.node;
    }
    newest
}

fn update_version(driver: &KnownDriver) -> Option<UpdateVersion> {
    driver.position.map(|position| position.update_version)
}

fn unavailable(node: NodeId, error: DriverLookupError) -> AggregatorError {
    match error {
        DriverLookupError::Unavailable { node, reason } => AggregatorError::Unavailable { node, reason },
        other => AggregatorError::Unavailable { node, reason: other.to_string() },
    }
}

/// The error of a look-up that ran into its deadline. It names a node that may be the reason: one that is not live, if
/// there is one.
fn unanswered(view: &MembershipView) -> AggregatorError {
    let node = view.with_role(Role::LocationIngest).min_by_key(|node| node.live);
    let node = node.expect("a node that was asked is in the view");
    AggregatorError::Unavailable { node: node.id.clone(), reason: "no answer before the deadline".to_owned() }
}
