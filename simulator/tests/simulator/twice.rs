//! A toy service that offers every trip to every driver, whether or not they have one, and tells the rider of the first.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use kerb_proto::convert::action_name;
use kerb_proto::v1;
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::driver_service_server::{DriverService, DriverServiceServer};
use kerb_proto::v1::ride_service_server::{RideService, RideServiceServer};
use kerb_proto::v1::watch_trip_response::News;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

type ToDriver = mpsc::Sender<Result<v1::ConnectResponse, Status>>;

/// Changes of every trip.
const NEWEST: u64 = 3;

#[derive(Clone, Default)]
struct Toy {
    drivers: Arc<Mutex<Vec<(String, ToDriver)>>>,
    trips: Arc<Mutex<u64>>,
}

/// Starts a toy on a free port; it ends with the runtime.
pub(crate) async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let toy = Toy::default();
    let server = tonic::transport::Server::builder()
        .add_service(DriverServiceServer::new(toy.clone()))
        .add_service(RideServiceServer::new(toy))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    address
}

fn down(message: Down) -> v1::ConnectResponse {
    v1::ConnectResponse { message: Some(message) }
}

/// Everything is taken.
fn answer(message: Up) -> Down {
    match message {
        Up::Hello(_) => Down::Welcome(v1::Welcome::default()),
        Up::Position(position) => {
            let sequence = position.sequence;
            Down::Acknowledgement(v1::Acknowledgement { sequence, ..Default::default() })
        }
        Up::Action(action) => {
            let name = action_name(&action).to_owned();
            let trip_id = action.trip_id;
            Down::Result(v1::ActionResult { trip_id, action: name, ..Default::default() })
        }
    }
}

#[tonic::async_trait]
impl DriverService for Toy {
    type ConnectStream = ReceiverStream<Result<v1::ConnectResponse, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<v1::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let mut incoming = request.into_inner();
        let (responses, receiver) = mpsc::channel(64);
        let drivers = self.drivers.clone();
        tokio::spawn(async move {
            while let Ok(Some(v1::ConnectRequest { message: Some(message) })) = incoming.message().await {
                if let Up::Hello(hello) = &message {
                    drivers.lock().push((hello.driver_id.clone(), responses.clone()));
                }
                _ = responses.send(Ok(down(answer(message)))).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

#[tonic::async_trait]
impl RideService for Toy {
    async fn quote_ride(
        &self,
        _: Request<v1::QuoteRideRequest>,
    ) -> Result<Response<v1::QuoteRideResponse>, Status> {
        Err(Status::unimplemented("nobody asks this server for a quote"))
    }

    async fn request_ride(
        &self,
        request: Request<v1::RequestRideRequest>,
    ) -> Result<Response<v1::Trip>, Status> {
        let request = request.into_inner();
        let number = {
            let mut trips = self.trips.lock();
            *trips += 1;
            *trips
        };
        let trip_id = format!("toy-{number}");
        let task = v1::TripTask {
            trip_id: trip_id.clone(),
            state: v1::TripState::Offered.into(),
            pickup: request.pickup,
            dropoff: request.dropoff,
            ..Default::default()
        };
        for (_, driver) in self.drivers.lock().iter() {
            driver.try_send(Ok(down(Down::Task(task.clone())))).expect("the driver reads");
        }
        Ok(Response::new(v1::Trip { trip_id, number: NEWEST, ..Default::default() }))
    }

    async fn get_trip(&self, request: Request<v1::GetTripRequest>) -> Result<Response<v1::Trip>, Status> {
        let trip_id = request.into_inner().trip_id;
        Ok(Response::new(v1::Trip { trip_id, number: NEWEST, ..Default::default() }))
    }

    type WatchTripStream = BoxStream<'static, Result<v1::WatchTripResponse, Status>>;

    async fn watch_trip(
        &self,
        request: Request<v1::WatchTripRequest>,
    ) -> Result<Response<Self::WatchTripStream>, Status> {
        let after = request.into_inner().after_number;
        let first = self.drivers.lock().first().map(|(id, _)| id.clone()).unwrap_or_default();
        let states =
            [(1, v1::TripState::Requested), (2, v1::TripState::Offered), (NEWEST, v1::TripState::EnRoute)];
        let changes = states.into_iter().filter(move |(number, _)| *number > after);
        let news = changes.map(move |(number, state)| {
            let driver_id = if number == 1 { String::new() } else { first.clone() };
            let change = v1::TripChange {
                number,
                at_ms: number as i64,
                state: state.into(),
                driver_id,
                ..Default::default()
            };
            Ok(v1::WatchTripResponse { news: Some(News::Change(change)) })
        });
        Ok(Response::new(stream::iter(news).chain(stream::pending()).boxed()))
    }

    async fn cancel_trip(
        &self,
        _request: Request<v1::CancelTripRequest>,
    ) -> Result<Response<v1::Trip>, Status> {
        Err(Status::failed_precondition("never"))
    }
}
