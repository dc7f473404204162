//! The cluster of one process.

use std::sync::Arc;

use futures::FutureExt;
use kerb_cluster::{EmbeddedMembership, LocalPeers};
use kerb_ports::conformance::driver_events::one_offer;
use kerb_ports::{
    DriverChannel, DriverChannelError, DriverLocation, DriverLookup, DriverLookupError, DriverNotification,
    Membership, Peers, PortFuture,
};
use kerb_types::{DriverId, KnownDriver, NodeId, Role, Sharding};

struct Nobody;

impl DriverLookup for Nobody {
    fn lookup(&self, _id: DriverId) -> PortFuture<'_, Option<KnownDriver>, DriverLookupError> {
        async { Ok(None) }.boxed()
    }
}

impl DriverChannel for Nobody {
    fn notify(&self, _: DriverId, _: DriverNotification) -> PortFuture<'_, bool, DriverChannelError> {
        async { Ok(false) }.boxed()
    }

    fn locations(
        &self,
        drivers: Vec<DriverId>,
    ) -> PortFuture<'_, Vec<Option<DriverLocation>>, DriverChannelError> {
        async move { Ok(vec![None; drivers.len()]) }.boxed()
    }
}

#[test]
fn the_only_node_has_its_roles_and_every_shard() {
    let node = NodeId::new("all").unwrap();
    let roles = [Role::LocationIngest, Role::IndexServer, Role::Aggregator];
    let view = EmbeddedMembership::new(node.clone(), &roles, Sharding::default()).watch().borrow().clone();
    for role in roles {
        assert_eq!(view.with_role(role).map(|n| &n.id).collect::<Vec<_>>(), [&node]);
    }
    assert_eq!(view.with_role(Role::Matcher).count(), 0);
    assert_eq!(view.shard_map.shards_of(&node).len(), usize::from(Sharding::default().shards()));
}

#[test]
fn a_port_is_returned_for_its_node_once_it_is_set() {
    let (node, other) = (NodeId::new("all").unwrap(), NodeId::new("other").unwrap());
    let peers = LocalPeers::new();
    assert!(peers.ingest_node(&node).is_none() && peers.matcher(&node).is_none());
    peers.set_ingest_node(node.clone(), Arc::new(Nobody));
    assert!(peers.ingest_node(&node).is_some() && peers.matcher(&node).is_none());
    peers.set_matcher(node.clone(), one_offer());
    assert!(peers.matcher(&node).is_some());
    assert!(peers.ingest_node(&other).is_none() && peers.matcher(&other).is_none());
    assert!(peers.index_server(&node).is_none());
}
