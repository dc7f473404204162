//! Trips in a driver's own stream: actions up, results and news down, and what the matcher hears of streams.

use std::sync::Arc;

use kerb_location_ingest::{LocationIngest, Options};
use kerb_ports::{DriverAction, DriverNotification, Error, TripAssignment};
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::trip_action::Action;
use kerb_proto::v1::{
    AcceptOffer, ActionResult, ArriveAtPickup, DeclineOffer, TripAction, TripState as State,
};
use kerb_trips::TripState;
use kerb_types::TravelSource;
use tonic::Code;
use tonic::transport::Channel;

use crate::connect::{App, position, register};
use crate::desk::{Call, FakeDesk};
use crate::fixture::{Cluster, eventually, id, in_time, options, place, serve};

struct Bed {
    ingest: LocationIngest,
    channel: Channel,
    cluster: Arc<Cluster>,
}

impl Bed {
    async fn new(desk: Option<&Arc<FakeDesk>>, options: Options) -> Self {
        let cluster = Cluster::new(&["a"], 1);
        if let Some(desk) = desk {
            cluster.set_desk(desk.clone());
        }
        let ingest = cluster.start("ingest", options).await;
        let channel = serve(&ingest).await;
        Self { ingest, channel, cluster }
    }

    async fn app(&self, driver: &str) -> App {
        App::register(&self.channel, register(driver)).await.unwrap().0
    }

    async fn tell(&self, driver: &str, news: &DriverNotification) -> bool {
        self.ingest.port().notify(id(driver), news.clone()).await.unwrap()
    }

    async fn all_closed(&self) {
        eventually("the streams are closed", || self.ingest.counters().streams_open.get() == 0).await;
    }
}

fn action(trip_id: &str, action: Action) -> Up {
    Up::Action(TripAction { trip_id: trip_id.to_owned(), action: Some(action) })
}

fn accept(trip_id: &str) -> Up {
    action(trip_id, Action::Accept(AcceptOffer {}))
}

fn task(trip: &str) -> DriverNotification {
    DriverNotification::Assignment(Box::new(TripAssignment {
        trip: trip.parse().unwrap(),
        state: TripState::Offered,
        pickup: place(1),
        dropoff: place(2),
        pickup_eta_s: 60,
        travel_source: Some(TravelSource::Roads),
        expires_ms: 15_000,
        party_size: 1,
    }))
}

fn over(trip: &str) -> DriverNotification {
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

async fn told(app: &mut App) -> DriverNotification {
    match next(app).await {
        Down::Assignment(task) => DriverNotification::Assignment(Box::new(task.try_into().unwrap())),
        Down::Ended(over) => over.try_into().unwrap(),
        other => panic!("{other:?} is no news"),
    }
}

fn code(result: &ActionResult) -> Code {
    Code::from_i32(result.code)
}

#[tokio::test]
async fn actions_are_answered_one_by_one_in_order_and_repeats_too() {
    let desk = FakeDesk::new(|trip, action| match (trip.number, action) {
        (404, _) => Err(Error::NotFound { what: "trip", id: trip.to_string() }),
        (_, DriverAction::Arrived) => Err(Error::FailedPrecondition("trip is offered".to_owned())),
        (_, DriverAction::Decline { .. }) => Ok(TripState::Requested),
        _ => Ok(TripState::EnRoute),
    });
    let bed = Bed::new(Some(&desk), options()).await;
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
    let calls = desk.calls();
    assert_eq!(calls[0], Call::Connected("cab".to_owned()));
    let lunch = DriverAction::Decline { reason: "lunch".to_owned() };
    assert_eq!(calls[5], Call::Act("cab".to_owned(), "world-2".to_owned(), lunch));
    assert_eq!(calls.len(), 6);
}

#[tokio::test]
async fn a_wrong_action_is_answered_in_its_turn_with_field_and_value() {
    let desk = FakeDesk::slow();
    let bed = Bed::new(Some(&desk), options()).await;
    let mut app = bed.app("cab").await;
    app.send(accept("world-1")).await;
    app.send(accept("nowhere")).await;
    app.send(Up::Action(TripAction { trip_id: "world-1".to_owned(), action: None })).await;
    let long = Action::Decline(DeclineOffer { reason: "x".repeat(201) });
    app.send(action("world-1", long)).await;
    desk.called(2).await;
    desk.actions.add_permits(1);
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
    assert_eq!(desk.acts(), 1);
}

#[tokio::test]
async fn a_slow_desk_holds_up_no_position_and_too_many_actions_are_refused_at_once() {
    let desk = FakeDesk::slow();
    let bed = Bed::new(Some(&desk), options()).await;
    let mut app = bed.app("cab").await;
    // One under way, 16 that wait, and one too many.
    for number in 0..18 {
        app.send(accept(&format!("world-{number}"))).await;
    }
    let refused = result(&mut app).await;
    assert_eq!((code(&refused), &*refused.trip_id), (Code::ResourceExhausted, "world-17"));
    assert_eq!(refused.message, "actions waiting: the limit of 16 is reached");
    for sequence in 1..=50 {
        app.send(position(sequence, 50.0)).await;
    }
    app.acknowledged(50).await;
    assert_eq!(desk.acts(), 1, "one at a time");
    desk.actions.add_permits(17);
    for number in 0..17 {
        let result = result(&mut app).await;
        assert_eq!((code(&result), result.trip_id), (Code::Ok, format!("world-{number}")));
    }
    assert_eq!(desk.acts(), 17);
}

#[tokio::test]
async fn who_has_sent_all_still_hears_what_came_of_it() {
    let desk = FakeDesk::slow();
    let bed = Bed::new(Some(&desk), options()).await;
    let mut app = bed.app("cab").await;
    app.send(accept("world-1")).await;
    app.send(accept("world-2")).await;
    app.finish();
    desk.called(2).await;
    desk.actions.add_permits(2);
    let messages = app.end().await.unwrap();
    let results = messages.iter().filter(|message| matches!(message, Down::Result(_))).count();
    assert_eq!(results, 2, "{messages:?}");
}

#[tokio::test]
async fn a_desk_that_does_not_answer_or_is_not_there_is_said() {
    let desk = FakeDesk::slow();
    let bed = Bed::new(Some(&desk), Options { dispatch_timeout_ms: 20, ..options() }).await;
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
    // One that comes is found.
    let desk = FakeDesk::new(|_, _| Ok(TripState::EnRoute));
    bed.cluster.set_desk(desk.clone());
    app.send(accept("world-1")).await;
    assert_eq!(code(&result(&mut app).await), Code::Ok);
}

#[tokio::test]
async fn news_reach_the_stream_and_the_newest_speaks_for_all() {
    let bed = Bed::new(None, options()).await;
    assert!(!bed.tell("cab", &task("world-1")).await, "no stream is open");
    let mut app = bed.app("cab").await;
    assert!(!bed.tell("other", &task("world-1")).await);
    assert!(bed.tell("cab", &task("world-1")).await);
    assert_eq!(told(&mut app).await, task("world-1"));
    // Nobody reads meanwhile: the test runs on one thread and does not yield here.
    let port = bed.ingest.port();
    for number in 2..100 {
        let news =
            if number % 2 == 0 { task(&format!("world-{number}")) } else { over(&format!("world-{number}")) };
        let told = futures::FutureExt::now_or_never(port.notify(id("cab"), news)).expect("it does not wait");
        assert_eq!(told, Ok(true));
    }
    assert_eq!(told(&mut app).await, over("world-99"));
    drop(app);
    bed.all_closed().await;
    assert!(!bed.tell("cab", &task("world-1")).await, "the stream was closed");
}

#[tokio::test]
async fn who_connects_is_welcomed_and_then_told_what_the_matcher_knows() {
    let desk = FakeDesk::new(|_, _| Ok(TripState::EnRoute));
    *desk.news.lock() = Some(task("world-7"));
    let bed = Bed::new(Some(&desk), options()).await;
    // Awaits the registered first.
    let mut app = bed.app("cab").await;
    assert_eq!(told(&mut app).await, task("world-7"));
    assert_eq!(desk.calls(), [Call::Connected("cab".to_owned())]);
}

#[tokio::test]
async fn what_is_told_meanwhile_is_newer_than_the_answer_to_the_connection() {
    let desk = FakeDesk::new(|_, _| Ok(TripState::EnRoute));
    *desk.news.lock() = Some(task("world-7"));
    desk.open.send_replace(false);
    let bed = Bed::new(Some(&desk), options()).await;
    let mut app = bed.app("cab").await;
    desk.called(1).await;
    assert!(bed.tell("cab", &over("world-7")).await);
    desk.open.send_replace(true);
    assert_eq!(told(&mut app).await, over("world-7"));
    app.send(accept("world-8")).await;
    assert_eq!(code(&result(&mut app).await), Code::Ok, "no older news came between");
}

#[tokio::test(start_paused = true)]
async fn a_desk_that_fails_is_asked_about_the_stream_again() {
    let desk = FakeDesk::new(|_, _| Ok(TripState::EnRoute));
    *desk.news.lock() = Some(task("world-7"));
    *desk.failures.lock() = 3;
    let bed = Bed::new(Some(&desk), Options { stall_timeout_ms: 600_000, ..options() }).await;
    let mut app = bed.app("cab").await;
    assert_eq!(told(&mut app).await, task("world-7"));
    assert_eq!(desk.calls().len(), 4);
}

#[tokio::test]
async fn the_matcher_hears_once_that_a_driver_with_a_trip_is_gone() {
    let desk = FakeDesk::new(|_, _| Ok(TripState::EnRoute));
    let bed = Bed::new(Some(&desk), options()).await;
    let gone = |driver: &str| Call::Disconnected(driver.to_owned());
    let count = |call: &Call| desk.calls().iter().filter(|c| *c == call).count();

    // Neither told nor acted.
    drop(bed.app("idle").await);
    bed.all_closed().await;
    // Told.
    let app = bed.app("told").await;
    assert!(bed.tell("told", &task("world-1")).await);
    drop(app);
    eventually("the desk hears of the one who was told", || count(&gone("told")) == 1).await;
    // Acted, and taken over by a newer stream that did nothing.
    let mut older = bed.app("acted").await;
    older.send(accept("world-2")).await;
    assert_eq!(code(&result(&mut older).await), Code::Ok);
    let newer = bed.app("acted").await;
    assert_eq!(older.end().await.unwrap_err().1.code(), Code::Aborted);
    eventually("only the newer stream is open", || bed.ingest.counters().streams_open.get() == 1).await;
    assert_eq!(count(&gone("acted")), 0, "a newer stream is open");
    drop(newer);
    eventually("the desk hears of the one who acted", || count(&gone("acted")) == 1).await;
    bed.all_closed().await;
    in_time("the shutdown", bed.ingest.shutdown()).await;
    assert_eq!((count(&gone("idle")), count(&gone("told")), count(&gone("acted"))), (0, 1, 1));
}

#[tokio::test]
async fn a_stream_opened_while_the_matcher_hears_of_the_last_is_told_once_more() {
    let desk = FakeDesk::new(|_, _| Ok(TripState::EnRoute));
    let bed = Bed::new(Some(&desk), options()).await;
    let app = bed.app("cab").await;
    assert!(bed.tell("cab", &task("world-1")).await);
    desk.called(1).await;
    desk.open.send_replace(false);
    drop(app);
    desk.called(2).await;
    let mut app = bed.app("cab").await;
    desk.called(3).await;
    *desk.news.lock() = Some(task("world-1"));
    desk.open.send_replace(true);
    assert_eq!(told(&mut app).await, task("world-1"));
    desk.called(4).await;
    let cab = || "cab".to_owned();
    assert_eq!(
        desk.calls(),
        [Call::Connected(cab()), Call::Disconnected(cab()), Call::Connected(cab()), Call::Connected(cab())],
        "the last word is that the driver is there"
    );
}

#[tokio::test]
async fn a_client_that_acts_and_does_not_read_is_ended() {
    let desk = FakeDesk::new(|_, _| Ok(TripState::EnRoute));
    let bed = Bed::new(Some(&desk), options()).await;
    let mut app = bed.app("cab").await;
    // Nothing is read: the client's window takes some 60 results, the outbox 64 more.
    let mut sent = 0;
    while bed.ingest.counters().streams_open.get() > 0 {
        app.send(accept("world-1")).await;
        sent += 1;
        assert!(sent < 10_000, "the stream goes on");
        tokio::task::yield_now().await;
    }
    let (messages, status) = app.end().await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.message(), "64 results of actions wait to be read, must be read as they come");
    assert!(messages.len() >= 64, "{} results came first", messages.len());
}

#[tokio::test]
async fn an_end_of_the_node_is_not_held_up_by_its_matcher() {
    let desk = FakeDesk::slow();
    let bed = Bed::new(Some(&desk), Options { dispatch_timeout_ms: 50, ..options() }).await;
    let mut app = bed.app("cab").await;
    app.send(accept("world-1")).await;
    desk.called(2).await;
    desk.open.send_replace(false);
    in_time("the shutdown", bed.ingest.shutdown()).await;
    let (_, status) = app.end().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(desk.calls().last(), Some(&Call::Disconnected("cab".to_owned())));
}
