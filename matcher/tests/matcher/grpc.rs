//! The gRPC services of a matcher, on a random port.

use futures::StreamExt;
use kerb_matcher::grpc::Grpc;
use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, DriverEvents};
use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::trip_event_service_client::TripEventServiceClient;
use kerb_proto::v1::{
    CancelTripRequest, EventPosition, ExplainTripRequest, ForceCancelTripRequest, GetTripRequest, LatLng,
    ListMarketsRequest, RequestRideRequest, SetMarketPausedRequest, SubscribeRequest, TripState,
    WatchTripRequest, trip_event, watch_trip_response,
};
use kerb_transport::ChannelOptions;
use kerb_transport::connect_lazily;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::Code;
use tonic::transport::{Channel, Server};

use crate::fakes::{World, driver, north, options};

/// A gRPC server of a matcher. Dropping it stops the server.
pub(crate) struct MatcherServer {
    pub(crate) channel: Channel,
    _server: AbortOnDropHandle<()>,
}

impl MatcherServer {
    pub(crate) async fn start(matcher: Matcher) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let grpc = Grpc::new(matcher);
        let server = Server::builder()
            .add_service(grpc.ride())
            .add_service(grpc.dispatch_admin())
            .add_service(grpc.trip_event())
            .add_service(grpc.matcher());
        let serving = async move {
            server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
        };
        let server = AbortOnDropHandle::new(tokio::spawn(serving));
        let channel = connect_lazily(&address.to_string(), ChannelOptions::default()).unwrap();
        Self { channel, _server: server }
    }
}

fn ride_request(rider: &str) -> RequestRideRequest {
    let at = |place: kerb_geometry::LatLng| Some(LatLng::from(place));
    RequestRideRequest {
        rider_id: rider.to_owned(),
        idempotency_key: "first".to_owned(),
        pickup: at(north(0.0)),
        dropoff: at(north(3_000.0)),
        ..RequestRideRequest::default()
    }
}

#[tokio::test]
async fn a_ride_over_the_wire() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(Options { window_min_ms: 1, ..options() }).await;
    let server = MatcherServer::start(matcher.clone()).await;
    let mut rides = RideServiceClient::new(server.channel.clone());
    let trip = rides.request_ride(ride_request("anna")).await.unwrap().into_inner();
    assert_eq!(
        (trip.trip_id.as_str(), trip.vehicle_class.as_str(), trip.party_size),
        ("world-1", "standard", 1)
    );

    let watch =
        WatchTripRequest { rider_id: "anna".to_owned(), trip_id: trip.trip_id.clone(), after_number: 0 };
    let mut updates = rides.watch_trip(watch).await.unwrap().into_inner();
    let assignment = world.offer_to("near", &trip.trip_id.parse().unwrap()).await;
    for action in [DriverAction::Accept, DriverAction::PickedUp, DriverAction::DroppedOff] {
        matcher.act(driver("near"), assignment.trip.clone(), action).await.unwrap();
    }
    let mut states = Vec::new();
    while let Some(response) = updates.message().await.unwrap() {
        if let Some(watch_trip_response::Update::Change(change)) = response.update {
            assert_eq!(change.number, states.len() as u64 + 1);
            states.push(change.state());
        }
    }
    let all = [
        TripState::Requested,
        TripState::Offered,
        TripState::EnRoute,
        TripState::OnTrip,
        TripState::Completed,
    ];
    assert_eq!(states, all);
    let get = GetTripRequest { rider_id: "anna".to_owned(), trip_id: trip.trip_id.clone() };
    let done = rides.get_trip(get).await.unwrap().into_inner();
    assert_eq!(done.receipt.unwrap().driver_id, "near");

    let mut events = TripEventServiceClient::new(server.channel.clone());
    let after = Some(EventPosition { version: 2, index: 0 });
    let subscribe = SubscribeRequest { market: "world".to_owned(), after };
    let events = events.subscribe(subscribe).await.unwrap().into_inner();
    let events: Vec<_> = events.take(4).map(|event| event.unwrap().event.unwrap()).collect().await;
    assert!(matches!(&events[0], trip_event::Event::Offered(offered) if offered.driver_id == "near"));
    assert!(matches!(&events[3], trip_event::Event::Completed(receipt) if receipt.rider_id == "anna"));
}

#[tokio::test]
async fn the_operator_pauses_explains_and_cancels() {
    let world = World::new();
    let matcher = world.start(options()).await;
    let server = MatcherServer::start(matcher).await;
    let mut rides = RideServiceClient::new(server.channel.clone());
    let mut admin = DispatchAdminServiceClient::new(server.channel.clone());
    let trip_id = rides.request_ride(ride_request("anna")).await.unwrap().into_inner().trip_id;

    let markets = admin.list_markets(ListMarketsRequest {}).await.unwrap().into_inner().markets;
    assert_eq!((markets.len(), markets[0].market.as_str(), markets[0].waiting), (1, "world", 1));
    let pause = SetMarketPausedRequest { market: "world".to_owned(), paused: true };
    assert!(admin.set_market_paused(pause).await.unwrap().into_inner().paused);
    assert_eq!(rides.request_ride(ride_request("bert")).await.unwrap_err().code(), Code::FailedPrecondition);
    let explain = ExplainTripRequest { trip_id: trip_id.clone(), driver_id: "nobody".to_owned() };
    let explanation = admin.explain_trip(explain).await.unwrap().into_inner();
    assert_eq!(
        (explanation.drivers, explanation.driver_verdict.as_str()),
        (0, "no ingest node knows the driver")
    );
    let cancel = ForceCancelTripRequest { trip_id, reason: "test".to_owned() };
    let ended = admin.force_cancel_trip(cancel).await.unwrap().into_inner();
    assert_eq!((ended.state(), ended.cancelled_by.as_str()), (TripState::Cancelled, "operator"));
}

#[tokio::test]
async fn a_rejection_names_the_wrong_field() {
    let world = World::new();
    let server = MatcherServer::start(world.start(options()).await).await;
    let mut rides = RideServiceClient::new(server.channel.clone());
    let mut admin = DispatchAdminServiceClient::new(server.channel.clone());
    let mut events = TripEventServiceClient::new(server.channel.clone());

    let wrong = rides.request_ride(RequestRideRequest::default()).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    assert!(wrong.message().starts_with("rider_id: 0 bytes, must be 1 to 64; "), "{}", wrong.message());
    let wrong = rides.get_trip(GetTripRequest::default()).await.unwrap_err();
    assert!(wrong.message().contains("rider_id") && wrong.message().contains("trip_id"));
    let unknown = GetTripRequest { rider_id: "anna".to_owned(), trip_id: "nowhere-1".to_owned() };
    assert_eq!(rides.get_trip(unknown).await.unwrap_err().code(), Code::NotFound);
    let long = CancelTripRequest {
        rider_id: "anna".to_owned(),
        trip_id: "world-1".to_owned(),
        reason: "x".repeat(201),
    };
    let long = rides.cancel_trip(long).await.unwrap_err();
    assert_eq!(long.message(), "reason: 201 bytes, must be at most 200");
    let unknown = SetMarketPausedRequest { market: "nowhere".to_owned(), paused: true };
    assert_eq!(admin.set_market_paused(unknown).await.unwrap_err().code(), Code::NotFound);
    let unknown = SubscribeRequest { market: "nowhere".to_owned(), after: None };
    assert_eq!(events.subscribe(unknown).await.unwrap_err().code(), Code::NotFound);
}
