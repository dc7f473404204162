//! Trips in the stream of a driver app: actions, results and notifications, and the reports of connections to the matcher.

mod availability;
mod offer_return;

use std::sync::Arc;

use kerb_location_ingest::{LocationIngest, Options};
use kerb_ports::{DriverAction, DriverChannel, DriverEventsError, DriverNotification, TripAssignment};
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::trip_action::Action;
use kerb_proto::v1::{
    AcceptOffer, ActionResult, ArriveAtPickup, DeclineOffer, TripAction, TripState as State,
};
use kerb_trips::TripState;
use kerb_types::{Timestamp, TravelSource};
use tonic::Code;
use tonic::transport::Channel;

use crate::connect::{App, position, register};
use crate::fake_matcher::{Call, FakeMatcher};
use crate::fixture::{Cluster, eventually, id, in_time, options, place, serve};

struct Bed {
    ingest: LocationIngest,
    channel: Channel,
    cluster: Arc<Cluster>,
}

impl Bed {
    async fn new(matcher: Option<&Arc<FakeMatcher>>, options: Options) -> Self {
        let cluster = Cluster::new(&["a"], 1);
        if let Some(matcher) = matcher {
            cluster.set_matcher(matcher.clone());
        }
        let ingest = cluster.start("ingest", options).await;
        let channel = serve(&ingest).await;
        Self { ingest, channel, cluster }
    }

    async fn app(&self, driver: &str) -> App {
        App::register(&self.channel, register(driver)).await.unwrap().0
    }

    async fn notify(&self, driver: &str, notification: &DriverNotification) -> bool {
        self.ingest.handle().notify(id(driver), notification.clone()).await.unwrap()
    }

    async fn all_closed(&self) {
        eventually("the streams are closed", || self.ingest.handle().metrics().streams_open.get() == 0).await;
    }
}

fn action(trip_id: &str, action: Action) -> Up {
    Up::Action(TripAction { trip_id: trip_id.to_owned(), action: Some(action) })
}

fn accept(trip_id: &str) -> Up {
    action(trip_id, Action::Accept(AcceptOffer {}))
}

fn assignment(trip: &str) -> DriverNotification {
    DriverNotification::Assignment(Box::new(TripAssignment {
        trip: trip.parse().unwrap(),
        state: TripState::Offered,
        pickup: place(1),
        dropoff: place(2),
        pickup_eta_s: 60,
        travel_source: Some(TravelSource::Roads),
        expires_ms: Timestamp::from_millis(15_000),
        party_size: 1,
    }))
}

fn ended(trip: &str) -> DriverNotification {
    let why = "cancelled by rider".to_owned();
    DriverNotification::Ended { trip: trip.parse().unwrap(), state: TripState::Cancelled, reason: why }
}

/// The next message that is neither acknowledgement nor interval.
async fn next(app: &mut App) -> Down {
    loop {
        match app.next().await.unwrap().expect("the stream is open") {
            Down::Acknowledgement(_) | Down::ReportingInterval(_) => {}
            other => return other,
        }
    }
}

async fn result(app: &mut App) -> ActionResult {
    match next(app).await {
        Down::Result(result) => result,
        other => panic!("{other:?} is no result"),
    }
}

async fn next_notification(app: &mut App) -> DriverNotification {
    match next(app).await {
        Down::Assignment(assignment) => {
            DriverNotification::Assignment(Box::new(assignment.try_into().unwrap()))
        }
        Down::Ended(ended) => ended.try_into().unwrap(),
        other => panic!("{other:?} is not a notification"),
    }
}

fn code(result: &ActionResult) -> Code {
    Code::from_i32(result.code)
}

#[tokio::test]
async fn actions_and_their_repetitions_are_answered_in_order() {
    let matcher = FakeMatcher::new(|trip, action| match (trip.number, action) {
        (404, _) => Err(DriverEventsError::NotFound { what: "trip", id: trip.to_string() }),
        (_, DriverAction::Arrived) => {
            Err(DriverEventsError::FailedPrecondition("trip is offered".to_owned()))
        }
        (_, DriverAction::Decline { .. }) => Ok(TripState::Requested),
        _ => Ok(TripState::EnRoute),
    });
    let bed = Bed::new(Some(&matcher), options()).await;
    let mut app = bed.app("cab").await;
    let decline = Action::Decline(DeclineOffer { reason: "lunch".to_owned() });
    for up in [
        accept("world-1"),
        accept("world-1"),
        action("world-1", Action::Arrived(ArriveAtPickup {})),
        accept("world-404"),
        action("world-2", decline),
    ] {
        app.send(up).await;
    }
    let wanted = [
        ("world-1", "accept", State::EnRoute, Code::Ok, ""),
        ("world-1", "accept", State::EnRoute, Code::Ok, ""),
        ("world-1", "arrived", State::Unspecified, Code::FailedPrecondition, "trip is offered"),
        ("world-404", "accept", State::Unspecified, Code::NotFound, "trip \"world-404\" is not known"),
        ("world-2", "decline", State::Requested, Code::Ok, ""),
    ];
    for (trip, name, state, status, message) in wanted {
        let result = result(&mut app).await;
        assert_eq!((&*result.trip_id, &*result.action, result.state()), (trip, name, state));
        assert_eq!((code(&result), &*result.message), (status, message));
    }
    let calls = matcher.calls();
    assert_eq!(calls[0], Call::Connected("cab".to_owned()));
    let lunch = DriverAction::Decline { reason: "lunch".to_owned() };
    assert_eq!(calls[5], Call::Act("cab".to_owned(), "world-2".to_owned(), lunch));
    assert_eq!(calls.len(), 6);
}

#[tokio::test]
async fn a_wrong_action_is_answered_in_its_turn_with_field_and_value() {
    let matcher = FakeMatcher::slow();
    let bed = Bed::new(Some(&matcher), options()).await;
    let mut app = bed.app("cab").await;
    app.send(accept("world-1")).await;
    app.send(accept("nowhere")).await;
    app.send(Up::Action(TripAction { trip_id: "world-1".to_owned(), action: None })).await;
    let long = Action::Decline(DeclineOffer { reason: "x".repeat(201) });
    app.send(action("world-1", long)).await;
    matcher.called(2).await;
    matcher.actions.add_permits(1);
    assert_eq!(code(&result(&mut app).await), Code::Ok);
    for (name, text) in [
        ("accept", "action.trip_id: \"nowhere\", must be a market's name"),
        ("", "action.action: absent, must be given"),
        ("decline", "action.decline.reason: 201 bytes, must be at most 200"),
    ] {
        let result = result(&mut app).await;
        assert_eq!((code(&result), &*result.action), (Code::InvalidArgument, name));
        assert!(result.message.starts_with(text), "{}", result.message);
    }
    assert_eq!(matcher.acts(), 1);
}

#[tokio::test]
async fn a_slow_matcher_delays_no_position_and_too_many_actions_are_rejected_at_once() {
    let matcher = FakeMatcher::slow();
    let bed = Bed::new(Some(&matcher), options()).await;
    let mut app = bed.app("cab").await;
    // One in flight, 16 that wait, and one too many.
    for number in 0..18 {
        app.send(accept(&format!("world-{number}"))).await;
    }
    let rejected = result(&mut app).await;
    assert_eq!((code(&rejected), &*rejected.trip_id), (Code::ResourceExhausted, "world-17"));
    assert_eq!(rejected.message, "actions waiting: the limit of 16 is reached");
    for sequence in 1..=50 {
        app.send(position(sequence, 50.0)).await;
    }
    app.acknowledged(50).await;
    assert_eq!(matcher.acts(), 1, "one at a time");
    matcher.actions.add_permits(17);
    for number in 0..17 {
        let result = result(&mut app).await;
        assert_eq!((code(&result), result.trip_id), (Code::Ok, format!("world-{number}")));
    }
    assert_eq!(matcher.acts(), 17);
}

#[tokio::test]
async fn a_client_that_has_sent_everything_still_gets_its_results() {
    let matcher = FakeMatcher::slow();
    let bed = Bed::new(Some(&matcher), options()).await;
    let mut app = bed.app("cab").await;
    app.send(accept("world-1")).await;
    app.send(accept("world-2")).await;
    app.finish();
    matcher.called(2).await;
    matcher.actions.add_permits(2);
    let messages = app.end().await.unwrap();
    let results = messages.iter().filter(|message| matches!(message, Down::Result(_))).count();
    assert_eq!(results, 2, "{messages:?}");
}

#[tokio::test]
async fn a_result_names_a_matcher_that_is_slow_or_missing() {
    let matcher = FakeMatcher::slow();
    let bed = Bed::new(Some(&matcher), Options { dispatch_timeout_ms: 20, ..options() }).await;
    let mut app = bed.app("cab").await;
    app.send(accept("world-1")).await;
    let late = result(&mut app).await;
    assert_eq!(code(&late), Code::DeadlineExceeded);
    assert_eq!(late.message, "matcher matcher has not answered within 20 ms");

    let bed = Bed::new(None, options()).await;
    let mut app = bed.app("cab").await;
    app.send(accept("world-1")).await;
    let nobody = result(&mut app).await;
    assert_eq!((code(&nobody), nobody.state()), (Code::Unavailable, State::Unspecified));
    assert_eq!(nobody.message, "no matcher is there to take actions");
    // A matcher that joins is found.
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    bed.cluster.set_matcher(matcher.clone());
    app.send(accept("world-1")).await;
    assert_eq!(code(&result(&mut app).await), Code::Ok);
}

#[tokio::test]
async fn notifications_reach_the_stream_and_the_newest_replaces_all_before_it() {
    let bed = Bed::new(None, options()).await;
    assert!(!bed.notify("cab", &assignment("world-1")).await, "no stream is open");
    let mut app = bed.app("cab").await;
    assert!(!bed.notify("other", &assignment("world-1")).await);
    assert!(bed.notify("cab", &assignment("world-1")).await);
    assert_eq!(next_notification(&mut app).await, assignment("world-1"));
    // The client reads nothing meanwhile: the test runs on one thread and does not yield here.
    let port = bed.ingest.handle();
    for number in 2..100 {
        let notification = if number % 2 == 0 {
            assignment(&format!("world-{number}"))
        } else {
            ended(&format!("world-{number}"))
        };
        let delivered =
            futures::FutureExt::now_or_never(port.notify(id("cab"), notification)).expect("it does not wait");
        assert_eq!(delivered, Ok(true));
    }
    assert_eq!(next_notification(&mut app).await, ended("world-99"));
    drop(app);
    bed.all_closed().await;
    assert!(!bed.notify("cab", &assignment("world-1")).await, "the stream was closed");
}

#[tokio::test]
async fn a_connecting_driver_gets_the_matchers_notification_after_registered() {
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    *matcher.notification.lock() = Some(assignment("world-7"));
    let bed = Bed::new(Some(&matcher), options()).await;
    // The helper awaits the Registered message first.
    let mut app = bed.app("cab").await;
    assert_eq!(next_notification(&mut app).await, assignment("world-7"));
    assert_eq!(matcher.calls(), [Call::Connected("cab".to_owned())]);
}

#[tokio::test]
async fn a_notification_is_newer_than_the_answer_to_the_connection() {
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    *matcher.notification.lock() = Some(assignment("world-7"));
    matcher.open.send_replace(false);
    let bed = Bed::new(Some(&matcher), options()).await;
    let mut app = bed.app("cab").await;
    matcher.called(1).await;
    assert!(bed.notify("cab", &ended("world-7")).await);
    matcher.open.send_replace(true);
    assert_eq!(next_notification(&mut app).await, ended("world-7"));
    app.send(accept("world-8")).await;
    assert_eq!(code(&result(&mut app).await), Code::Ok, "no older notification came between");
}

#[tokio::test(start_paused = true)]
async fn a_failed_report_of_a_connection_is_retried() {
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    *matcher.notification.lock() = Some(assignment("world-7"));
    *matcher.failures.lock() = 3;
    let bed = Bed::new(Some(&matcher), Options { stall_timeout_ms: 600_000, ..options() }).await;
    let mut app = bed.app("cab").await;
    assert_eq!(next_notification(&mut app).await, assignment("world-7"));
    assert_eq!(matcher.calls().len(), 4);
}

#[tokio::test]
async fn the_matcher_gets_one_report_that_a_driver_with_a_trip_disconnected() {
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    let bed = Bed::new(Some(&matcher), options()).await;
    let disconnected = |driver: &str| Call::Disconnected(driver.to_owned());
    let count = |call: &Call| matcher.calls().iter().filter(|c| *c == call).count();

    // A driver without a notification and without an action.
    drop(bed.app("idle").await);
    bed.all_closed().await;
    // A driver with a notification.
    let app = bed.app("notified").await;
    assert!(bed.notify("notified", &assignment("world-1")).await);
    drop(app);
    eventually("the matcher gets the report of the notified driver", || {
        count(&disconnected("notified")) == 1
    })
    .await;
    // A driver that acted, and whose newer stream does nothing.
    let mut older = bed.app("acted").await;
    older.send(accept("world-2")).await;
    assert_eq!(code(&result(&mut older).await), Code::Ok);
    let newer = bed.app("acted").await;
    assert_eq!(older.end().await.unwrap_err().1.code(), Code::Aborted);
    eventually("only the newer stream is open", || bed.ingest.handle().metrics().streams_open.get() == 1)
        .await;
    assert_eq!(count(&disconnected("acted")), 0, "a newer stream is open");
    drop(newer);
    eventually("the matcher gets the report of the acting driver", || count(&disconnected("acted")) == 1)
        .await;
    bed.all_closed().await;
    in_time("the shutdown", bed.ingest.shutdown()).await;
    assert_eq!(
        (count(&disconnected("idle")), count(&disconnected("notified")), count(&disconnected("acted"))),
        (0, 1, 1)
    );
}

#[tokio::test]
async fn a_stream_opened_during_a_report_of_disconnection_is_reported_once_more() {
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    let bed = Bed::new(Some(&matcher), options()).await;
    let app = bed.app("cab").await;
    assert!(bed.notify("cab", &assignment("world-1")).await);
    matcher.called(1).await;
    matcher.open.send_replace(false);
    drop(app);
    matcher.called(2).await;
    let mut app = bed.app("cab").await;
    matcher.called(3).await;
    *matcher.notification.lock() = Some(assignment("world-1"));
    matcher.open.send_replace(true);
    assert_eq!(next_notification(&mut app).await, assignment("world-1"));
    matcher.called(4).await;
    let cab = || "cab".to_owned();
    assert_eq!(
        matcher.calls(),
        [Call::Connected(cab()), Call::Disconnected(cab()), Call::Connected(cab()), Call::Connected(cab())],
        "the last report is that the driver is connected"
    );
}

#[tokio::test]
async fn the_stream_of_a_client_that_acts_and_does_not_read_ends() {
    let matcher = FakeMatcher::new(|_, _| Ok(TripState::EnRoute));
    let bed = Bed::new(Some(&matcher), options()).await;
    let mut app = bed.app("cab").await;
    // Nothing is read: the client's window takes some 60 results, the outbox 64 more.
    let mut sent = 0;
    while bed.ingest.handle().metrics().streams_open.get() > 0 {
        app.send(accept("world-1")).await;
        sent += 1;
        assert!(sent < 10_000, "the stream does not end");
        tokio::task::yield_now().await;
    }
    let (messages, status) = app.end().await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.message(), "64 results of actions wait to be read, must be read as they come");
    assert!(messages.len() >= 64, "{} results came first", messages.len());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_the_matcher() {
    let matcher = FakeMatcher::slow();
    let bed = Bed::new(Some(&matcher), Options { dispatch_timeout_ms: 50, ..options() }).await;
    let mut app = bed.app("cab").await;
    app.send(accept("world-1")).await;
    matcher.called(2).await;
    matcher.open.send_replace(false);
    in_time("the shutdown", bed.ingest.shutdown()).await;
    let (_, status) = app.end().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(matcher.calls().last(), Some(&Call::Disconnected("cab".to_owned())));
}
