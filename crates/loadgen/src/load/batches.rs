//! Batches of positions, as gateways send them: one stream a connection, a steady rate, backpressure by the stream.

use std::time::Duration;

use bytes::Bytes;
use kerb_proto::v1::{FleetDriver, PositionColumns, ReportPositionsRequest, ReportPositionsResponse};
use kerb_types::{Clock, SystemClock};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request as Call, Status};

use super::GRACE;
use super::raw::{RawCodec, Request, encode_columns};
use super::report::BatchReport;
use crate::city::{City, shifted};
use crate::connect::Endpoints;
use crate::options::LoadOptions;

/// Maximum handles of one stream; the server has the same limit.
const HANDLES_MAX: u32 = 1 << 20;
/// Maximum slot bindings in one message: about 50 bytes each, well below the limit of a message.
const BINDINGS_PER_MESSAGE: usize = 8_192;
/// Maximum batches that wait for the connection.
const QUEUED_MAX: usize = 4;
/// Radius of the circle that each driver follows, meters: a step is 25 m, as for 30 km/h and a report every 3 s.
const CIRCLE_M: f64 = 18.0;
/// Positions on the circle. Each is encoded once: 11 bytes per driver and position.
const STEPS: usize = 4;
/// A generator that is this late skips batches instead of catching up.
const BEHIND_MAX: Duration = Duration::from_millis(500);

/// The drivers of each connection, encoded.
pub(super) struct Fleet(Vec<ConnectionShare>);

/// The drivers of one connection.
struct ConnectionShare {
    slot_bindings: Vec<ReportPositionsRequest>,
    /// Batches that move every driver once to each position of its circle, in turn.
    batches: Vec<Bytes>,
    drivers: u32,
}

/// Open streams with all slots bound.
pub(super) struct Streams(Vec<Stream>);

struct Stream {
    requests: mpsc::Sender<Request>,
    response: JoinHandle<Result<ReportPositionsResponse, Status>>,
    batches: Vec<Bytes>,
    drivers: u32,
}

impl Fleet {
    /// Encodes the fleet; it is empty when the options ask for no batches.
    pub(super) fn prepare(options: &LoadOptions, city: &City) -> Self {
        if options.updates_per_second == 0 {
            return Self(Vec::new());
        }
        let connections = options.batch_connections;
        let each = (options.drivers / connections).clamp(1, HANDLES_MAX);
        Self((0..connections).map(|c| ConnectionShare::new(options, city, c, each)).collect())
    }
}

impl ConnectionShare {
    fn new(options: &LoadOptions, city: &City, connection: u32, drivers: u32) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(options.seed ^ u64::from(connection) << 32);
        let centers: Vec<_> = (0..drivers).map(|_| city.place(&mut rng)).collect();
        let mut batches = Vec::new();
        for step in 0..STEPS {
            let (sin, cos) = (std::f64::consts::TAU * step as f64 / STEPS as f64).sin_cos();
            for (chunk, centers) in centers.chunks(options.batch_rows as usize).enumerate() {
                let first = chunk as u32 * options.batch_rows;
                let places = centers.iter().map(|c| shifted(*c, CIRCLE_M * cos, CIRCLE_M * sin));
                let (latitude_e7, longitude_e7) = places.map(|p| (p.lat_e7(), p.lon_e7())).unzip();
                let handle = (first..first + centers.len() as u32).collect();
                batches.push(encode_columns(&PositionColumns {
                    handle,
                    latitude_e7,
                    longitude_e7,
                    ..Default::default()
                }));
            }
        }
        let all: Vec<_> = (0..drivers).map(|handle| slot_binding(connection, handle)).collect();
        let slot_bindings = all.chunks(BINDINGS_PER_MESSAGE);
        let slot_bindings =
            slot_bindings.map(|c| ReportPositionsRequest { drivers: c.to_vec(), positions: None }).collect();
        Self { slot_bindings, batches, drivers }
    }
}

fn slot_binding(connection: u32, handle: u32) -> FleetDriver {
    FleetDriver {
        handle,
        driver_id: format!("load-{connection}-{handle}"),
        vehicle_class: "standard".to_owned(),
        ..Default::default()
    }
}

impl Streams {
    /// Opens one stream per connection and binds the slots of its drivers.
    pub(super) async fn open(
        fleet: Fleet,
        endpoints: &Endpoints,
        stop: &CancellationToken,
    ) -> Result<Self, String> {
        let mut streams = Vec::new();
        for (number, share) in fleet.0.into_iter().enumerate() {
            let channel = endpoints.get(number, number / endpoints.nodes());
            let (requests, receiver) = mpsc::channel(QUEUED_MAX);
            let response = tokio::spawn(async move {
                let mut grpc = tonic::client::Grpc::new(channel);
                grpc.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
                let path = PathAndQuery::from_static("/kerb.v1.FleetService/ReportPositions");
                let call = Call::new(ReceiverStream::new(receiver));
                grpc.client_streaming(call, path, RawCodec).await.map(tonic::Response::into_inner)
            });
            let mut stream = Stream { requests, response, batches: share.batches, drivers: share.drivers };
            for slot_binding in share.slot_bindings {
                if stop.is_cancelled() {
                    break;
                }
                if stream.requests.send(Request::Whole(Box::new(slot_binding))).await.is_err() {
                    return Err(stream.why_it_ended().await);
                }
            }
            streams.push(stream);
        }
        Ok(Self(streams))
    }

    /// Sends at the configured rate until `over`; `None` when the options ask for no batches.
    pub(super) async fn run(
        self,
        options: &LoadOptions,
        over: &CancellationToken,
    ) -> Result<Option<BatchReport>, String> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let began = Instant::now();
        let rate = options.updates_per_second as f64 / self.0.len() as f64;
        let drivers = self.0.iter().map(|s| u64::from(s.drivers)).sum();
        let mut tasks = tokio::task::JoinSet::new();
        for stream in self.0 {
            // The last batch of a cycle is smaller than the others: the mean gives the configured rate.
            let rows = f64::from(stream.drivers) * STEPS as f64 / stream.batches.len() as f64;
            let period = Duration::from_secs_f64(rows / rate);
            tasks.spawn(stream.run(period, over.clone()));
        }
        let mut report = BatchReport { drivers, ..BatchReport::default() };
        for outcome in tasks.join_all().await {
            let (batches, response) = outcome?;
            report.add(batches, &response);
        }
        report.elapsed_s = began.elapsed().as_secs_f64();
        report.applied_per_s = report.applied as f64 / report.elapsed_s;
        Ok(Some(report))
    }
}

impl Stream {
    async fn run(
        mut self,
        period: Duration,
        over: CancellationToken,
    ) -> Result<(u64, ReportPositionsResponse), String> {
        let batches = std::mem::take(&mut self.batches);
        let mut next = Instant::now();
        let mut sent = 0;
        for columns in batches.iter().cycle() {
            tokio::select! {
                () = over.cancelled() => break,
                () = sleep_until(next) => {}
            }
            // The clock is read just before the send, so the time grows from one cycle to the next.
            let request = Request::Columns(columns.clone(), SystemClock.now().as_millis() as u64);
            if self.requests.send(request).await.is_err() {
                return Err(self.why_it_ended().await);
            }
            sent += 1;
            next = (next + period).max(Instant::now() - BEHIND_MAX);
        }
        drop(self.requests);
        let response = timeout(GRACE, self.response).await;
        let response = response.map_err(|e| format!("the answer to a stream of batches: {e}"))?;
        let response = response.map_err(|e| e.to_string())?;
        response.map(|r| (sent, r)).map_err(|s| format!("a stream of batches: {}: {}", s.code(), s.message()))
    }

    async fn why_it_ended(&mut self) -> String {
        match timeout(GRACE, &mut self.response).await {
            Ok(Ok(Err(s))) => format!("a stream of batches: {}: {}", s.code(), s.message()),
            other => format!("a stream of batches ended: {other:?}"),
        }
    }
}
