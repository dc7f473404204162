//! A driver with an open offer who reports another status than AVAILABLE: the offer goes back at once.

use std::sync::Arc;

use kerb_ports::{DriverAction, DriverEventsError};
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::{DriverStatus as Status, PositionColumns, ReportPositionsRequest};
use kerb_trips::TripState;
use tokio::time::{Duration, advance, pause};

use super::{Bed, accept, assignment};
use crate::connect::position;
use crate::fake_matcher::{Call, FakeMatcher};
use crate::fixture::{eventually, id, options};
use crate::fleet::{columns, report_all};

fn with_status(sequence: u64, status: Status) -> Up {
    let Up::Position(mut update) = position(sequence, 50.0) else { panic!("not a position") };
    update.status = status.into();
    Up::Position(update)
}

fn unavailable(driver: &str, trip: &str) -> Call {
    Call::Unavailable(driver.to_owned(), trip.to_owned())
}

/// Returns a bed whose driver "cab" is AVAILABLE and has an offer.
async fn offered(matcher: &Arc<FakeMatcher>) -> (Bed, crate::connect::App) {
    let bed = Bed::new(Some(matcher), options()).await;
    let mut app = bed.app("cab").await;
    app.send(with_status(1, Status::Available)).await;
    app.acknowledged(1).await;
    assert!(bed.notify("cab", &assignment("world-1")).await);
    (bed, app)
}

fn is_reserved(bed: &Bed) -> bool {
    let table = bed.ingest.handle().table();
    table.is_reserved(table.slot(&id("cab")).unwrap())
}

#[tokio::test]
async fn an_offer_goes_back_at_each_status_other_than_available() {
    for status in [Status::Offline, Status::OnBreak, Status::OnTrip] {
        let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
        let (bed, app) = offered(&matcher).await;
        app.send(with_status(2, status)).await;
        matcher.called(2).await;
        assert_eq!(matcher.calls()[1], unavailable("cab", "world-1"), "{status:?}");
        eventually("the driver is free", || !is_reserved(&bed)).await;
    }
}

#[tokio::test]
async fn an_offer_to_a_driver_who_is_offline_by_now_goes_back() {
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    let bed = Bed::new(Some(&matcher), options()).await;
    let mut app = bed.app("cab").await;
    app.send(with_status(1, Status::OnBreak)).await;
    app.acknowledged(1).await;
    assert!(bed.notify("cab", &assignment("world-1")).await);
    matcher.called(2).await;
    assert_eq!(matcher.calls()[1], unavailable("cab", "world-1"));
}

#[tokio::test]
async fn an_offer_is_not_returned_while_its_answer_is_on_its_way_nor_after_it() {
    let matcher = FakeMatcher::slow();
    let (bed, mut app) = offered(&matcher).await;
    app.send(accept("world-1")).await;
    matcher.called(2).await;
    app.send(with_status(2, Status::OnTrip)).await;
    app.acknowledged(2).await;
    matcher.actions.add_permits(1);
    eventually("the accept is answered", || matcher.acts() == 1 && matcher.actions.available_permits() == 0)
        .await;
    app.send(with_status(3, Status::OnTrip)).await;
    app.acknowledged(3).await;
    assert_eq!(matcher.calls().len(), 2, "{:?}", matcher.calls());
    assert!(is_reserved(&bed));
}

#[tokio::test]
async fn after_an_accept_that_fails_the_offer_still_goes_back() {
    let unavailable_matcher = || DriverEventsError::DeadlineExceeded("scripted".to_owned());
    let matcher = FakeMatcher::new(move |_, action| match action {
        DriverAction::Accept => Err(unavailable_matcher()),
        _ => Ok(TripState::EnRoute),
    });
    let (_bed, app) = offered(&matcher).await;
    app.send(with_status(2, Status::Available)).await;
    app.send(accept("world-1")).await;
    matcher.called(2).await;
    app.send(with_status(3, Status::Offline)).await;
    matcher.called(3).await;
    assert_eq!(matcher.calls()[2], unavailable("cab", "world-1"));
}

#[tokio::test]
async fn a_return_that_fails_is_sent_again() {
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    *matcher.return_failures.lock() = 2;
    let (bed, app) = offered(&matcher).await;
    app.send(with_status(2, Status::Offline)).await;
    matcher.called(2).await;
    pause();
    for _ in 0..20 {
        advance(Duration::from_millis(500)).await;
    }
    matcher.called(4).await;
    assert!(matcher.calls()[1..].iter().all(|call| *call == unavailable("cab", "world-1")));
    eventually("the driver is free", || !is_reserved(&bed)).await;
}

#[tokio::test]
async fn a_gateways_row_returns_the_offer_of_its_driver() {
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    let bed = Bed::new(Some(&matcher), options()).await;
    let node = bed.ingest.handle();
    let mut gateway = node.gateway();
    report_all(&mut gateway, 7..8, 1);
    let app = bed.app("fleet-7").await;
    matcher.called(1).await;
    assert!(bed.notify("fleet-7", &assignment("world-1")).await);
    let positions = Some(PositionColumns { status: vec![Status::OnBreak.into()], ..columns(7..8, 2) });
    gateway.take(ReportPositionsRequest { drivers: Vec::new(), positions }).unwrap();
    matcher.called(2).await;
    assert_eq!(matcher.calls()[1], unavailable("fleet-7", "world-1"));
    drop(app);
}
