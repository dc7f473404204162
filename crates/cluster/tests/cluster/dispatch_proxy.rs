//! The dispatch proxy: a client receives exactly what the matcher sends.

use std::sync::Arc;
use std::time::Duration;

use kerb_cluster::DispatchProxy;
use kerb_ports::{Detail, ErrorCode, Failure};
use kerb_proto::status::{error_of, status_of};
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::ride_service_server::{RideService, RideServiceServer};
use kerb_proto::v1::{
    CancelTripRequest, GetTripRequest, QuoteRideRequest, QuoteRideResponse, RequestRideRequest, Trip,
    TripChange, WatchTripRequest, WatchTripResponse, watch_trip_response,
};
use kerb_transport::connect_lazily;
use kerb_transport::{ChannelOptions, Channels};
use kerb_types::{MembershipView, Node, Role, ShardMap};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::remote::{TestServer, node};

/// Each step of a test ends within this time.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// A fake ride service of a matcher. Its responses repeat parts of the requests.
#[derive(Clone)]
struct FakeRideService {
    changes: Arc<tokio::sync::Mutex<mpsc::Receiver<u64>>>,
    /// Number of open watch streams.
    open_watches: watch::Sender<usize>,
}

/// Counts an open watch stream down when it is dropped.
struct OpenWatchGuard(watch::Sender<usize>);

impl Drop for OpenWatchGuard {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

#[tonic::async_trait]
impl RideService for FakeRideService {
    type WatchTripStream = ReceiverStream<Result<WatchTripResponse, Status>>;

    async fn quote_ride(
        &self,
        request: Request<QuoteRideRequest>,
    ) -> Result<Response<QuoteRideResponse>, Status> {
        let market = request.into_inner().vehicle_class;
        Ok(Response::new(QuoteRideResponse { market, ..QuoteRideResponse::default() }))
    }

    async fn request_ride(&self, _: Request<RequestRideRequest>) -> Result<Response<Trip>, Status> {
        futures::future::pending().await
    }

    async fn get_trip(&self, request: Request<GetTripRequest>) -> Result<Response<Trip>, Status> {
        let seen = request.metadata().get("x-app").map(|value| value.to_str().unwrap().to_owned());
        let GetTripRequest { rider_id, trip_id } = request.into_inner();
        let mut response = Response::new(Trip { trip_id, rider_id, ..Trip::default() });
        if let Some(seen) = seen {
            response.metadata_mut().insert("x-seen", MetadataValue::try_from(seen).unwrap());
        }
        Ok(response)
    }

    async fn watch_trip(
        &self,
        _: Request<WatchTripRequest>,
    ) -> Result<Response<Self::WatchTripStream>, Status> {
        let (updates, stream) = mpsc::channel(1);
        let (changes, open_watches) = (Arc::clone(&self.changes), self.open_watches.clone());
        open_watches.send_modify(|open| *open += 1);
        tokio::spawn(async move {
            let _guard = OpenWatchGuard(open_watches);
            let mut changes = changes.lock().await;
            loop {
                let number = tokio::select! {
                    number = changes.recv() => number,
                    () = updates.closed() => return,
                };
                let Some(number) = number else {
                    let _ = updates.send(Err(Status::data_loss("scripted"))).await;
                    return;
                };
                let change = TripChange { number, ..TripChange::default() };
                let change = watch_trip_response::Update::Change(change);
                let _ = updates.send(Ok(WatchTripResponse { update: Some(change) })).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn cancel_trip(&self, request: Request<CancelTripRequest>) -> Result<Response<Trip>, Status> {
        let id = request.into_inner().trip_id;
        Err(status_of(&Failure::not_found("trip", &id)))
    }
}

struct Bed {
    matcher: Option<TestServer>,
    proxy: TestServer,
    view: watch::Sender<Arc<MembershipView>>,
    changes: Option<mpsc::Sender<u64>>,
    open_watches: watch::Receiver<usize>,
}

fn view(matcher: Option<&str>) -> Arc<MembershipView> {
    let listed = |address: &str| Node {
        id: node("matcher"),
        roles: vec![Role::Matcher],
        address: Some(address.to_owned()),
        live: true,
    };
    let nodes = matcher.map(listed).into_iter().collect();
    Arc::new(MembershipView { nodes, shard_map: Arc::new(ShardMap::place(1, 1, &[])) })
}

impl Bed {
    async fn new() -> Self {
        let (changes, received) = mpsc::channel(8);
        let (open_watches, open) = watch::channel(0);
        let rides = FakeRideService { changes: Arc::new(tokio::sync::Mutex::new(received)), open_watches };
        let service = RideServiceServer::new(rides);
        let matcher = TestServer::start(|routes| _ = routes.add_service(service), "127.0.0.1:0").await;
        let view = watch::Sender::new(view(Some(&matcher.address)));
        let channels = Arc::new(Channels::new(view.subscribe(), ChannelOptions::default()));
        let proxy = DispatchProxy::<RideServiceServer<()>>::new(view.subscribe(), channels);
        let proxy = TestServer::start(|routes| _ = routes.add_service(proxy), "127.0.0.1:0").await;
        Self { matcher: Some(matcher), proxy, view, changes: Some(changes), open_watches: open }
    }

    fn client(&self) -> RideServiceClient<Channel> {
        RideServiceClient::new(connect_lazily(&self.proxy.address, ChannelOptions::default()).unwrap())
    }
}

fn query() -> GetTripRequest {
    GetTripRequest { rider_id: "rider".to_owned(), trip_id: "world-1".to_owned() }
}

fn number(response: Option<WatchTripResponse>) -> u64 {
    match response.unwrap().update.unwrap() {
        watch_trip_response::Update::Change(change) => change.number,
        watch_trip_response::Update::Driver(driver) => panic!("{driver:?}"),
    }
}

#[tokio::test]
async fn messages_metadata_deadlines_and_errors_pass_the_proxy() {
    let bed = Bed::new().await;
    let mut client = bed.client();
    let mut request = Request::new(query());
    request.metadata_mut().insert("x-app", MetadataValue::from_static("7"));
    let response = timeout(STEP_TIMEOUT, client.get_trip(request)).await.unwrap().unwrap();
    assert_eq!(response.metadata().get("x-seen").unwrap(), "7");
    assert_eq!((&*response.get_ref().trip_id, &*response.get_ref().rider_id), ("world-1", "rider"));

    let cancel = CancelTripRequest { trip_id: "world-9".to_owned(), ..Default::default() };
    let status = timeout(STEP_TIMEOUT, client.cancel_trip(cancel)).await.unwrap().unwrap_err();
    let error = error_of::<Failure>(&status, &node("proxy"));
    assert_eq!(error, Failure::not_found("trip", "world-9"), "the details of an error pass, too");

    let mut late = Request::new(RequestRideRequest::default());
    late.set_timeout(Duration::from_millis(30));
    let status = timeout(STEP_TIMEOUT, client.request_ride(late)).await.unwrap().unwrap_err();
    let error = error_of::<Failure>(&status, &node("proxy"));
    assert_eq!(error.code, ErrorCode::DeadlineExceeded, "{status:?}");
}

#[tokio::test]
async fn stream_messages_pass_one_by_one_and_the_final_status_passes() {
    let mut bed = Bed::new().await;
    let changes = bed.changes.take().unwrap();
    let watched = bed.client().watch_trip(WatchTripRequest::default()).await.unwrap();
    let mut watched = watched.into_inner();
    for sent in 1..=20 {
        changes.send(sent).await.unwrap();
        assert_eq!(number(timeout(STEP_TIMEOUT, watched.message()).await.unwrap().unwrap()), sent);
    }
    drop(changes);
    let status = timeout(STEP_TIMEOUT, watched.message()).await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "scripted"));
}

#[tokio::test]
async fn a_client_that_drops_its_stream_closes_it_at_the_matcher() {
    let mut bed = Bed::new().await;
    let watched = bed.client().watch_trip(WatchTripRequest::default()).await.unwrap();
    timeout(STEP_TIMEOUT, bed.open_watches.wait_for(|open| *open == 1)).await.unwrap().unwrap();
    drop(watched);
    timeout(STEP_TIMEOUT, bed.open_watches.wait_for(|open| *open == 0)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_lost_or_missing_matcher_is_unavailable() {
    let mut bed = Bed::new().await;
    let mut client = bed.client();
    let watched = client.watch_trip(WatchTripRequest::default()).await.unwrap();
    let mut watched = watched.into_inner();
    bed.changes.as_ref().unwrap().send(1).await.unwrap();
    assert_eq!(number(timeout(STEP_TIMEOUT, watched.message()).await.unwrap().unwrap()), 1);
    drop(bed.matcher.take());
    let status = timeout(STEP_TIMEOUT, watched.message()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "in the middle of a stream: {status:?}");
    let status = timeout(STEP_TIMEOUT, client.get_trip(query())).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(
        matches!(error_of::<Failure>(&status, &node("proxy")).detail, Detail::Node { node: lost, .. } if lost == node("matcher"))
    );

    bed.view.send_replace(view(None));
    let status = timeout(STEP_TIMEOUT, client.get_trip(query())).await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "no node of the cluster is a matcher"));

    let other = Bed::new().await;
    bed.view.send_replace(view(Some(&other.matcher.as_ref().unwrap().address)));
    let trip = timeout(STEP_TIMEOUT, client.get_trip(query())).await.unwrap().unwrap();
    assert_eq!(trip.get_ref().trip_id, "world-1", "another node is the matcher now");
}
