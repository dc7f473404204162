//! What the aggregator itself costs: a search whose index server answers at once.
//!
//! `cargo bench -p kerb-aggregator`

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a bench fails by panicking, and its macros write no docs"
)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use kerb_aggregator::{Aggregator, Options};

#[path = "../tests/aggregator/fakes.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod fakes;

use fakes::{Cluster, hit, nearest};

/// A cluster of servers that hold 20 drivers, each server with its own answer of 20 / `servers` hits.
fn cluster(servers: usize) -> (Arc<Cluster>, Aggregator) {
    let cluster = Cluster::new(servers, 1);
    for i in 0..20 {
        cluster.put(i % fakes::SHARDS, &hit(&format!("driver-{i:02}"), u32::from(i), 1));
    }
    let aggregator = cluster.aggregator(Options::default());
    (cluster, aggregator)
}

fn search(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for servers in [1, 4] {
        let (cluster, aggregator) = cluster(servers);
        c.bench_function(&format!("find_20_of_{servers}_servers"), |b| {
            b.iter(|| {
                let deadline = tokio::time::Instant::now() + std::time::Duration::from_millis(200);
                black_box(runtime.block_on(aggregator.find(nearest(20), deadline)))
            });
            cluster.servers.iter().for_each(|server| server.questions.lock().unwrap().clear());
        });
    }
}

criterion_group!(benches, search);
criterion_main!(benches);
