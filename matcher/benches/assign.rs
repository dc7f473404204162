//! One window's decision, by size, candidates and spread.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use kerb_matcher::assign::instance::{Instance, Spread};
use kerb_matcher::assign::{Policy, Problem, ProblemBuilder, solve};

const SEED: u64 = 1;

/// As many drivers as requests, and how many of them are candidates of one.
const SIZES: [(usize, usize); 4] = [(1_000, 20), (10_000, 10), (10_000, 20), (50_000, 10)];

fn policies(criterion: &mut Criterion) {
    for (size, candidates) in SIZES {
        for (spread, name) in [(Spread::Uniform, "uniform"), (Spread::Clustered, "clustered")] {
            let instance = Instance { requests: size, drivers: size, candidates, spread, seed: SEED };
            let problem = instance.problem();
            for (policy, word) in [(Policy::Batch, "batch"), (Policy::Nearest, "nearest")] {
                criterion.bench_function(&format!("{word}/{size}x{candidates}/{name}"), |b| {
                    b.iter(|| solve(policy, black_box(&problem), 1));
                });
            }
        }
    }
}

/// Where one side is short: a rush, and a quiet hour.
fn shortages(criterion: &mut Criterion) {
    for (requests, drivers) in [(10_000, 5_000), (5_000, 10_000)] {
        let instance = Instance { requests, drivers, candidates: 20, spread: Spread::Clustered, seed: SEED };
        let problem = instance.problem();
        criterion.bench_function(&format!("batch/{requests}_for_{drivers}x20/clustered"), |b| {
            b.iter(|| solve(Policy::Batch, black_box(&problem), 1));
        });
    }
}

fn threads(criterion: &mut Criterion) {
    let instance =
        Instance { requests: 50_000, drivers: 50_000, candidates: 3, spread: Spread::Clustered, seed: SEED };
    let problem = instance.problem();
    for threads in [1, 2] {
        criterion.bench_function(&format!("batch/50000x3/clustered/threads_{threads}"), |b| {
            b.iter(|| solve(Policy::Batch, black_box(&problem), threads));
        });
    }
}

fn building(criterion: &mut Criterion) {
    let instance =
        Instance { requests: 10_000, drivers: 10_000, candidates: 20, spread: Spread::Uniform, seed: SEED };
    let problem = instance.problem();
    criterion.bench_function("build/10000x20/uniform", |b| {
        b.iter(|| rebuild(black_box(&problem)));
    });
}

fn rebuild(problem: &Problem) -> Problem {
    let (rows, columns) = (problem.rows(), problem.columns());
    let mut builder = ProblemBuilder::with_capacity(rows as usize, columns as usize, problem.edge_count());
    for row in 0..rows {
        builder.begin_row(problem.penalty(row));
        for edge in problem.edges(row) {
            builder.edge(edge.column, edge.cost);
        }
    }
    builder.build().expect("it was a problem")
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = policies, shortages, threads, building
}
criterion_main!(benches);
