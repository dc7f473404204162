//! A window's candidates over an index server in this process: 5,000 queries for the 20 nearest of 20,000 drivers in a
//! city of 20 km by 20 km, through the engine that searches use.
//!
//! `cargo bench -p kerb-aggregator --bench batch_search`

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a bench fails by panicking, and its macros write no docs"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use kerb_aggregator::grpc::Grpc;
use kerb_aggregator::{Aggregator, Options, Ports, Query};
use kerb_geometry::{Circle, LatLng};
use kerb_ports::conformance::source::{NOW_MS, SOURCES, Source, sharding, update};
use kerb_ports::conformance::travel_times::TwoBanks;
use kerb_ports::{
    DriverEvents, DriverFilter, IndexServer, IngestNode, Membership, NearbyQuery, NearbySearch, Peers, Search,
};
use kerb_proto::v1;
use kerb_types::{Catalog, ManualClock, MembershipView, Millis, Node, NodeId, Role, ShardMap};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::sync::watch;
use tokio::time::Instant;

const DRIVERS: u32 = 20_000;
const QUERIES: usize = 5_000;

/// A cluster of one index server.
struct Cluster {
    view: watch::Sender<Arc<MembershipView>>,
    server: std::sync::OnceLock<Arc<dyn IndexServer>>,
}

impl Membership for Cluster {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.view.subscribe()
    }
}

impl Peers for Cluster {
    fn index_server(&self, _: &NodeId) -> Option<Arc<dyn IndexServer>> {
        self.server.get().cloned()
    }

    fn ingest_node(&self, _: &NodeId) -> Option<Arc<dyn IngestNode>> {
        None
    }

    fn matcher(&self, _: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        None
    }
}

fn anywhere(rng: &mut Pcg64Mcg) -> LatLng {
    LatLng::new(rng.random_range(37.60..37.78), rng.random_range(-122.50..-122.27)).unwrap()
}

async fn start(rng: &mut Pcg64Mcg) -> (Aggregator, Source) {
    let names = [NodeId::new("index").unwrap()];
    let node = |id: &NodeId, role| Node { id: id.clone(), roles: vec![role], address: None, live: true };
    let source = NodeId::new(SOURCES[0]).unwrap();
    let nodes = vec![node(&names[0], Role::IndexServer), node(&source, Role::LocationIngest)];
    let shard_map = Arc::new(ShardMap::place(sharding().shards(), 1, &names));
    let view = watch::Sender::new(Arc::new(MembershipView { nodes, shard_map }));
    let cluster = Arc::new(Cluster { view, server: std::sync::OnceLock::new() });
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let ports = kerb_index_server::Ports {
        node: names[0].clone(),
        sharding: sharding(),
        catalog: Catalog::default(),
        membership: cluster.clone(),
        clock: clock.clone(),
    };
    let options = kerb_index_server::Options::default();
    let server = kerb_index_server::IndexServer::start(&options, ports);
    let server: Arc<dyn IndexServer> = Arc::new(server.await.unwrap());
    let updates: Vec<_> = (0..DRIVERS).map(|number| update(number, anywhere(rng), 1)).collect();
    let source = Source::open_with(&server, 0, &updates).await;
    assert!(cluster.server.set(server).is_ok());
    let times = Arc::new(TwoBanks { bridge_s: 0 });
    let ports = Ports { membership: cluster.clone(), peers: cluster, clock, times };
    let aggregator = Aggregator::new(Options::default(), sharding(), Catalog::default(), ports).unwrap();
    (aggregator, source)
}

fn many(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let (aggregator, _source) = runtime.block_on(start(&mut rng));
    let filter =
        DriverFilter { statuses: 1 << 1, time_min_ms: NOW_MS - Millis::new(15_000), ..DriverFilter::ANY };
    let query = |rng: &mut Pcg64Mcg| NearbyQuery { point: anywhere(rng), k: 20, radius_m: 11_000.0, filter };
    let queries: Vec<_> = (0..QUERIES).map(|_| query(&mut rng)).collect();
    c.bench_function("nearest_20_for_5000_queries", |b| {
        b.iter(|| {
            let deadline = Instant::now() + Duration::from_secs(10);
            let answers = runtime.block_on(aggregator.nearest(queries.clone(), deadline)).unwrap();
            assert!(answers.results.iter().all(|answer| answer.complete && answer.indices.len() == 20));
            black_box(answers)
        });
    });
}

/// A ring of 1,000 corners across the city and back.
fn zigzag() -> v1::PolygonSearch {
    let corner = |latitude_deg, longitude_deg| v1::LatLng { latitude_deg, longitude_deg };
    let row = |i: i32| corner(37.6 + f64::from(i) * 1.8e-4, if i % 2 == 0 { -122.49 } else { -122.28 });
    let mut vertices: Vec<_> = (0..998).map(row).collect();
    vertices.extend([corner(37.79, -122.5), corner(37.59, -122.5)]);
    v1::PolygonSearch { vertices, holes: Vec::new() }
}

/// A star-shaped ring around a point of the city, its corners 0.5 to 1 `radius_deg` from the point.
fn star(rng: &mut Pcg64Mcg, corners: usize, radius_deg: f64) -> v1::FindNearbyRequest {
    let center = anywhere(rng);
    let corner = |i: usize| {
        let (sin, cos) = (std::f64::consts::TAU * i as f64 / corners as f64).sin_cos();
        let radius = radius_deg * rng.random_range(0.5..1.0);
        v1::LatLng {
            latitude_deg: center.lat_deg() + radius * sin,
            longitude_deg: center.lon_deg() + radius * cos,
        }
    };
    let vertices = (0..corners).map(corner).collect();
    v1::FindNearbyRequest {
        search: Some(v1::find_nearby_request::Search::WithinPolygon(v1::PolygonSearch {
            vertices,
            holes: Vec::new(),
        })),
        ..Default::default()
    }
}

/// Polygons of many corners: one of 1,000 with about one driver in it, a zigzag of 1,000, and a batch of 1,000 with 30 each.
fn polygons(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    let (aggregator, _source) = runtime.block_on(start(&mut rng));
    let nearby = Grpc::new(aggregator).nearby();
    let find = |search: &v1::FindNearbyRequest| {
        runtime.block_on(nearby.find_nearby(tonic::Request::new(search.clone()))).unwrap()
    };
    let small = star(&mut rng, 1_000, 0.001);
    c.bench_function("polygon/1000_corners_150_m", |b| b.iter(|| find(&small)));
    let city = star(&mut rng, 1_000, 0.1);
    c.bench_function("polygon/1000_corners_15_km", |b| b.iter(|| find(&city)));
    let searches: Vec<_> = (0..1_000).map(|_| star(&mut rng, 30, 0.02)).collect();
    c.bench_function("batch/1000_polygons_of_30_corners", |b| {
        b.iter(|| {
            let searches = searches.clone();
            let request = tonic::Request::new(v1::FindNearbyBatchRequest { searches });
            runtime.block_on(nearby.find_nearby_batch(request)).unwrap()
        });
    });
}

/// A small search alone, and next to eight callers that send one batch of zigzags after another.
fn apart(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut rng = Pcg64Mcg::seed_from_u64(2);
    let (aggregator, _source) = runtime.block_on(start(&mut rng));
    let circle = Circle::new(LatLng::new(37.7, -122.4).unwrap(), 2_000.0).unwrap();
    let small = |b: &mut criterion::Bencher<'_>| {
        b.iter(|| {
            let query = Query::any(Search::Nearest { circle, k: 10 }, 15_000);
            let deadline = Instant::now() + Duration::from_secs(10);
            let search = aggregator.clone();
            let found = runtime.block_on(runtime.spawn(async move { search.find(query, deadline).await }));
            assert!(found.unwrap().unwrap().coverage.is_complete());
        });
    };
    c.bench_function("small_search/alone", small);
    let search = v1::FindNearbyRequest {
        search: Some(v1::find_nearby_request::Search::WithinPolygon(zigzag())),
        page_size: 100,
        ..Default::default()
    };
    let batch = v1::FindNearbyBatchRequest { searches: vec![search; 100] };
    let batches: Vec<_> = (0..8)
        .map(|_| {
            let (nearby, batch) = (Grpc::new(aggregator.clone()).nearby(), batch.clone());
            runtime.spawn(async move {
                loop {
                    let mut request = tonic::Request::new(batch.clone());
                    request.set_timeout(Duration::from_secs(5));
                    nearby.find_nearby_batch(request).await.unwrap();
                }
            })
        })
        .collect();
    c.bench_function("small_search/beside_8_zigzag_batches", small);
    batches.iter().for_each(tokio::task::JoinHandle::abort);
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = many, polygons, apart }
criterion_main!(benches);
