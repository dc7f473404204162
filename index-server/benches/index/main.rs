//! One update and one nearest search, at 100 k and 1 M drivers, beside rstar. Sizes: `KERB_BENCH_DRIVERS=100000,10000000`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]

#[path = "../shared/city.rs"]
#[allow(dead_code, reason = "the other benches use more of it")]
mod city;

use std::cell::RefCell;
use std::hint::black_box;

use city::{City, START_MS};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kerb_fleet::{Batch, DriverFilter, DriverStatus, NodeId, Search, ShardQuestion};
use kerb_index_server::{Effort, Index, Options, Progress, Session};
use kerb_spatial::{Area, Circle, LatLng};
use rstar::RTree;
use rstar::primitives::GeomWithData;

/// Rows of a batch, as ingest nodes send them.
const ROWS: usize = 4_096;
/// Searches that are prepared.
const QUESTIONS: usize = 4_096;

fn sizes() -> Vec<usize> {
    let text = std::env::var("KERB_BENCH_DRIVERS").unwrap_or_else(|_| "100000,1000000".to_owned());
    text.split(',').map(|size| size.trim().parse().unwrap()).collect()
}

struct Filled {
    index: Index,
    session: RefCell<Session>,
    city: RefCell<City>,
}

impl Filled {
    fn new(drivers: usize) -> Self {
        let city = City::new(drivers);
        let options = Options { drivers_max: drivers as u32 + 10_000, ..Options::default() };
        let index = Index::new(&options, city.sharding, START_MS);
        let held: Vec<_> = city.sharding.all().collect();
        index.set_view(&held, &[]).unwrap();
        let mut session = index.open(&NodeId::new("bench").unwrap()).unwrap();
        index.full_begin(&mut session, 1, &held).unwrap();
        let mut ending = index.full_end(&mut session, 1).unwrap();
        while index.full_end_some(&session, &mut ending).unwrap() {}
        let session = RefCell::new(session);
        let filled = Self { index, session, city: RefCell::new(city) };
        for from in (0..drivers).step_by(ROWS) {
            filled.apply(&filled.city.borrow().first(from, (from + ROWS).min(drivers)));
        }
        filled
    }

    fn apply(&self, batch: &Batch) {
        let mut progress = Progress::default();
        let mut session = self.session.borrow_mut();
        while self.index.apply(&mut session, batch, &mut progress, START_MS).unwrap() {}
    }

    fn questions(&self, filter: DriverFilter) -> Vec<ShardQuestion> {
        let mut city = self.city.borrow_mut();
        (0..QUESTIONS)
            .map(|_| {
                let circle = Circle::new(city.rider(), 5_000.0).unwrap();
                let shards = city.sharding.shards_for(&Area::Circle(circle));
                ShardQuestion { shards, also: vec![], search: Search::Nearest { circle, k: 10 }, filter }
            })
            .collect()
    }

    fn report(&self) {
        let memory = self.index.memory();
        let slots = self.session.borrow().bytes();
        let stats = self.index.stats();
        let pages: u64 = stats.iter().map(|stat| stat.bytes).sum();
        let per = |bytes: usize| bytes as f64 / memory.drivers as f64;
        eprintln!(
            "{} drivers: {:.1} B each = store {:.1} (records and trees in use {:.1}) + books {:.1} + slots {:.1}",
            memory.drivers,
            per(memory.store + memory.books + slots),
            per(memory.store),
            per(pages as usize),
            per(memory.books),
            per(slots),
        );
    }
}

fn index(c: &mut Criterion) {
    let mut group = c.benchmark_group("index");
    for drivers in sizes() {
        let filled = Filled::new(drivers);
        filled.report();
        // Everybody reports once, so that the trees are those of a fleet that has moved.
        for _ in 0..drivers.div_ceil(ROWS) {
            let batch = filled.city.borrow_mut().next(ROWS);
            filled.apply(&batch);
        }
        filled.report();
        group.throughput(Throughput::Elements(ROWS as u64));
        group.bench_function(BenchmarkId::new("update", drivers), |b| {
            b.iter_batched(
                || filled.city.borrow_mut().next(ROWS),
                |batch| filled.apply(&batch),
                BatchSize::PerIteration,
            );
        });
        let counts = filled.index.counts();
        eprintln!("{counts:?}");
        group.throughput(Throughput::Elements(1));
        let fresh = DriverFilter {
            statuses: 1 << DriverStatus::Available as u8,
            time_min_ms: START_MS,
            ..DriverFilter::ANY
        };
        for (name, filter) in [("nearest", DriverFilter::ANY), ("nearest available", fresh)] {
            let questions = filled.questions(filter);
            let mut next = questions.iter().cycle();
            group.bench_function(BenchmarkId::new(name, drivers), |b| {
                // A question has just been read when it is asked, so it is in the cache; the tree is not.
                let question = || next.next().unwrap().clone();
                b.iter_batched_ref(
                    question,
                    |question| {
                        let mut effort = Effort::new(usize::MAX, &|| false);
                        black_box(filled.index.search(question, &mut effort).unwrap())
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
                        let i = update.slot as usize;
                        tree.remove(&at[i]).unwrap();
                        at[i] = point(update.position, i);
                        tree.insert(at[i]);
                    }
                },
                BatchSize::PerIteration,
            );
        });
        group.throughput(Throughput::Elements(1));
        let riders: Vec<_> = (0..QUESTIONS).map(|_| city.rider()).collect();
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
