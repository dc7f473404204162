//! The time that one core needs for an update of a gateway: decoding, validation, application, marks; then its fan-out to the
//! links and their batches.
//!
//! `cargo bench -p kerb-location-ingest --bench apply [-- --drivers 1_000_000 --rounds 5]`

mod common;

use std::sync::Arc;

use common::{argument, median, position, rng, timed};
use futures::FutureExt;
use futures::future::ready;
use kerb_location_ingest::{FleetStream, LocationIngest, Options, Ports};
use kerb_ports::{
    Control, DriverEvents, Frame, IndexAdmin, IndexAdminError, IndexServer, IngestNode, Membership, Peers,
    PortFuture, PositionSink, ReplicationError, ReplicationStream, ShardQuery, ShardResult, ShardSearch,
    ShardSearchError, ShardStat, SourceRegistration,
};
use kerb_proto::v1::{FleetDriver, PositionColumns, ReportPositionsRequest};
use kerb_types::{
    Catalog, ManualClock, MembershipView, Millis, NodeId, ShardId, ShardMap, Sharding, Timestamp,
};
use prost::Message;
use rand::seq::SliceRandom;
use tokio::sync::watch;

const NOW_MS: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const BATCH_ROWS: usize = 4_096;

fn main() {
    let drivers = argument("--drivers", 1_000_000);
    let rounds = argument("--rounds", 5);
    // One thread: background tasks run only while the bench waits for them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure(drivers, rounds));
}

async fn measure(drivers: usize, rounds: usize) {
    let ingest = start().await;
    let mut gateway = ingest.handle().gateway();
    register_all(&mut gateway, drivers);
    let mut rng = rng();
    let mut order: Vec<u32> = (0..drivers as u32).collect();
    let mut places: Vec<_> = (0..drivers).map(|_| position(&mut rng)).collect();
    let mut seconds: [Vec<f64>; 3] = Default::default();
    for round in 0..=rounds {
        order.shuffle(&mut rng);
        let wire: Vec<_> =
            order.chunks(BATCH_ROWS).map(|h| request(h, &mut places, round as u64 + 1)).collect();
        let decoded = || wire.iter().map(|bytes| decode(bytes).positions.map_or(0, |p| p.handle.len())).sum();
        let (decode_s, rows): (f64, usize) = timed(decoded);
        assert_eq!(rows, drivers);
        let (apply_s, ()) =
            timed(|| wire.iter().for_each(|bytes| gateway.take(decode(bytes)).expect("room")));
        let start = tokio::time::Instant::now();
        assert!(ingest.settle(60_000).await, "the sink takes everything");
        let send_s = start.elapsed().as_secs_f64();
        // The first round fills the table.
        if round > 0 {
            for (all, one) in seconds.iter_mut().zip([decode_s, apply_s, send_s]) {
                all.push(one / drivers as f64 * 1e9);
            }
        }
    }
    let [decode, apply, send] = seconds.map(median);
    println!(
        "{drivers} drivers in random order, batches of {BATCH_ROWS}, median of {rounds} rounds, one core"
    );
    println!("decode:                                   {decode:6.0} ns an update");
    println!("decode, validate, apply and mark:         {apply:6.0} ns an update");
    println!("fan out and build batches for one link:   {send:6.0} ns an update");
    assert_eq!(gateway.into_summary().applied, (drivers * (rounds + 1)) as u64);
}

fn decode(bytes: &[u8]) -> ReportPositionsRequest {
    ReportPositionsRequest::decode(bytes).expect("own bytes")
}

fn register_all(gateway: &mut FleetStream, drivers: usize) {
    let driver = |handle| FleetDriver {
        handle,
        driver_id: format!("driver-{handle:08}"),
        vehicle_class: "standard".to_owned(),
        ..FleetDriver::default()
    };
    let request =
        ReportPositionsRequest { drivers: (0..drivers as u32).map(driver).collect(), positions: None };
    gateway.take(request).expect("room");
}

/// Each driver drives on by up to 50 m.
fn request(handles: &[u32], places: &mut [kerb_geometry::LatLng], sequence: u64) -> Vec<u8> {
    let mut columns = PositionColumns {
        base_time_ms: (NOW_MS - Millis::new(3_000)).as_millis(),
        ..PositionColumns::default()
    };
    for handle in handles {
        let place = &mut places[*handle as usize];
        let step = (*handle as i32 % 9_000) - 4_500;
        *place = kerb_geometry::LatLng::from_e7(place.lat_e7() + step, place.lon_e7() - step)
            .expect("no pole is near");
        columns.handle.push(*handle);
        columns.latitude_e7.push(place.lat_e7());
        columns.longitude_e7.push(place.lon_e7());
        columns.sequence.push(sequence);
        columns.time_offset_ms.push(*handle % 3_000);
        columns.heading_cdeg.push(*handle % 36_000);
        columns.speed_cmps.push(*handle % 3_000);
    }
    ReportPositionsRequest { drivers: Vec::new(), positions: Some(columns) }.encode_to_vec()
}

async fn start() -> LocationIngest {
    let server = NodeId::new("index").expect("legal");
    let sharding = Sharding::default();
    let shard_map = Arc::new(ShardMap::place(sharding.shards(), 1, &[server]));
    let (sender, _) = watch::channel(Arc::new(MembershipView { nodes: Vec::new(), shard_map }));
    let ports = Ports {
        node: NodeId::new("ingest").expect("legal"),
        catalog: Arc::new(Catalog::default()),
        sharding,
        clock: Arc::new(ManualClock::new(NOW_MS)),
        membership: Arc::new(OneView(sender)),
        peers: Arc::new(NullServer),
        seed: 0,
    };
    LocationIngest::start(Options::default(), ports).await.expect("nothing is stored")
}

struct OneView(watch::Sender<Arc<MembershipView>>);

impl Membership for OneView {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.subscribe()
    }
}

/// An index server that takes everything and stores nothing.
struct NullServer;

impl Peers for NullServer {
    fn index_server(&self, _: &NodeId) -> Option<Arc<dyn IndexServer>> {
        Some(Arc::new(NullServer))
    }

    fn ingest_node(&self, _: &NodeId) -> Option<Arc<dyn IngestNode>> {
        None
    }

    fn matcher(&self, _: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        None
    }
}

impl PositionSink for NullServer {
    fn open(&self, _: SourceRegistration) -> PortFuture<'_, Box<dyn ReplicationStream>, ReplicationError> {
        ready(Ok(Box::new(NullServer) as Box<dyn ReplicationStream>)).boxed()
    }
}

impl ReplicationStream for NullServer {
    fn send(&mut self, frame: Frame) -> PortFuture<'_, (), ReplicationError> {
        drop(frame);
        ready(Ok(())).boxed()
    }

    fn flush(&mut self) -> PortFuture<'_, (), ReplicationError> {
        ready(Ok(())).boxed()
    }

    fn control(&mut self) -> PortFuture<'_, Control, ReplicationError> {
        futures::future::pending().boxed()
    }
}

impl ShardSearch for NullServer {
    fn search(
        &self,
        _: ShardQuery,
        _: tokio::time::Instant,
    ) -> PortFuture<'_, ShardResult, ShardSearchError> {
        ready(Err(ShardSearchError::Internal("the bench does not search".to_owned()))).boxed()
    }
}

impl IndexAdmin for NullServer {
    fn stats(&self) -> PortFuture<'_, Vec<ShardStat>, IndexAdminError> {
        ready(Ok(Vec::new())).boxed()
    }

    fn resync(&self, shards: Vec<ShardId>) -> PortFuture<'_, Vec<ShardId>, IndexAdminError> {
        ready(Ok(shards)).boxed()
    }
}
