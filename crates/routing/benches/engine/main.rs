//! Queries and customization on a whole city, compared with repeated Dijkstra searches and the `cch` crate's own
//! queries.
//!
//! `KERB_BENCH_DATA` names a folder with `sf/roads_nodes.csv.gz` and `sf/roads_edges.csv.gz` (`from_node`, `to_node`,
//! `length_m`, `highway`, `maxspeed_kmh`), and the same under `nyc/manhattan_roads_*`. Without it a generated grid of
//! San Francisco's size stands in.

#[path = "../../tests/engine/town.rs"]
mod town;

mod city;
mod dijkstra;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use kerb_geometry::distance_m;
use kerb_routing::engine::{Candidate, Engine, PhantomNode, TravelDirection, UNREACHABLE_MS};

use city::City;
use dijkstra::Dijkstra;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

const TABLE: usize = 1_000;

fn cities(criterion: &mut Criterion) {
    for city in City::all() {
        let mut group = criterion.benchmark_group(city.name);
        group
            .sample_size(20)
            .measurement_time(Duration::from_secs(3))
            .warm_up_time(Duration::from_millis(500));
        let engine = city.town.engine();
        check(&city, &engine);
        building(&mut group, &city, &engine);
        replacing(&mut group, &city, &engine);
        pairs(&mut group, &city, &engine);
        tables(&mut group, &city, &engine);
        around(&mut group, &city, &engine);
        group.finish();
    }
}

/// Checks the measured queries: a matrix against Dijkstra and the `cch` crate.
fn check(city: &City, engine: &Engine) {
    // The generated grid has dead ends, where no arc of a route could start.
    let heads = city.places(100).into_iter().map(|place| city.head(&place));
    let nodes: Vec<u32> = heads.filter(|node| city.has_exit(*node)).collect();
    // From the end of an arc that leads to the node to the start of one that leaves it.
    let ends: Vec<[PhantomNode; 2]> = nodes.iter().map(|node| city.at(*node)).collect();
    let (from, to): (Vec<PhantomNode>, Vec<PhantomNode>) =
        ends.into_iter().map(|[from, to]| (from, to)).unzip();
    let table = engine.router().matrix(&from, &to);
    let (cch, metric) = city.cch_with_metric();
    let theirs = cch::distance_matrix(&cch.view(), &metric.view(), &nodes, &nodes);
    let mut dijkstra = Dijkstra::new(&city.town);
    for (row, &node) in nodes.iter().enumerate() {
        let times_ms = dijkstra.times_from(node);
        let right_ms: Vec<u32> =
            nodes.iter().map(|node| times_ms[*node as usize].min(UNREACHABLE_MS)).collect();
        assert_eq!(table.row(row), right_ms, "row {row}");
        let theirs = theirs[row * nodes.len()..(row + 1) * nodes.len()].iter();
        assert_eq!(
            theirs.map(|ms| (*ms).min(UNREACHABLE_MS)).collect::<Vec<u32>>(),
            right_ms,
            "row {row} of cch"
        );
    }
}

fn building(group: &mut Group<'_>, city: &City, engine: &Engine) {
    group.sample_size(10);
    group.bench_function("build/kerb", |b| b.iter(|| Engine::new(black_box(&city.town.streets()))));
    group.bench_function("build/kerb_kept_order", |b| {
        b.iter(|| Engine::with_order(black_box(&city.town.streets()), engine.order()));
    });
    group.sample_size(20);
}

/// Measures a new time for every arc.
fn replacing(group: &mut Group<'_>, city: &City, engine: &Engine) {
    let slower: Vec<u32> = city.town.time_ms.iter().map(|ms| ms + ms / 3).collect();
    let mut turn = [&city.town.time_ms, &slower].into_iter().cycle();
    group.bench_function("replace/kerb", |b| b.iter(|| engine.replace(turn.next().expect("endless"))));
    engine.replace(&city.town.time_ms).expect("its own times");
    let cch = city.cch();
    let customizer = cch.customizer();
    let mut metric = customizer.customize(&slower);
    group.bench_function("replace/cch_all_cores", |b| {
        b.iter(|| customizer.customize_into(turn.next().expect("endless"), &mut metric));
    });
}

fn pairs(group: &mut Group<'_>, city: &City, engine: &Engine) {
    let router = engine.router();
    let places = city.places(2 * TABLE);
    let mut turn = (0..TABLE).cycle();
    let mut next = || {
        let index = turn.next().expect("endless");
        (&places[index], &places[TABLE + index])
    };
    group.bench_function("one_to_one/kerb", |b| {
        b.iter(|| {
            let (from, to) = next();
            router.travel_time_ms(from, to)
        });
    });
    group.bench_function("one_to_one/kerb_route", |b| {
        b.iter(|| {
            let (from, to) = next();
            router.route(from, to)
        });
    });
    let (cch, metric) = city.cch_with_metric();
    let (cch, metric) = (cch.view(), metric.view());
    let mut query = cch::PathQuery::new(&cch);
    group.bench_function("one_to_one/cch_path", |b| {
        b.iter(|| {
            let (from, to) = next();
            query.path(&metric, city.head(from), city.head(to))
        });
    });
    let mut dijkstra = Dijkstra::new(&city.town);
    group.bench_function("one_to_one/dijkstra", |b| {
        b.iter(|| {
            let (from, to) = next();
            dijkstra.target_ms(city.head(from), city.head(to))
        });
    });
}

fn tables(group: &mut Group<'_>, city: &City, engine: &Engine) {
    let router = engine.router();
    let places = city.places(2 * TABLE);
    let (sources, targets) = places.split_at(TABLE);
    group.bench_function("table/1000x1000/kerb", |b| b.iter(|| router.matrix(sources, targets)));
    group.bench_function("table/100x1000/kerb", |b| b.iter(|| router.matrix(&sources[..100], targets)));
    group.bench_function("table/1000x10/kerb", |b| b.iter(|| router.matrix(sources, &targets[..10])));
    group.sample_size(10);
    let heads =
        |places: &[Vec<PhantomNode>]| places.iter().map(|place| city.head(place)).collect::<Vec<u32>>();
    let (from, to) = (heads(sources), heads(targets));
    let (cch, metric) = city.cch_with_metric();
    group.bench_function("table/1000x1000/cch", |b| {
        b.iter(|| cch::distance_matrix(&cch.view(), &metric.view(), black_box(&from), &to));
    });
    let mut dijkstra = Dijkstra::new(&city.town);
    group.bench_function("table/1000x1000/dijkstra", |b| {
        b.iter(|| from.iter().map(|&node| dijkstra.times_from(node).len()).sum::<usize>());
    });
    group.sample_size(20);
}

fn around(group: &mut Group<'_>, city: &City, engine: &Engine) {
    let router = engine.router();
    let places = city.places(TABLE + 100);
    let (places, drivers) = places.split_at(100);
    let mut turn = places.iter().cycle();
    let mut next = || turn.next().expect("endless");
    group.bench_function("one_to_many/1000/kerb", |b| {
        b.iter(|| router.one_to_many(TravelDirection::ManyToOne, next(), drivers));
    });
    for minutes in [5, 15] {
        group.bench_function(format!("reach/{minutes}_min/kerb"), |b| {
            b.iter(|| router.one_to_all(next(), minutes * 60_000));
        });
    }
    let near: Vec<Vec<Candidate<usize, &[PhantomNode]>>> =
        places.iter().map(|place| by_distance(city, place, drivers)).collect();
    let mut turn = places.iter().zip(&near).cycle();
    group.bench_function("nearest/10_of_1000/kerb", |b| {
        b.iter(|| {
            let (place, near) = turn.next().expect("endless");
            router.nearest(TravelDirection::ManyToOne, place, 10, UNREACHABLE_MS, near.iter().copied())
        });
    });
}

fn by_distance<'a>(
    city: &City,
    place: &[PhantomNode],
    drivers: &'a [Vec<PhantomNode>],
) -> Vec<Candidate<usize, &'a [PhantomNode]>> {
    let from = city.town.position(&city.tails, place[0]);
    let candidate = |(id, ends): (usize, &'a Vec<PhantomNode>)| {
        let straight_m = distance_m(from, city.town.position(&city.tails, ends[0]));
        Candidate { id, phantom_nodes: &ends[..], straight_m }
    };
    let mut candidates: Vec<_> = drivers.iter().enumerate().map(candidate).collect();
    candidates.sort_by(|a, b| a.straight_m.total_cmp(&b.straight_m));
    candidates
}

criterion_group!(benches, cities);
criterion_main!(benches);
