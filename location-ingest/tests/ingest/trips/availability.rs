//! What the index holds of a driver next to its reports: whether a stream is open, and whether a trip reserves the driver.

use kerb_ports::{DriverChannel, DriverLookup};
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::trip_action::Action;
use kerb_proto::v1::{DeclineOffer, TripAction};
use kerb_trips::TripState;
use kerb_types::IndexedStatus;
use tokio::time::{Duration, advance, pause};

use super::{assignment, ended};
use crate::connect::{App, position, register};
use crate::fake_matcher::{Call, FakeMatcher};
use crate::fixture::{Cluster, eventually, id, options, serve};
use crate::fleet::report_all;

fn decline(trip: &str) -> Up {
    let action = Some(Action::Decline(DeclineOffer { reason: String::new() }));
    Up::Action(TripAction { trip_id: trip.to_owned(), action })
}

#[tokio::test]
async fn the_index_follows_the_stream_and_the_reservation_without_a_report() {
    let cluster = Cluster::new(&["a"], 1);
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::Requested));
    cluster.set_matcher(matcher.clone());
    let ingest = cluster.start("ingest", options()).await;
    let channel = serve(&ingest).await;
    let node = ingest.handle();
    let indexed = |driver: &str, right: IndexedStatus| {
        let (driver, ingest, cluster) = (id(driver), &ingest, &cluster);
        async move {
            assert!(ingest.settle(30_000).await);
            assert_eq!(cluster.server("a").content()[&driver].status, right);
        }
    };
    report_all(&mut node.gateway(), 7..8, 1);
    indexed("fleet-7", IndexedStatus::Unreachable).await;
    let (app, _) = App::register(&channel, register("fleet-7")).await.unwrap();
    matcher.called(1).await;
    indexed("fleet-7", IndexedStatus::Available).await;

    assert!(node.notify(id("fleet-7"), assignment("world-1")).await.unwrap());
    indexed("fleet-7", IndexedStatus::Reserved).await;
    assert!(node.lookup(id("fleet-7")).await.unwrap().unwrap().reserved);
    app.send(decline("world-1")).await;
    eventually("the decline frees", || !node.table().is_reserved(node.table().slot(&id("fleet-7")).unwrap()))
        .await;
    indexed("fleet-7", IndexedStatus::Available).await;

    assert!(node.notify(id("fleet-7"), assignment("world-2")).await.unwrap());
    drop(app);
    eventually("the stream is closed", || node.metrics().streams_open.get() == 0).await;
    indexed("fleet-7", IndexedStatus::Reserved).await;
    assert!(!node.notify(id("fleet-7"), ended("world-2")).await.unwrap());
    indexed("fleet-7", IndexedStatus::Unreachable).await;
    assert!(!node.notify(id("fleet-7"), assignment("world-3")).await.unwrap());
    indexed("fleet-7", IndexedStatus::Unreachable).await;
}

#[tokio::test]
async fn a_driver_that_connects_has_the_reservation_that_the_matcher_names() {
    let cluster = Cluster::new(&["a"], 1);
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    cluster.set_matcher(matcher.clone());
    let ingest = cluster.start("ingest", options()).await;
    let channel = serve(&ingest).await;
    let table = ingest.handle().table();
    *matcher.notification.lock() = Some(assignment("world-1"));
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    app.send(position(1, 50.0)).await;
    app.acknowledged(1).await;
    let slot = table.slot(&id("cab")).unwrap();
    eventually("the matcher's answer reserves", || table.is_reserved(slot)).await;

    // The end of the trip is lost, and the matcher corrects the node.
    *matcher.notification.lock() = None;
    cluster.clock.advance(60_000);
    pause();
    advance(Duration::from_secs(11)).await;
    eventually("the reservation is over", || !table.is_reserved(slot)).await;
    assert!(matcher.calls().iter().filter(|call| **call == Call::Connected("cab".to_owned())).count() >= 2);
}
