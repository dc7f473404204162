//! The trip journal on this disk: one durable append after another, and many writers whose appends share an fsync.
//!
//! `cargo bench -p kerb-cluster --bench journal`

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kerb_cluster::FjallJournal;
use kerb_fleet::{Change, DriverId, MarketId, Record, TripEvent, TripId, TripJournal};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const WRITERS: u64 = 64;
/// Records of each writer in one measured run.
const RECORDS: u64 = 8;
const READ: u64 = 20_000;

fn market(number: u64) -> MarketId {
    MarketId::new(&format!("market-{number}")).expect("a legal name")
}

fn record(market: &MarketId, number: u64) -> Record {
    let driver = DriverId::new(&format!("driver-{number}")).expect("a legal id");
    let trip = TripId { market: market.clone(), number };
    let changes = vec![Change::Trip { trip, event: TripEvent::Accepted { driver } }];
    Record { at_ms: 1_700_000_000_000, matcher: "bench".to_owned(), changes }
}

async fn append(journal: &FjallJournal, market: MarketId, count: u64) {
    let mut version = journal.version(market.clone()).await.expect("it can be read");
    for _ in 0..count {
        let record = record(&market, version);
        version = journal.append(market.clone(), version, record).await.expect("it is the only writer");
    }
}

fn journal(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Arc::new(FjallJournal::open(folder.path()).expect("a new journal"));
    let runtime = Runtime::new().expect("a runtime");
    let mut group = c.benchmark_group("journal");
    group.sample_size(20);
    group.throughput(Throughput::Elements(1));
    group.bench_function("one durable append", |b| {
        b.iter(|| runtime.block_on(append(&journal, market(0), 1)));
    });
    group.throughput(Throughput::Elements(WRITERS * RECORDS));
    group.bench_function("64 writers of 64 markets", |b| {
        b.iter(|| {
            let mut writers = JoinSet::new();
            for writer in 1..=WRITERS {
                let journal = Arc::clone(&journal);
                writers.spawn_on(
                    async move { append(&journal, market(writer), RECORDS).await },
                    runtime.handle(),
                );
            }
            runtime.block_on(writers.join_all());
        });
    });
    fill(&runtime, &journal);
    group.throughput(Throughput::Elements(READ));
    group.bench_function("read", |b| {
        b.iter(|| runtime.block_on(journal.read(market(99), 0, READ as usize)).expect("it can be read"));
    });
    group.finish();
}

fn fill(runtime: &Runtime, journal: &FjallJournal) {
    let market = market(99);
    runtime.block_on(async {
        for version in 1..=READ {
            let record = record(&market, version);
            journal.append(market.clone(), version - 1, record).await.expect("it is the only writer");
        }
    });
}

criterion_group!(benches, journal);
criterion_main!(benches);
