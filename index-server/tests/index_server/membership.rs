//! Ingest nodes that the membership does not list: they are refused, and a node that leaves loses its drivers.

use std::sync::Arc;

use kerb_index_server::IndexServer;
use kerb_ports::conformance::source::{NOW_MS, SHARDS, SOURCES, Source, line_of, sharding};
use kerb_ports::{
    ErrorCode, Frame, IndexAdmin, IndexServer as Port, Membership, PositionSink, SourceRegistration,
};
use kerb_types::{Catalog, ManualClock, MembershipView, NodeId};
use tokio::sync::watch;

use crate::conformance::{TestMembership, start, view};

fn register(node: &str) -> SourceRegistration {
    let settings_fingerprint = sharding().fingerprint(&Catalog::default());
    SourceRegistration { node: NodeId::new(node).unwrap(), settings_fingerprint }
}

async fn drivers(server: &IndexServer) -> u64 {
    server.stats().await.unwrap().iter().map(|stat| stat.drivers).sum()
}

/// The view without this ingest node.
fn without(node: &str) -> Arc<MembershipView> {
    let mut view = MembershipView::clone(&view(&["index-a"], &SOURCES));
    view.nodes.retain(|listed| listed.id.as_str() != node);
    Arc::new(view)
}

/// Applies a view and waits until the server has applied it.
async fn apply(
    server: &IndexServer,
    membership: &TestMembership,
    view: Arc<MembershipView>,
    drivers_left: u64,
) {
    membership.0.send_replace(view);
    for _ in 0..10_000 {
        if drivers(server).await == drivers_left {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} drivers are left, not {drivers_left}", drivers(server).await);
}

#[tokio::test]
async fn a_node_that_the_membership_does_not_list_is_refused() {
    let membership = Arc::new(TestMembership(watch::Sender::new(without(SOURCES[1]))));
    let server = start(Arc::clone(&membership), Arc::new(ManualClock::new(NOW_MS))).await;
    for ghost in ["ghost", SOURCES[1], "index-a"] {
        let refused = server.open(register(ghost)).await.err().unwrap();
        assert_eq!(refused.code(), ErrorCode::Mismatch);
        let text =
            format!("node {ghost} is no location-ingest in the membership of node index-a (cluster.file)");
        assert_eq!(refused.to_string(), text);
    }
    // The change of the file reaches the server later than the node, which repeats its attempt.
    let mut views = membership.watch();
    views.mark_unchanged();
    apply(&server, &membership, view(&["index-a"], &SOURCES), 0).await;
    for _ in 0..10_000 {
        if server.open(register(SOURCES[1])).await.is_ok() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the listed node is still refused");
}

#[tokio::test]
async fn a_node_that_leaves_the_membership_loses_its_stream_and_its_drivers() {
    let membership = Arc::new(TestMembership(watch::Sender::new(view(&["index-a"], &SOURCES))));
    let server = start(Arc::clone(&membership), Arc::new(ManualClock::new(NOW_MS))).await;
    let port: Arc<dyn Port> = Arc::new(server.clone());
    let mut leaving = Source::open_with(&port, 0, &line_of(10)).await;
    let mut staying = Source::open_with(&port, 1, &[]).await;
    assert_eq!(drivers(&server).await, 10);

    // Four of its drivers have already reported through the other node. Newer states win.
    let moved = line_of(4).into_iter().map(|mut update| {
        update.update_version.sequence += 1;
        update
    });
    staying.send_snapshot(sharding().all().collect(), &moved.collect::<Vec<_>>()).await;
    assert_eq!(drivers(&server).await, 10);

    apply(&server, &membership, without(SOURCES[0]), 4).await;
    let ended = leaving.stream.send(Frame::SnapshotBegin { round: 9, shards: vec![] }).await;
    assert_eq!(ended.unwrap_err().code(), ErrorCode::Superseded);
    assert!(server.open(register(SOURCES[0])).await.is_err(), "it opens no stream again");
    staying.stream.flush().await.unwrap();
    let covered = server.stats().await.unwrap().into_iter().filter(|stat| stat.covered).count();
    assert_eq!(covered, usize::from(SHARDS));

    // No trace of the removed states is left: an older state of another node counts again.
    let all = line_of(10);
    staying.send_snapshot(sharding().all().collect(), &all).await;
    assert_eq!(drivers(&server).await, 10);
}
