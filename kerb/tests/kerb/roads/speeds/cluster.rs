//! Speeds in a cluster: a node forwards them to all nodes with travel times.

use kerb_proto::v1::SetSpeedsRequest;
use kerb_proto::v1::roads_admin_service_client::RoadsAdminServiceClient;
use tonic::transport::Channel;

use super::{
    OVER_LAND, OVER_THE_BRIDGE, STEP_TIMEOUT, bridge_rows, described, nearest_by_eta, over_the_bridge_s,
    ride_s,
};
use crate::roads::travel_times::{put_through, town};
use crate::support::cluster::Cluster;
use crate::support::eventually::eventually;
use crate::support::process::channel;

async fn set(node: &Channel, kmh: f64, this_node_only: bool) -> Vec<(String, u32, String)> {
    let speeds = bridge_rows(kmh, None);
    let message = SetSpeedsRequest { speeds, this_node_only, ..SetSpeedsRequest::default() };
    let answer =
        RoadsAdminServiceClient::new(node.clone()).set_speeds(futures::stream::iter([message])).await;
    let nodes = answer.expect("the test has set this up").into_inner().nodes;
    nodes.into_iter().map(|node| (node.node_id, node.taken, node.error)).collect()
}

#[tokio::test]
async fn speeds_sent_to_one_node_reach_all_nodes_with_travel_times() {
    let dir = tempfile::tempdir().unwrap();
    town(dir.path());
    let roads = format!("roads.file={}", dir.path().join("town.roads").display());
    let mut cluster = Cluster::start_with(&[1, 1, 2, 1], 1, &["--set", &roads]).await;
    let ingest = channel(&cluster.address_of("location-ingest-1"));
    let aggregators = ["aggregator-1", "aggregator-2"].map(|name| channel(&cluster.address_of(name)));
    put_through(&ingest, &aggregators[0], &[OVER_LAND, OVER_THE_BRIDGE]).await;

    let took = |name: &str| (name.to_owned(), 2, String::new());
    let results = set(&aggregators[1], 5.0, false).await;
    assert_eq!(results, [took("aggregator-2"), took("aggregator-1"), took("matcher-1")]);
    for aggregator in &aggregators {
        let nearest = nearest_by_eta(aggregator).await;
        assert_eq!(nearest[1], (OVER_THE_BRIDGE.0.to_owned(), Some(over_the_bridge_s(5.0))), "{nearest:?}");
        assert_eq!(ride_s(aggregator).await.unwrap(), over_the_bridge_s(5.0), "the matcher's speeds");
    }
    assert_eq!(set(&aggregators[1], 25.0, true).await, [took("aggregator-2")]);
    assert_eq!(
        (described(&aggregators[0]).await.generation, described(&aggregators[1]).await.generation),
        (1, 2)
    );

    cluster.kill("aggregator-2");
    let results = eventually("the killed node is reported as not live", STEP_TIMEOUT, async || {
        let results = set(&aggregators[0], 10.0, false).await;
        if results[1].2.contains("does not answer probes") {
            Ok(results)
        } else {
            Err(format!("{results:?}"))
        }
    })
    .await;
    assert_eq!(
        (results[0].clone(), results[1].0.as_str(), results[1].1),
        (took("aggregator-1"), "aggregator-2", 0)
    );
    assert_eq!(results[2], took("matcher-1"));
    assert_eq!(ride_s(&aggregators[0]).await.unwrap(), over_the_bridge_s(10.0));
}
