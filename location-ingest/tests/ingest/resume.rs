//! A driver that moves to another ingest node leaves no index entry of the last one.

use kerb_location_ingest::ResumeToken;
use kerb_proto::v1::Register;
use kerb_types::{ShardId, UpdateVersion};

use crate::connect::{App, position, register};
use crate::fixture::{Cluster, eventually, id, node, options, serve};

const SERVERS: [&str; 3] = ["a", "b", "c"];

/// The sequence of the driver's state on each server that has the driver.
fn indexed_sequences(cluster: &Cluster, driver: &str) -> Vec<u64> {
    let contents = SERVERS.iter().map(|name| cluster.server(name).content());
    contents
        .filter_map(|mut content| content.remove(&id(driver)))
        .map(|driver| driver.update_version.sequence)
        .collect()
}

#[tokio::test]
async fn a_resume_token_leaves_no_stale_entry_of_the_last_node() {
    let cluster = Cluster::new(&SERVERS, 1);
    let first = cluster.start("ingest-1", options()).await;
    let second = cluster.start("ingest-2", options()).await;
    let channels = [serve(&first).await, serve(&second).await];
    let mut token = bytes::Bytes::new();
    let mut sequence = 0;
    // Between two nodes and back, each time at another position.
    for round in 0..12_usize {
        let channel = &channels[round % 2];
        let (mut app, registered) =
            App::register(channel, Register { resume_token: token, ..register("cab") }).await.unwrap();
        assert_eq!(registered.last_sequence, sequence, "a token carries the sequence to the next node");
        sequence += 1;
        app.send(position(sequence, 50.0 + round as f64)).await;
        token = app.acknowledged(sequence).await.resume_token;
        cluster.settle(&[&first, &second]).await;
        assert_eq!(indexed_sequences(&cluster, "cab"), [sequence], "round {round}");
    }
    let other = ResumeToken {
        node: node("removed"),
        shard: ShardId(9_999),
        update_version: UpdateVersion::default(),
    };
    let foreign = Register { resume_token: other.encode(&id("cab")), ..register("cab") };
    assert!(App::register(&channels[0], foreign).await.is_ok(), "a shard that no longer exists is no error");
}

#[tokio::test]
async fn an_update_without_its_acknowledgement_leaves_no_stale_entry() {
    let cluster = Cluster::new(&SERVERS, 1);
    let nodes = [cluster.start("ingest-1", options()).await, cluster.start("ingest-2", options()).await];
    let [first, second] = [serve(&nodes[0]).await, serve(&nodes[1]).await];
    for cab in 0..8 {
        let name = format!("cab-{cab}");
        let (mut app, _) = App::register(&first, register(&name)).await.unwrap();
        app.send(position(1, 10.0 + f64::from(cab))).await;
        let token = app.acknowledged(1).await.resume_token;
        // Into another shard: the node applies it, and its acknowledgement does not reach the app.
        app.send(position(2, 40.0 + f64::from(cab))).await;
        app.acknowledged(2).await;
        cluster.settle(&[&nodes[0], &nodes[1]]).await;
        // Back into the first shard, or into a third one.
        let lat = if cab % 2 == 0 { 10.0 } else { 70.0 } + f64::from(cab);
        let (mut app, _) =
            App::register(&second, Register { resume_token: token, ..register(&name) }).await.unwrap();
        app.send(position(3, lat)).await;
        app.acknowledged(3).await;
        cluster.settle(&[&nodes[0], &nodes[1]]).await;
        assert_eq!(indexed_sequences(&cluster, &name), [3], "{name}");
    }
}

#[tokio::test]
async fn a_node_that_went_down_before_its_first_acknowledgement_leaves_no_stale_entry() {
    let cluster = Cluster::new(&SERVERS, 1);
    let nodes = [cluster.start("ingest-1", options()).await, cluster.start("ingest-2", options()).await];
    let [first, second] = [serve(&nodes[0]).await, serve(&nodes[1]).await];
    for cab in 0..8 {
        let name = format!("cab-{cab}");
        // Half of them come from the second node, with its token. That token names no other node when they come back.
        let (token, sequence) = if cab < 4 {
            Default::default()
        } else {
            let (mut app, _) = App::register(&second, register(&name)).await.unwrap();
            app.send(position(1, 70.0 + f64::from(cab))).await;
            (app.acknowledged(1).await.resume_token, 1)
        };
        let (mut app, registered) =
            App::register(&first, Register { resume_token: token, ..register(&name) }).await.unwrap();
        assert_eq!(registered.last_sequence, sequence);
        app.send(position(sequence + 1, 10.0 + f64::from(cab))).await;
        // The node applies it, and its acknowledgement does not reach the app.
        app.acknowledged(sequence + 1).await;
        cluster.settle(&[&nodes[0], &nodes[1]]).await;
        assert_eq!(indexed_sequences(&cluster, &name), [sequence + 1], "{name}");
        let resumed = Register { resume_token: registered.resume_token, ..register(&name) };
        let (mut app, registered) = App::register(&second, resumed).await.unwrap();
        assert_eq!(registered.last_sequence, sequence);
        app.send(position(sequence + 2, 40.0 + f64::from(cab))).await;
        app.acknowledged(sequence + 2).await;
        cluster.settle(&[&nodes[0], &nodes[1]]).await;
        assert_eq!(indexed_sequences(&cluster, &name), [sequence + 2], "{name}");
    }
}

#[tokio::test]
async fn a_restarted_server_gets_the_evictions_again() {
    let cluster = Cluster::new(&SERVERS, 1);
    let nodes = [cluster.start("ingest-1", options()).await, cluster.start("ingest-2", options()).await];
    let [first, second] = [serve(&nodes[0]).await, serve(&nodes[1]).await];
    for cab in 0..8 {
        let name = format!("cab-{cab}");
        let (mut app, _) = App::register(&first, register(&name)).await.unwrap();
        app.send(position(1, 10.0 + f64::from(cab))).await;
        let token = app.acknowledged(1).await.resume_token;
        let (mut app, _) =
            App::register(&second, Register { resume_token: token, ..register(&name) }).await.unwrap();
        app.send(position(2, 60.0 + f64::from(cab))).await;
        app.acknowledged(2).await;
    }
    cluster.settle(&[&nodes[0], &nodes[1]]).await;
    for server in SERVERS.map(|name| cluster.server(name)) {
        server.index.lock().restart();
        server.break_streams();
    }
    let names = (0..8).map(|cab| format!("cab-{cab}")).collect::<Vec<_>>();
    eventually("all drivers are indexed again", || {
        names.iter().all(|name| indexed_sequences(&cluster, name).contains(&2))
    })
    .await;
    cluster.settle(&[&nodes[0], &nodes[1]]).await;
    for name in names {
        assert_eq!(indexed_sequences(&cluster, &name), [2], "{name}");
    }
}
