//! A toy server: one list under one lock, searched from end to end. It can be configured to lie.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use kerb_geometry::{Circle, LatLng, Polygon, hav_to_m};
use kerb_proto::v1;
use kerb_proto::v1::driver_service_server::{DriverService, DriverServiceServer};
use kerb_proto::v1::find_nearby_request::Search;
use kerb_proto::v1::nearby_service_server::{NearbyService, NearbyServiceServer};
use kerb_types::{Clock, SystemClock};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// How the toy errs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Honesty {
    /// Not at all.
    Honest,
    /// Every driver stays where it was first seen.
    Stale,
    /// One driver of five is never shown.
    Lossy,
    /// Says that shards are missing, and does not show one driver of five.
    Partial,
    /// Every stream breaks after its tenth update, which is lost.
    Breaking,
}

#[derive(Clone)]
struct Known {
    register: v1::Register,
    update: v1::PositionUpdate,
    place: LatLng,
}

#[derive(Clone)]
struct Toy {
    honesty: Honesty,
    drivers: Arc<Mutex<HashMap<String, Known>>>,
}

/// Starts a toy on a free port; it ends with the runtime.
pub(crate) async fn start(honesty: Honesty) -> SocketAddr {
    let toy = Toy { honesty, drivers: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let server = tonic::transport::Server::builder()
        .add_service(DriverServiceServer::new(toy.clone()))
        .add_service(NearbyServiceServer::new(toy))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    address
}

fn down(message: v1::connect_response::Message) -> v1::ConnectResponse {
    v1::ConnectResponse { message: Some(message) }
}

#[tonic::async_trait]
impl DriverService for Toy {
    type ConnectStream = ReceiverStream<Result<v1::ConnectResponse, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<v1::ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        use v1::connect_request::Message as Up;
        use v1::connect_response::Message as Down;
        let mut incoming = request.into_inner();
        let Some(Up::Register(register)) = incoming.message().await?.and_then(|m| m.message) else {
            return Err(Status::invalid_argument("register first"));
        };
        let last_sequence = self.drivers.lock().get(&register.driver_id).map_or(0, |k| k.update.sequence);
        let node_id = "toy".to_owned();
        let registered =
            v1::Registered { last_sequence, reporting_interval_ms: 3_000, node_id, ..Default::default() };
        let (responses, receiver) = mpsc::channel(64);
        let toy = self.clone();
        tokio::spawn(async move {
            _ = responses.send(Ok(down(Down::Registered(registered)))).await;
            let mut number = 0;
            while let Ok(Some(v1::ConnectRequest { message: Some(Up::Position(update)) })) =
                incoming.message().await
            {
                number += 1;
                if toy.honesty == Honesty::Breaking && number == 10 {
                    return;
                }
                let sequence = update.sequence;
                toy.take(&register, update);
                let acknowledgement = v1::Acknowledgement { sequence, ..Default::default() };
                if responses.send(Ok(down(Down::Acknowledgement(acknowledgement)))).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

#[tonic::async_trait]
impl NearbyService for Toy {
    async fn find_nearby(
        &self,
        request: Request<v1::FindNearbyRequest>,
    ) -> Result<Response<v1::FindNearbyResponse>, Status> {
        let request = request.into_inner();
        let now_ms = SystemClock.now().as_millis();
        let page = if request.page_size == 0 { 1_000 } else { request.page_size as usize };
        let limit = if let Some(Search::Nearest(n)) = &request.search { n.k as usize } else { page };
        let filter = request.filter.unwrap_or_default();
        let search = request.search.expect("the simulator asks something");
        let mut drivers: Vec<_> = {
            let known = self.drivers.lock();
            let shown = known.values().filter(|k| !self.hides(k) && accepts(&filter, k, now_ms));
            shown.filter_map(|k| answer(&search, k, now_ms)).collect()
        };
        drivers.sort_by(|a, b| {
            a.distance_m.total_cmp(&b.distance_m).then_with(|| a.driver_id.cmp(&b.driver_id))
        });
        drivers.truncate(limit);
        let shards_answered = if self.honesty == Honesty::Partial { 1 } else { 2 };
        let coverage = Some(v1::Coverage { shards_queried: 2, shards_answered, ..Default::default() });
        Ok(Response::new(v1::FindNearbyResponse { drivers, coverage, ..Default::default() }))
    }

    async fn find_nearby_batch(
        &self,
        request: Request<v1::FindNearbyBatchRequest>,
    ) -> Result<Response<v1::FindNearbyBatchResponse>, Status> {
        let mut answers = Vec::new();
        for search in request.into_inner().searches {
            answers.push(self.find_nearby(Request::new(search)).await?.into_inner());
        }
        Ok(Response::new(v1::FindNearbyBatchResponse { answers }))
    }
}

impl Toy {
    fn take(&self, register: &v1::Register, update: v1::PositionUpdate) {
        let place =
            LatLng::new(update.latitude_deg, update.longitude_deg).expect("the simulator sends valid places");
        let mut drivers = self.drivers.lock();
        if self.honesty == Honesty::Stale && drivers.contains_key(&register.driver_id) {
            return;
        }
        drivers.insert(register.driver_id.clone(), Known { register: register.clone(), update, place });
    }

    fn hides(&self, known: &Known) -> bool {
        let sum: u32 = known.register.driver_id.bytes().map(u32::from).sum();
        matches!(self.honesty, Honesty::Lossy | Honesty::Partial) && sum.is_multiple_of(5)
    }
}

fn accepts(filter: &v1::DriverFilter, known: &Known, now_ms: i64) -> bool {
    let register = &known.register;
    let age_max_ms =
        if filter.position_age_max_ms == 0 { 15_000 } else { i64::from(filter.position_age_max_ms) };
    known.update.status() != v1::DriverStatus::Offline
        && (filter.statuses.is_empty() || filter.statuses.contains(&known.update.status))
        && (filter.vehicle_classes.is_empty() || filter.vehicle_classes.contains(&register.vehicle_class))
        && filter.capabilities.iter().all(|c| register.capabilities.contains(c))
        && now_ms - known.update.time_ms <= age_max_ms
}

fn answer(search: &Search, known: &Known, now_ms: i64) -> Option<v1::NearbyDriver> {
    let place = |p: &Option<v1::LatLng>| {
        let p = p.as_ref().expect("the simulator names a point");
        LatLng::new(p.latitude_deg, p.longitude_deg).expect("the simulator asks at valid places")
    };
    let within = |point, radius_m| {
        let circle = Circle::new(place(point), radius_m).expect("the simulator asks with a valid radius");
        circle.contains(known.place).then(|| hav_to_m(circle.origin().hav(known.place)))
    };
    let distance_m = match search {
        Search::Nearest(n) => within(&n.point, n.radius_m)?,
        Search::WithinRadius(r) => within(&r.point, r.radius_m)?,
        Search::WithinPolygon(p) => {
            let ring = p.vertices.iter().map(|v| place(&Some(*v))).collect();
            let polygon = Polygon::new(ring).expect("the simulator asks with a valid polygon");
            polygon.contains(known.place).then_some(0.0)?
        }
    };
    let position = v1::Position {
        location: Some(kerb_loadgen::query::lat_lng(known.place)),
        time_ms: known.update.time_ms,
        sequence: known.update.sequence,
        ..Default::default()
    };
    Some(v1::NearbyDriver {
        driver_id: known.register.driver_id.clone(),
        position: Some(position),
        distance_m,
        position_age_ms: (now_ms - known.update.time_ms).max(0) as u32,
        status: known.update.status,
        vehicle_class: known.register.vehicle_class.clone(),
        capabilities: known.register.capabilities.clone(),
        ..Default::default()
    })
}
