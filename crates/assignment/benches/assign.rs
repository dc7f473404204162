//! Solving time of one window, by size, candidates and spread.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use kerb_assignment::instance::{Instance, Spread};
use kerb_assignment::{Policy, Problem, ProblemBuilder, solve};

const SEED: u64 = 1;

/// Number of requests (and of drivers), and candidates per request.
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

/// Windows with fewer drivers than requests, and with more.
fn shortages(criterion: &mut Criterion) {
    for (requests, drivers) in [(10_000, 5_000), (5_000, 10_000)] {
        let instance = Instance { requests, drivers, candidates: 20, spread: Spread::Clustered, seed: SEED };
        let problem = instance.problem();
        criterion.bench_function(&format!("batch/{requests}_for_{drivers}x20/clustered"), |b| {
            b.iter(|| solve(Policy::Batch, black_box(&problem), 1));
        });
    }
}

/// Four cities without a common edge, in one problem.
fn threads(criterion: &mut Criterion) {
    let spread = Spread::Uniform;
    let cities: Vec<Problem> = (1..=4)
        .map(|seed| Instance { requests: 10_000, drivers: 10_000, candidates: 20, spread, seed }.problem())
        .collect();
    let problem = side_by_side(&cities);
    for threads in [1, 2] {
        criterion.bench_function(&format!("batch/4_cities_of_10000x20/uniform/threads_{threads}"), |b| {
            b.iter(|| solve(Policy::Batch, black_box(&problem), threads));
        });
    }
}

fn building(criterion: &mut Criterion) {
    let instance =
        Instance { requests: 10_000, drivers: 10_000, candidates: 20, spread: Spread::Uniform, seed: SEED };
    let problem = instance.problem();
    criterion.bench_function("build/10000x20/uniform", |b| {
        b.iter(|| side_by_side(black_box(std::slice::from_ref(&problem))));
    });
}

/// Joins the problems block by block, without edges between them.
fn side_by_side(problems: &[Problem]) -> Problem {
    let rows = problems.iter().map(|problem| problem.rows() as usize).sum();
    let columns = problems.iter().map(|problem| problem.columns() as usize).sum();
    let mut builder =
        ProblemBuilder::with_capacity(rows, columns, problems.iter().map(Problem::edge_count).sum());
    let mut first_column = 0;
    for problem in problems {
        for row in 0..problem.rows() {
            builder.begin_row(problem.penalty(row));
            for edge in problem.edges(row) {
                builder.edge(first_column + edge.column, edge.cost);
            }
        }
        first_column += problem.columns();
    }
    builder.build().expect("the joined problems are valid")
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = policies, shortages, threads, building
}
criterion_main!(benches);
