//! Measures one update and one nearest search at 100 k and 1 M drivers, and compares with rstar.
//!
//! Other sizes: `KERB_BENCH_DRIVERS=100000,10000000`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]

#[path = "../shared/city.rs"]
#[allow(dead_code, reason = "the other benches use more of it")]
mod city;

#[path = "../shared/filled_index.rs"]
#[allow(dead_code, reason = "the other benches use more of it")]
mod filled_index;

use std::cell::RefCell;
use std::hint::black_box;

use city::{City, START_MS};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use filled_index::{FilledIndex, ROWS};
use kerb_geometry::{Area, Circle, LatLng};
use kerb_index_server::SearchBudget;
use kerb_ports::{Batch, DriverFilter, Search, ShardQuery};
use kerb_types::IndexedStatus;
use rstar::RTree;
use rstar::primitives::GeomWithData;

/// Number of searches that are prepared.
const QUERIES: usize = 4_096;

fn sizes() -> Vec<usize> {
    let text = std::env::var("KERB_BENCH_DRIVERS").unwrap_or_else(|_| "100000,1000000".to_owned());
    text.split(',').map(|size| size.trim().parse().unwrap()).collect()
}

struct Fleet {
    filled: RefCell<FilledIndex>,
    city: RefCell<City>,
}

impl Fleet {
    fn new(drivers: usize) -> Self {
        let city = City::new(drivers);
        Self { filled: RefCell::new(FilledIndex::new(&city, drivers)), city: RefCell::new(city) }
    }

    fn apply(&self, batch: &Batch) {
        self.filled.borrow_mut().apply(batch);
    }

    fn queries(&self, filter: DriverFilter) -> Vec<ShardQuery> {
        let mut city = self.city.borrow_mut();
        (0..QUERIES)
            .map(|_| {
                let circle = Circle::new(city.rider(), 5_000.0).unwrap();
                let shards = city.sharding.shards_for(&Area::Circle(circle));
                ShardQuery { shards, extra_shards: vec![], search: Search::Nearest { circle, k: 10 }, filter }
            })
            .collect()
    }

    fn report(&self) {
        let filled = self.filled.borrow();
        let (memory, stats, slots) = (filled.index.memory(), filled.index.stats(), filled.slots_bytes());
        let pages: u64 = stats.iter().map(|stat| stat.bytes).sum();
        let per = |bytes: usize| bytes as f64 / memory.drivers as f64;
        eprintln!(
            "{} drivers: {:.1} B each = store {:.1} (records and trees in use {:.1}) + books {:.1} + slots {:.1}",
            memory.drivers,
            per(memory.store + memory.writer + slots),
            per(memory.store),
            per(pages as usize),
            per(memory.writer),
            per(slots),
        );
    }
}

fn index(c: &mut Criterion) {
    let mut group = c.benchmark_group("index");
    for drivers in sizes() {
        let fleet = Fleet::new(drivers);
        fleet.report();
        // Every driver reports once, so that the trees are those of a fleet that has moved.
        for _ in 0..drivers.div_ceil(ROWS) {
            let batch = fleet.city.borrow_mut().next(ROWS);
            fleet.apply(&batch);
        }
        fleet.report();
        group.throughput(Throughput::Elements(ROWS as u64));
        group.bench_function(BenchmarkId::new("update", drivers), |b| {
            b.iter_batched(
                || fleet.city.borrow_mut().next(ROWS),
                |batch| fleet.apply(&batch),
                BatchSize::PerIteration,
            );
        });
        let filled = fleet.filled.borrow();
        eprintln!("{:?}", filled.index.metrics());
        group.throughput(Throughput::Elements(1));
        let fresh = DriverFilter {
            statuses: 1 << IndexedStatus::Available as u8,
            time_min_ms: START_MS,
            ..DriverFilter::ANY
        };
        for (name, filter) in [("nearest", DriverFilter::ANY), ("nearest available", fresh)] {
            let queries = fleet.queries(filter);
            let mut next = queries.iter().cycle();
            group.bench_function(BenchmarkId::new(name, drivers), |b| {
                // A query is in the cache when it arrives, because it has just been decoded; the tree is not.
                let query = || next.next().unwrap().clone();
                b.iter_batched_ref(
                    query,
                    |query| {
                        let mut budget = SearchBudget::new(usize::MAX, &|| false);
                        black_box(filled.index.search(query, &mut budget).unwrap())
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

type Point = GeomWithData<[f64; 2], u32>;

fn point(position: LatLng, i: usize) -> Point {
    GeomWithData::new([position.lon_deg() * 0.79, position.lat_deg()], i as u32)
}

fn rstar(c: &mut Criterion) {
    let mut group = c.benchmark_group("rstar");
    for drivers in sizes().into_iter().filter(|drivers| *drivers <= 1_000_000) {
        let mut city = City::new(drivers);
        let mut at: Vec<Point> = (0..drivers).map(|i| point(city.position(i), i)).collect();
        let mut tree = RTree::bulk_load(at.clone());
        group.throughput(Throughput::Elements(ROWS as u64));
        group.bench_function(BenchmarkId::new("update", drivers), |b| {
            b.iter_batched(
                || city.next(ROWS),
                |batch| {
                    for update in &batch.updates {
                        let i = update.slot.index();
                        tree.remove(&at[i]).unwrap();
                        at[i] = point(update.position, i);
                        tree.insert(at[i]);
                    }
                },
                BatchSize::PerIteration,
            );
        });
        group.throughput(Throughput::Elements(1));
        let riders: Vec<_> = (0..QUERIES).map(|_| city.rider()).collect();
        let mut next = riders.iter().cycle();
        group.bench_function(BenchmarkId::new("nearest", drivers), |b| {
            b.iter(|| {
                let rider = point(*next.next().unwrap(), 0);
                black_box(
                    tree.nearest_neighbor_iter(*rider.geom()).take(10).map(|p| p.data).collect::<Vec<_>>(),
                )
            });
        });
    }
    group.finish();
}

criterion_group!(benches, index, rstar);
criterion_main!(benches);
