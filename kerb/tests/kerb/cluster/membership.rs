//! The index takes positions of listed ingest nodes only, and a node that leaves the membership loses its drivers.

use std::sync::Arc;
use std::time::Duration;

use kerb::Settings;
use kerb_cluster::RemotePeers;
use kerb_ports::{Peers, ReplicationError, SourceRegistration};
use kerb_proto::internal::v1::ShardStatsRequest;
use kerb_proto::internal::v1::index_service_client::IndexServiceClient;
use kerb_transport::{ChannelOptions, Channels, ClusterSecret, Signer};
use kerb_types::{MembershipView, Node, NodeId, Role, ShardMap, SystemClock};
use tokio::sync::watch;
use tonic::Code;

use super::BERLIN;
use crate::support::cluster::{Cluster, SECRET};
use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::eventually;
use crate::support::process::{Process, channel, run, text};
use crate::support::search::{find_nearby, request, within};

const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// Waits until a search at the aggregator finds exactly these drivers.
async fn finds(cluster: &Cluster, expected: &[&str]) {
    let aggregator = channel(&cluster.address_of("aggregator-1"));
    eventually(&format!("a search finds {expected:?}"), STEP_TIMEOUT, async || {
        let found = find_nearby(&aggregator, request(within(BERLIN, 5_000.0))).await;
        let found = found.map_err(|status| status.to_string())?.drivers;
        let mut ids: Vec<_> = found.iter().map(|driver| driver.driver_id.as_str()).collect();
        ids.sort_unstable();
        if ids == expected { Ok(()) } else { Err(format!("{ids:?}")) }
    })
    .await;
}

/// Opens a replication stream to the cluster's index server, as the node of this name with this secret.
async fn open_as(name: &str, secret: Option<&str>, cluster: &Cluster) -> Result<(), ReplicationError> {
    let index = NodeId::new("index-server-1").expect("a legal name");
    let address = Some(cluster.address_of("index-server-1"));
    let nodes = vec![Node { id: index.clone(), roles: vec![Role::IndexServer], address, live: true }];
    let view = MembershipView { nodes, shard_map: Arc::new(ShardMap::place(4, 1, &[])) };
    let node = NodeId::new(name).expect("a legal name");
    let secret = secret.map(|secret| ClusterSecret::new(secret.into()).expect("it is long enough"));
    let signer = Signer::new(node.clone(), secret, Arc::new(SystemClock));
    let view = watch::Sender::new(Arc::new(view)).subscribe();
    let channels = Channels::new(view, ChannelOptions::default()).signed_by(signer);
    let settings = Settings::default();
    let catalog = settings.catalog().expect("the default");
    let settings_fingerprint = settings.sharding().expect("the default").fingerprint(&catalog);
    let server = RemotePeers::new(Arc::new(channels)).index_server(&index).expect("it is listed");
    let mut stream = server.open(SourceRegistration { node, settings_fingerprint }).await?;
    stream.flush().await
}

#[tokio::test]
async fn a_ghost_is_refused_and_the_drivers_stay() {
    let cluster = Cluster::start(&[1, 1, 1, 0], 1).await;
    let ingest = channel(&cluster.address_of("location-ingest-1"));
    let mut driver = DriverStream::open(ingest, register("real")).await.unwrap();
    driver.report(update(1, BERLIN.0, BERLIN.1)).await.unwrap();
    finds(&cluster, &["real"]).await;

    let ghosts = [
        ("ghost", None, "its call is not signed"),
        ("ghost", Some("a secret of other people"), "its secret is another one"),
        ("ghost", Some(SECRET), "node ghost is not in the membership of node index-server-1 (cluster.file)"),
        ("location-ingest-1", None, "its call is not signed"),
        ("location-ingest-1", Some("a secret of other people"), "its secret is another one"),
        ("aggregator-1", Some(SECRET), "is for location-ingest"),
    ];
    for (name, secret, expected) in ghosts {
        let error = open_as(name, secret, &cluster).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
    driver.report(update(2, BERLIN.0, BERLIN.1)).await.unwrap();
    finds(&cluster, &["real"]).await;
}

#[tokio::test]
async fn a_node_that_leaves_the_membership_loses_its_drivers() {
    let mut cluster = Cluster::start(&[2, 1, 1, 0], 1).await;
    let [staying, leaving] =
        ["location-ingest-1", "location-ingest-2"].map(|name| channel(&cluster.address_of(name)));
    let mut stays = DriverStream::open(staying.clone(), register("stays")).await.unwrap();
    stays.report(update(1, BERLIN.0, BERLIN.1)).await.unwrap();
    let mut leaves = DriverStream::open(leaving, register("leaves")).await.unwrap();
    leaves.report(update(1, BERLIN.0, BERLIN.1)).await.unwrap();
    finds(&cluster, &["leaves", "stays"]).await;

    cluster.remove_from_file("location-ingest-2");
    finds(&cluster, &["stays"]).await;
    // The node still takes positions, which reach no index any more.
    leaves.report(update(2, BERLIN.0, BERLIN.1)).await.unwrap();
    // Its driver changes nodes.
    let mut again = DriverStream::open(staying, register("leaves")).await.unwrap();
    again.report(update(3, BERLIN.0, BERLIN.1)).await.unwrap();
    finds(&cluster, &["leaves", "stays"]).await;
}

#[tokio::test]
async fn a_single_node_has_no_internal_services() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--data-dir", "none"]);
    let call = IndexServiceClient::new(node.channel()).shard_stats(ShardStatsRequest {}).await;
    assert_eq!(call.unwrap_err().code(), Code::Unimplemented);
}

#[test]
fn a_node_on_the_network_needs_the_secret_of_the_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let file = "[[nodes]]\nid = \"index-1\"\naddress = \"127.0.0.1:1\"\nroles = [\"index-server\"]\n";
    std::fs::write(dir.path().join("cluster.toml"), file).unwrap();
    std::fs::write(dir.path().join("short"), "0123456789abcde\n").unwrap();
    let start = |more: &[&str]| {
        let args = [
            "index-server",
            "--cluster-file",
            "cluster.toml",
            "--node-id",
            "index-1",
            "--listen",
            "0.0.0.0:0",
        ];
        let output = run(dir.path(), &[&args[..], more].concat());
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    let missing = start(&[]);
    assert!(missing.contains("listens on 0.0.0.0:0 needs the cluster's secret"), "{missing}");
    assert!(missing.contains("cluster.secret_file"), "{missing}");
    let short = start(&["--set", "cluster.secret_file=short"]);
    assert!(short.contains("short: 15 bytes, must be 16 to 4096 bytes (cluster.secret_file)"), "{short}");
    let absent = start(&["--set", "cluster.secret_file=absent"]);
    assert!(absent.contains("absent: ") && absent.contains("cluster.secret_file"), "{absent}");
}
