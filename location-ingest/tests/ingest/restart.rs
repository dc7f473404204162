//! Restarts: the index is complete again before any driver reports.

use kerb_location_ingest::{LocationIngest, Options, StartError};
use kerb_ports::DriverLookup;
use kerb_types::{Millis, Sharding};

use crate::fixture::{Cluster, eventually, id, options};
use crate::fleet::report_all;

const POSITION_TTL_MS: i64 = 60_000;

fn stored(folder: &tempfile::TempDir) -> Options {
    Options { data_dir: Some(folder.path().to_owned()), store_interval_ms: 5, ..options() }
}

#[tokio::test]
async fn after_a_restart_everything_is_searchable_again() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::new(&["a", "b"], 1);
    let ingest = cluster.start("ingest", stored(&folder)).await;
    report_all(&mut ingest.handle().gateway(), 0..2_000, 5);
    ingest.shutdown().await;
    let again = Cluster::new(&["a", "b"], 1);
    let ingest = again.start("ingest", stored(&folder)).await;
    assert!(ingest.settle(30_000).await);
    assert_eq!(again.server("a").content().len() + again.server("b").content().len(), 2_000);
    again.assert_equals(ingest.handle().table(), Millis::new(POSITION_TTL_MS));
    let known = ingest.handle().lookup(id("fleet-7")).await.unwrap().unwrap();
    assert!(known.searchable && !known.connected);
    assert_eq!(known.position.unwrap().update_version.sequence, 5);
}

#[tokio::test]
async fn an_expired_driver_is_in_the_table_but_not_searchable_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", stored(&folder)).await;
    report_all(&mut ingest.handle().gateway(), 0..100, 5);
    ingest.shutdown().await;
    cluster.clock.advance(POSITION_TTL_MS);
    let ingest = cluster.start("ingest", stored(&folder)).await;
    assert!(ingest.settle(30_000).await);
    assert!(cluster.server("a").content().is_empty());
    let known = ingest.handle().lookup(id("fleet-7")).await.unwrap().unwrap();
    assert!(!known.searchable && known.position.is_some());
}

#[tokio::test]
async fn another_sharding_assigns_new_shards() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::new(&["a"], 1);
    let mut ports = cluster.ports("ingest");
    ports.sharding = Sharding::new(5, kerb_types::Partitioning::Id).unwrap();
    let ingest = LocationIngest::start(stored(&folder), ports).await.unwrap();
    report_all(&mut ingest.handle().gateway(), 0..100, 5);
    ingest.shutdown().await;
    let again = Cluster::new(&["a"], 1);
    let ingest = again.start("ingest", stored(&folder)).await;
    assert!(ingest.settle(30_000).await);
    again.assert_equals(ingest.handle().table(), Millis::new(POSITION_TTL_MS));
    assert_eq!(again.server("a").content().len(), 100);
}

#[tokio::test]
async fn write_behind_needs_no_shutdown_and_one_folder_serves_one_node() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", stored(&folder)).await;
    report_all(&mut ingest.handle().gateway(), 0..100, 5);
    eventually("all is stored", || ingest.handle().metrics().stored.get() >= 100).await;
    let error = LocationIngest::start(stored(&folder), cluster.ports("second")).await.err().unwrap();
    assert!(
        matches!(error, StartError::Store(_)) && error.to_string().contains("another process"),
        "{error}"
    );
}

#[tokio::test]
async fn a_wrong_option_is_named() {
    let cluster = Cluster::new(&["a"], 1);
    let wrong = Options { drivers_max: 0, ..options() };
    let error = LocationIngest::start(wrong, cluster.ports("ingest")).await.err().unwrap();
    assert!(error.to_string().starts_with("drivers_max: 0, must be"), "{error}");
}
