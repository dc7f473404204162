//! A gateway's stream to Kerb that costs the generator little: batches are encoded once and sent many times.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use kerb_proto::v1::{FleetDriver, PositionColumns, ReportPositionsRequest, ReportPositionsResponse};
use kerb_types::{Clock, SystemClock};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request as Call, Status};

use super::fleet::{Fleet, REST, id_of};
use super::measure::Load;
use crate::connect::channel;
use crate::load::raw::{RawCodec, Request, encode_columns};

/// Positions of a driver's circle that are encoded.
const STEPS: u64 = 4;
/// Maximum slot bindings in one message.
const BINDINGS_PER_MESSAGE: usize = 8_192;

/// The newest time of all positions: the times of a small fleet run ahead of the clock.
static NEWEST_MS: AtomicI64 = AtomicI64::new(0);

/// Maximum lead over the clock, milliseconds: a fleet of a few hundred waits there.
const AHEAD_MAX_MS: i64 = 1_000;

/// The encoded drivers of one connection.
pub(super) struct FleetShare {
    slot_bindings: Vec<ReportPositionsRequest>,
    /// All drivers at the first step, then all at the next.
    batches: Vec<Bytes>,
    rows: u32,
    drivers: Vec<u32>,
}

/// An open stream with its slots bound.
pub(super) struct Stream {
    requests: mpsc::Sender<Source>,
    response: JoinHandle<Result<ReportPositionsResponse, Status>>,
    share: FleetShare,
}

/// A source of messages, sent one after the other.
enum Source {
    One(Request),
    /// Batches, cycle after cycle. A queue would cost more than the batch.
    Many(BatchCycle),
}

/// Yields the batches from the first one on until the token is cancelled.
struct BatchCycle {
    batches: Vec<Bytes>,
    batches_a_step: usize,
    over: CancellationToken,
    /// Receives the number of sent batches.
    sent: oneshot::Sender<u64>,
    count: usize,
    time_ms: i64,
}

/// The result of a stream.
pub(super) struct StreamResult {
    pub(super) applied: u64,
    /// A driver of the last batch, and its step in that batch.
    pub(super) last: Option<(u32, u64)>,
}

impl FleetShare {
    /// Encodes the drivers of this connection in the order of their updates.
    pub(super) fn of(fleet: &Fleet, connection: u32, load: &Load) -> Self {
        let turns = u64::from(connection)..u64::from(fleet.len());
        let drivers: Vec<u32> =
            turns.step_by(load.connections as usize).map(|count| fleet.turn(count)).collect();
        let slot_bindings = drivers.chunks(BINDINGS_PER_MESSAGE).enumerate().map(|(chunk, drivers)| {
            let handles = (chunk * BINDINGS_PER_MESSAGE) as u32..;
            let drivers =
                handles.zip(drivers).map(|(handle, driver)| slot_binding(handle, *driver)).collect();
            ReportPositionsRequest { drivers, positions: None }
        });
        let batches = (0..STEPS).flat_map(|step| encode(fleet, &drivers, step, load.in_flight));
        Self {
            slot_bindings: slot_bindings.collect(),
            batches: batches.collect(),
            rows: load.in_flight,
            drivers,
        }
    }

    /// Opens the stream and binds its slots.
    pub(super) async fn open(mut self, url: &str) -> Result<Stream, String> {
        let (requests, receiver) = mpsc::channel(4);
        let response = tokio::spawn(report(channel(url)?, receiver));
        for slot_binding in std::mem::take(&mut self.slot_bindings) {
            let whole = Source::One(Request::Whole(Box::new(slot_binding)));
            if requests.send(whole).await.is_err() {
                break;
            }
        }
        Ok(Stream { requests, response, share: self })
    }

    fn batches_a_step(&self) -> u64 {
        self.drivers.len().div_ceil(self.rows as usize) as u64
    }
}

fn slot_binding(handle: u32, driver: u32) -> FleetDriver {
    FleetDriver {
        handle,
        driver_id: id_of(driver),
        vehicle_class: "standard".to_owned(),
        ..FleetDriver::default()
    }
}

fn encode(fleet: &Fleet, drivers: &[u32], step: u64, rows: u32) -> impl Iterator<Item = Bytes> {
    drivers.chunks(rows as usize).enumerate().map(move |(chunk, drivers)| {
        let first = chunk as u32 * rows;
        let places = drivers.iter().map(|driver| fleet.place(*driver, step));
        let (latitude_e7, longitude_e7) = places.map(|place| (place.lat_e7(), place.lon_e7())).unzip();
        let handle = (first..first + drivers.len() as u32).collect();
        encode_columns(&PositionColumns { handle, latitude_e7, longitude_e7, ..PositionColumns::default() })
    })
}

async fn report(
    channel: tonic::transport::Channel,
    sources: mpsc::Receiver<Source>,
) -> Result<ReportPositionsResponse, Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
    let path = PathAndQuery::from_static("/kerb.v1.FleetService/ReportPositions");
    let requests = futures::StreamExt::flat_map(ReceiverStream::new(sources), Source::into_stream);
    grpc.client_streaming(Call::new(requests), path, RawCodec).await.map(tonic::Response::into_inner)
}

impl Source {
    fn into_stream(self) -> stream::BoxStream<'static, Request> {
        match self {
            Self::One(request) => Box::pin(stream::iter([request])),
            Self::Many(round) => Box::pin(stream::unfold(round, BatchCycle::next)),
        }
    }
}

impl BatchCycle {
    async fn next(mut self) -> Option<(Request, Self)> {
        if self.over.is_cancelled() {
            // A dropped receiver needs no count.
            _ = self.sent.send(self.count as u64);
            return None;
        }
        // A task that never yields would keep its thread from the timer that ends it.
        tokio::task::consume_budget().await;
        if self.count.is_multiple_of(self.batches_a_step) {
            // A newer position needs a newer time, however soon it comes. A node accepts times up to 10 s ahead.
            while self.time_ms > SystemClock.now().as_millis() + AHEAD_MAX_MS {
                sleep(Duration::from_millis(1)).await;
            }
            self.time_ms = newer_than(self.time_ms);
        }
        let columns = self.batches[self.count % self.batches.len()].clone();
        self.count += 1;
        Some((Request::Columns(columns, self.time_ms as u64), self))
    }
}

impl Stream {
    /// Sends until `over`, at a steady rate if one is given. Late batches are skipped.
    pub(super) async fn run(
        mut self,
        per_s: Option<u32>,
        over: CancellationToken,
    ) -> Result<StreamResult, String> {
        let sent = if let Some(per_s) = per_s {
            self.paced(per_s, &over).await
        } else {
            let (sent, count) = oneshot::channel();
            let (batches, batches_a_step) =
                (self.share.batches.clone(), self.share.batches_a_step() as usize);
            // The time is later than that of earlier streams.
            let round = BatchCycle {
                batches,
                batches_a_step,
                over,
                sent,
                count: 0,
                time_ms: NEWEST_MS.load(Ordering::Relaxed),
            };
            _ = self.requests.send(Source::Many(round)).await;
            count.await.unwrap_or_default()
        };
        let last = sent.checked_sub(1).and_then(|batch| {
            let (step, batch) = (batch / self.share.batches_a_step(), batch % self.share.batches_a_step());
            let driver = self.share.drivers.get((batch * u64::from(self.share.rows)) as usize)?;
            Some((*driver, step % STEPS))
        });
        let response = self.end().await?;
        Ok(StreamResult { applied: response.applied, last })
    }

    /// Sends every driver once, at rest, and returns how many updates were applied.
    pub(super) async fn rest(mut self) -> Result<u64, String> {
        assert_eq!(REST, 0, "the batches begin with the drivers at rest");
        let batches = self.share.batches_a_step() as usize;
        let time_ms = SystemClock.now().as_millis().max(NEWEST_MS.load(Ordering::Relaxed) + 1);
        for columns in self.share.batches.drain(..batches) {
            let request = Request::Columns(columns, time_ms as u64);
            if self.requests.send(Source::One(request)).await.is_err() {
                break;
            }
        }
        self.end().await.map(|response| response.applied)
    }

    async fn paced(&mut self, per_s: u32, over: &CancellationToken) -> u64 {
        let period = Duration::from_secs_f64(f64::from(self.share.rows) / f64::from(per_s));
        let (mut next, mut sent) = (Instant::now(), 0);
        let mut time_ms = NEWEST_MS.load(Ordering::Relaxed);
        for columns in self.share.batches.iter().cycle() {
            tokio::select! {
                () = over.cancelled() => break,
                () = sleep_until(next) => {}
            }
            if sent % self.share.batches_a_step() == 0 {
                time_ms = newer_than(time_ms);
            }
            let request = Request::Columns(columns.clone(), time_ms as u64);
            if self.requests.send(Source::One(request)).await.is_err() {
                break;
            }
            sent += 1;
            next = (next + period).max(Instant::now() - BEHIND_MAX);
        }
        sent
    }

    async fn end(self) -> Result<ReportPositionsResponse, String> {
        drop(self.requests);
        let response = self.response.await.map_err(|e| e.to_string())?;
        let response = response.map_err(|s| format!("a stream of batches: {}: {}", s.code(), s.message()))?;
        let rejection = response.rejections.iter().flat_map(|rejection| &rejection.errors).next();
        match rejection {
            Some(error) => Err(format!("a batch was refused: {}: {}", error.field, error.description)),
            None => Ok(response),
        }
    }
}

/// A steady load that is this late skips batches.
pub(super) const BEHIND_MAX: Duration = Duration::from_millis(500);

/// Returns the time of the next position after one with `time_ms`.
fn newer_than(time_ms: i64) -> i64 {
    let newer_ms = SystemClock.now().as_millis().max(time_ms + 1);
    NEWEST_MS.fetch_max(newer_ms, Ordering::Relaxed);
    newer_ms
}

/// Returns the URL of a node.
pub(super) fn url_of(address: std::net::SocketAddr) -> String {
    format!("http://{address}")
}
