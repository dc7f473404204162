//! The cost of the city model: a report of a driver, and a route on the streets of San Francisco.
//!
//! `KERB_DATA`, a folder of data, adds the whole day of `sf-day`, without a service that assigns drivers.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kerb_simulator::agents::messages::AgentAction;
use kerb_simulator::city::{City, CityInputs};
use kerb_simulator::scenario::Scenario;
use kerb_simulator::scenario::street_map::Trajectory;

/// Ways that are taken in turn.
const WAYS: usize = 1_000;

fn load(name: &str, data: Option<&Path>) -> CityInputs {
    let scenario = Scenario::shipped(name).unwrap_or_else(|error| panic!("{error}"));
    CityInputs::load(&scenario, data).unwrap_or_else(|error| panic!("{error}"))
}

/// A run without a service; how many reports there were.
fn reports(mut city: City) -> u64 {
    let (mut actions, mut reports) = (Vec::new(), 0);
    while let Some(now_ms) = city.next_ms() {
        city.step(now_ms, &mut actions);
        reports +=
            actions.drain(..).filter(|action| matches!(action, AgentAction::Report { .. })).count() as u64;
    }
    reports
}

fn a_report(criterion: &mut Criterion) {
    let data = std::env::var("KERB_DATA").ok();
    let mut cities = vec![("sf-evening", load("sf-evening", None)), ("mega-city", load("mega-city", None))];
    if let Some(data) = &data {
        cities.push(("sf-day", load("sf-day", Some(Path::new(data)))));
    }
    let mut group = criterion.benchmark_group("a report");
    group.sample_size(10);
    for (name, inputs) in cities {
        group.throughput(Throughput::Elements(reports(City::new(&inputs, 1))));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || City::new(&inputs, 1),
                |city| black_box(reports(city)),
                criterion::BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn a_way(criterion: &mut Criterion) {
    let inputs = load("sf-evening", None);
    let (mut city, mut actions, mut ends) = (City::new(&inputs, 1), Vec::new(), Vec::new());
    while let Some(now_ms) = city.next_ms().filter(|_| ends.len() < WAYS) {
        city.step(now_ms, &mut actions);
        ends.extend(actions.drain(..).filter_map(|action| match action {
            AgentAction::Request { pickup, dropoff, .. } => Some((pickup, dropoff)),
            _ => None,
        }));
    }
    let (mut trajectory, mut turn) = (Trajectory::default(), 0);
    criterion.bench_function("a way in San Francisco", |bencher| {
        bencher.iter(|| {
            let (from, to) = ends[turn % ends.len()];
            turn += 1;
            inputs.street_map.route(from, to, inputs.scenario.from_ms(), &mut trajectory);
            black_box(trajectory.length_m())
        });
    });
}

criterion_group!(benches, a_report, a_way);
criterion_main!(benches);
