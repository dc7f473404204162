//! The order of a driver's updates: bounded steps, healing, and a clock that is set back.

use kerb_location_ingest::{
    DriverTable, Expiry, Metrics, Options, Pace, RateLimit, SEQUENCE_STEP_MAX, UpdateOutcome,
};
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::notice::Reason;
use kerb_proto::v1::{Notice, PositionColumns, PositionUpdate, Register, ReportPositionsRequest};
use kerb_types::{Millis, Timestamp};

use crate::connect::{App, position, register};
use crate::fixture::{Cluster, NOW_MS, id, options, place, profile, report, serve, sharding};
use crate::fleet::{columns, driver};

const HOUR: Millis = Millis::new(3_600_000);

/// Reads until the acknowledgement after the last update, and returns the notices and the rejections before it.
async fn effects(app: &mut App, late: u64) -> (Vec<Notice>, Vec<String>) {
    let (mut notices, mut rejected) = (Vec::new(), Vec::new());
    loop {
        match app.next().await.unwrap().expect("the stream is open") {
            Down::Notice(notice) => notices.push(notice),
            Down::Rejection(rejection) => {
                rejected.extend(rejection.errors.iter().map(|e| format!("{}: {}", e.field, e.description)));
            }
            Down::Acknowledgement(ack) if ack.dropped_late >= late => return (notices, rejected),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_sequence_far_ahead_is_rejected_and_bars_nothing() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let channel = serve(&ingest).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    app.send(position(u64::MAX, 50.0)).await;
    app.send(position(5, 51.0)).await;
    app.send(position(6 + SEQUENCE_STEP_MAX, 52.0)).await;
    app.send(position(6, 53.0)).await;
    let mut rejected = Vec::new();
    while rejected.len() < 2 {
        if let Some(Down::Rejection(rejection)) = app.next().await.unwrap() {
            rejected.push(format!("{}: {}", rejection.errors[0].field, rejection.errors[0].description));
        }
    }
    assert_eq!(
        rejected,
        [
            "position.sequence: 18446744073709551615, must be at most 9007199254740992 in the first update of a driver",
            "position.sequence: 4294967302, must be at most 4294967301: the last one is 5",
        ]
    );
    app.acknowledged(6).await;
    assert!(ingest.settle(30_000).await);
    assert_eq!(cluster.server("a").content()[&id("cab")].position.lat_e7(), 530_000_000);

    let mut gateway = ingest.handle().gateway();
    let columns = PositionColumns { sequence: vec![u64::MAX, 3], ..columns(0..2, 1) };
    let request = ReportPositionsRequest { drivers: (0..2).map(driver).collect(), positions: Some(columns) };
    gateway.take(request).unwrap();
    let summary = gateway.into_summary();
    assert_eq!((summary.applied, summary.rejected, summary.rejections[0].row), (1, 1, 0));
    assert_eq!(summary.rejections[0].errors[0].field, "positions.sequence");
}

#[tokio::test]
async fn an_app_that_numbers_anew_gets_one_notice_and_can_start_anew() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let channel = serve(&ingest).await;
    let (by_ms, by_s) = (1_800_000_000_000, 1_800_000_000);
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    app.send(position(by_ms, 50.0)).await;
    app.acknowledged(by_ms).await;
    cluster.clock.advance(3_000);
    let later = |sequence, latitude_deg| {
        let Up::Position(update) = position(sequence, latitude_deg) else { unreachable!() };
        Up::Position(PositionUpdate { time_ms: 0, ..update })
    };

    let (mut app, registered) = App::register(&channel, register("cab")).await.unwrap();
    assert_eq!(registered.last_sequence, by_ms);
    for i in 0..8 {
        app.send(later(by_s + i, 51.0)).await;
    }
    let (notices, rejected) = effects(&mut app, 8).await;
    assert_eq!((notices.len(), rejected.len()), (1, 0), "{notices:?} {rejected:?}");
    assert_eq!(notices[0].reason(), Reason::NotNewer);
    let error = notices[0].error.as_ref().unwrap();
    assert_eq!(error.field, "position.sequence");
    assert!(error.description.contains("1800000000000") && error.description.contains("restart_sequence"));

    let restart = Register { restart_sequence: true, ..register("cab") };
    let (mut app, registered) = App::register(&channel, restart).await.unwrap();
    assert_eq!(registered.last_sequence, 0);
    app.send(later(by_s, 52.0)).await;
    app.send(later(by_s + 1, 53.0)).await;
    let ack = app.acknowledged(by_s + 1).await;
    assert_eq!((ack.sequence, ack.dropped_late), (by_s + 1, 0));
    assert!(ingest.settle(30_000).await);
    assert_eq!(cluster.server("a").content()[&id("cab")].position.lat_e7(), 530_000_000);
}

#[test]
fn an_order_ends_with_the_silence_of_its_driver() {
    let ttl_ms = Millis::new(60_000);
    let table = DriverTable::new(sharding(), 4).with_order_ending_after(Millis::new(130_000));
    let driver = table.register(&profile(0), |_| ()).unwrap();
    let (mut expiry, metrics) = (Expiry::new(NOW_MS, ttl_ms, HOUR), Metrics::default());
    let mut now = NOW_MS;
    let apply = |sequence, now| {
        table.apply(&driver, &report(place(1), sequence, now), now, RateLimit::NONE).unwrap().outcome
    };
    assert_eq!(apply(1 << 50, now), UpdateOutcome::Newest(Pace::Fine));
    for _ in 0..130 {
        now += Millis::new(1_000);
        expiry.expire_due(now, &table, |_| true, &metrics);
        assert_eq!(apply(7, now), UpdateOutcome::Late);
    }
    now += Millis::new(1_000);
    assert_eq!(apply(7, now), UpdateOutcome::Newest(Pace::Fine));
    assert_eq!(apply(8, now), UpdateOutcome::Newest(Pace::Fine));
}

#[test]
fn a_clock_that_is_set_back_neither_stops_nor_freshens_drivers() {
    let ttl_ms = Millis::new(60_000);
    let table = DriverTable::new(sharding(), 4);
    let (moving, silent) =
        (table.register(&profile(0), |_| ()).unwrap(), table.register(&profile(1), |_| ()).unwrap());
    let (mut expiry, metrics) = (Expiry::new(NOW_MS, ttl_ms, HOUR), Metrics::default());
    let receipt = report(place(1), 0, Timestamp::default());
    for driver in [&moving, &silent] {
        table.apply(driver, &receipt, NOW_MS, RateLimit::NONE).unwrap();
    }
    expiry.expire_due(NOW_MS, &table, |_| true, &metrics);
    let now = NOW_MS - HOUR;
    let moved = table.apply(&moving, &report(place(2), 0, Timestamp::default()), now, RateLimit::NONE);
    assert_eq!(moved.unwrap().outcome, UpdateOutcome::Newest(Pace::Fine));
    let state = table.state(moving.slot).unwrap();
    assert_eq!((state.position, state.update_version.time), (place(2), now));
    expiry.expire_due(now, &table, |_| true, &metrics);
    assert!(table.state(moving.slot).unwrap().indexed);
    assert!(!table.state(silent.slot).unwrap().indexed, "a time ahead of the clock is not fresh");
    // The wheel goes on at the new time.
    let late = now + ttl_ms + Millis::new(2_000);
    expiry.expire_due(late, &table, |_| true, &metrics);
    assert!(!table.state(moving.slot).unwrap().indexed);
}

#[tokio::test]
async fn an_app_of_old_positions_gets_one_notice() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", Options { stale_after_ms: 15_000, ..options() }).await;
    let channel = serve(&ingest).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    let aged = |sequence, age_ms| {
        let Up::Position(update) = position(sequence, 50.0) else { unreachable!() };
        Up::Position(PositionUpdate { time_ms: NOW_MS.as_millis() - age_ms, ..update })
    };
    for (sequence, age_ms) in [(1, 15_000), (2, 15_001), (3, 30_000), (3, 30_000)] {
        app.send(aged(sequence, age_ms)).await;
    }
    let (notices, _) = effects(&mut app, 1).await;
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!((notices[0].reason(), notices[0].sequence), (Reason::PositionOld, 2));
    assert_eq!(notices[0].error.as_ref().unwrap().field, "position.time_ms");

    let time_ms = NOW_MS.as_millis() - 20_000;
    let columns = PositionColumns { base_time_ms: time_ms, ..columns(0..2, 1) };
    let mut gateway = ingest.handle().gateway();
    let request = ReportPositionsRequest { drivers: (0..2).map(driver).collect(), positions: Some(columns) };
    gateway.take(request).unwrap();
    assert_eq!((gateway.summary_so_far().applied, gateway.summary_so_far().applied_old), (2, 2));
}
