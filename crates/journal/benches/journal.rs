//! Measures the journal on disk: the time of one durable append, the rate of appends when many markets share a commit, and
//! the rate at which a market is read.
//!
//! `cargo bench -p kerb-journal --bench journal`

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::future::join_all;
use kerb_journal::FjallJournal;
use kerb_ports::TripJournal;
use kerb_trips::{Change, MarketId, Record, TripEvent, TripId, Version};
use kerb_types::{DriverId, Timestamp, TravelSource};
use tokio::runtime::Runtime;

const WRITERS: usize = 64;
/// Appends of each writer in one iteration, one after the other.
const APPENDS: u64 = 16;
const RECORDS: u64 = 100_000;
/// Records of one page of reads, and of one batch of concurrent appends.
const PAGE: usize = 1_000;

fn market(number: usize) -> MarketId {
    MarketId::new(&format!("market-{number}")).expect("a legal name")
}

/// Makes the record of a window with ten offers.
fn record(market: &MarketId, version: u64) -> Record {
    let offer = |n: u64| Change::Trip {
        trip: TripId { market: market.clone(), number: version * 10 + n },
        event: TripEvent::Offered {
            driver: DriverId::new(&format!("driver-{:08}", version * 10 + n)).expect("a legal id"),
            // `n` is below 10.
            pickup_eta_s: 120 + n as u32,
            travel_source: Some(TravelSource::Roads),
            expires_ms: Timestamp::from_millis(1_700_000_015_000),
        },
    };
    Record {
        at_ms: Timestamp::from_millis(1_700_000_000_000 + version as i64),
        matcher: "matcher-a".into(),
        changes: (0..10).map(offer).collect(),
    }
}

/// Appends `count` records, one after the other.
async fn append(journal: &FjallJournal, market: &MarketId, count: u64) {
    let mut newest = journal.version(market.clone()).await.expect("a journal");
    for _ in 0..count {
        let next = record(market, newest.get() + 1);
        newest = journal.append(market.clone(), newest, next).await.expect("the only writer");
    }
}

fn appends(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let journal = FjallJournal::open(folder.path()).expect("an empty journal");
    let markets: Vec<_> = (0..WRITERS).map(market).collect();

    c.bench_function("journal/one_durable_append", |b| {
        b.iter(|| runtime.block_on(append(&journal, &markets[0], 1)));
    });
    let mut group = c.benchmark_group("journal");
    group.throughput(Throughput::Elements(WRITERS as u64 * APPENDS));
    group.bench_function("appends_of_64_writers", |b| {
        b.iter(|| runtime.block_on(join_all(markets.iter().map(|market| append(&journal, market, APPENDS)))));
    });
    group.finish();
}

fn replay(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let journal = FjallJournal::open(folder.path()).expect("an empty journal");
    let world = market(0);
    for page in (0..RECORDS).step_by(PAGE) {
        // `join_all` polls the appends in order, so they are queued in order, without waiting for each other.
        let sent = (page..page + PAGE as u64).map(|expected| {
            journal.append(world.clone(), Version::new(expected), record(&world, expected + 1))
        });
        assert!(runtime.block_on(join_all(sent)).iter().all(Result::is_ok), "the only writer");
    }
    let read_all = |journal: &FjallJournal| {
        let mut newest = 0;
        while newest < RECORDS {
            let page =
                runtime.block_on(journal.read(world.clone(), Version::new(newest), PAGE)).expect("a page");
            newest = black_box(&page).last().expect("more").0.get();
        }
    };
    let mut group = c.benchmark_group("journal");
    group.sample_size(10).throughput(Throughput::Elements(RECORDS));
    group.bench_function("read_100000_records", |b| b.iter(|| read_all(&journal)));
    drop(journal);
    group.bench_function("open_100000_records", |b| {
        b.iter(|| FjallJournal::open(folder.path()).expect("the same journal"));
    });
    group.finish();
}

criterion_group!(benches, appends, replay);
criterion_main!(benches);
