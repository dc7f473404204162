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
use kerb_ports::ShardResult;

#[path = "../tests/aggregator/fakes.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod fakes;
#[path = "../tests/aggregator/simulated_time.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod simulated_time;

use fakes::{Cluster, Script, nearest, neighbor};

/// Servers that answer at once: of 20 drivers each knows every `servers`th.
fn cluster(servers: usize) -> (Arc<Cluster>, Aggregator) {
    let cluster = Cluster::new(servers, 1);
    for (i, server) in cluster.servers.iter().enumerate() {
        let own = (i as u32..20).step_by(servers);
        let neighbors = own.map(|n| neighbor(&format!("driver-{n:02}"), n, 1)).collect();
        server.set(Script::Prepared(ShardResult { neighbors, uncovered: Vec::new() }));
    }
    let aggregator = cluster.aggregator(Options::default());
    (cluster, aggregator)
}

fn search(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for servers in [1, 4] {
        let (_cluster, aggregator) = cluster(servers);
        c.bench_function(&format!("find_20_of_{servers}_servers"), |b| {
            b.iter(|| {
                let deadline = tokio::time::Instant::now() + std::time::Duration::from_millis(200);
                black_box(runtime.block_on(aggregator.find(nearest(20), deadline)))
            });
        });
    }
}

criterion_group!(benches, search);
criterion_main!(benches);
