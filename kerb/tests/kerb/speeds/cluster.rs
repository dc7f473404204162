//! Speeds in a cluster: told to one node, known to all that have travel times.

use kerb_proto::v1::SetSpeedsRequest;
use kerb_proto::v1::roads_admin_service_client::RoadsAdminServiceClient;
use tonic::transport::Channel;

use super::{OVER_LAND, OVER_THE_BRIDGE, SOON, bridge_rows, described, over_the_bridge_s, ride_s, soonest};
use crate::eventually::eventually;
use crate::members::Cluster;
use crate::process::channel;
use crate::travel::{put_through, town};

async fn set(door: &Channel, kmh: f64, this_node_only: bool) -> Vec<(String, u32, String)> {
    let speeds = bridge_rows(kmh, None);
    let message = SetSpeedsRequest { speeds, this_node_only, ..SetSpeedsRequest::default() };
    let answer =
        RoadsAdminServiceClient::new(door.clone()).set_speeds(futures::stream::iter([message])).await;
    let nodes = answer.expect("what the test has set up").into_inner().nodes;
    nodes.into_iter().map(|node| (node.node_id, node.taken, node.error)).collect()
}

#[tokio::test]
async fn what_is_told_to_one_node_is_known_to_all_with_travel_times() {
    let dir = tempfile::tempdir().unwrap();
    town(dir.path());
    let roads = format!("roads.file={}", dir.path().join("town.roads").display());
    let mut cluster = Cluster::start_with(&[1, 1, 2, 1], 1, &["--set", &roads]).await;
    let ingest = channel(&cluster.address_of("location-ingest-1"));
    let doors = ["aggregator-1", "aggregator-2"].map(|name| channel(&cluster.address_of(name)));
    put_through(&ingest, &doors[0], &[OVER_LAND, OVER_THE_BRIDGE]).await;

    let took = |name: &str| (name.to_owned(), 2, String::new());
    let told = set(&doors[1], 5.0, false).await;
    assert_eq!(told, [took("aggregator-2"), took("aggregator-1"), took("matcher-1")]);
    for door in &doors {
        let soonest = soonest(door).await;
        assert_eq!(soonest[1], (OVER_THE_BRIDGE.0.to_owned(), Some(over_the_bridge_s(5.0))), "{soonest:?}");
        assert_eq!(ride_s(door).await.unwrap(), over_the_bridge_s(5.0), "the matcher's");
    }
    assert_eq!(set(&doors[1], 25.0, true).await, [took("aggregator-2")]);
    assert_eq!((described(&doors[0]).await.generation, described(&doors[1]).await.generation), (1, 2));

    cluster.kill("aggregator-2");
    let told = eventually("the dead node is answered as dead", SOON, async || {
        let told = set(&doors[0], 10.0, false).await;
        if told[1].2.contains("does not answer probes") { Ok(told) } else { Err(format!("{told:?}")) }
    })
    .await;
    assert_eq!((told[0].clone(), told[1].0.as_str(), told[1].1), (took("aggregator-1"), "aggregator-2", 0));
    assert_eq!(told[2], took("matcher-1"));
    assert_eq!(ride_s(&doors[0]).await.unwrap(), over_the_bridge_s(10.0));
}
