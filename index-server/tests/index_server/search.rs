//! Compares every kind of search with a linear scan, anywhere on the globe, while drivers come, move and leave.

use std::sync::Arc;

use kerb_geometry::{Area, Circle, LatLng, Polygon};
use kerb_index_server::{Index, SearchAbort, SearchBudget, SourceStream};
use kerb_ports::{Batch, Cursor, DriverFilter, Search, ShardQuery, Slot};
use kerb_types::{IndexedStatus, Millis, Partitioning, Sharding, UpdateVersion};
use proptest::prelude::*;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::fleet::{
    NOW_MS, State, Truth, anywhere, apply, bind_slots, check_answer, circle, filter, index, polygon, rng,
    run_search, status, update,
};

const DRIVERS: u32 = 700;

fn search(rng: &mut Pcg64Mcg) -> Search {
    match rng.random_range(0..3) {
        0 => Search::Nearest { circle: circle(rng), k: rng.random_range(1..60) },
        1 => Search::WithinRadius { circle: circle(rng), limit: rng.random_range(1..1_000), after: None },
        _ => Search::WithinPolygon { polygon: polygon(rng), limit: rng.random_range(1..1_000), after: None },
    }
}

/// Lets some drivers report, and some leave.
fn step(
    index: &Index,
    stream: &mut SourceStream,
    sharding: Sharding,
    truth: &mut Truth,
    rng: &mut Pcg64Mcg,
    step: u64,
) {
    let mut batch = Batch::default();
    for number in 0..DRIVERS {
        if rng.random_bool(0.5) {
            continue;
        }
        let update_version =
            UpdateVersion { sequence: step, time: NOW_MS - Millis::new(rng.random_range(0..30_000)) };
        let position = match truth.get(&number) {
            // Most drivers move a little.
            Some(state) if rng.random_bool(0.8) => {
                let lat = state.position.lat_e7() + rng.random_range(-3_000..3_000);
                LatLng::from_e7(lat, state.position.lon_e7()).unwrap_or(state.position)
            }
            _ => anywhere(rng),
        };
        let state = State { position, update_version, status: status(rng) };
        batch.updates.push(update(sharding, number, state));
        truth.insert(number, state);
    }
    for number in 0..DRIVERS {
        if rng.random_bool(0.02 * (step % 4) as f64) {
            batch.removals.push(Slot::new(number));
            truth.remove(&number);
        }
    }
    apply(index, stream, &batch, NOW_MS);
}

fn pages(index: &Index, sharding: Sharding, truth: &Truth, rng: &mut Pcg64Mcg) {
    let (circle, polygon, filter) = (circle(rng), polygon(rng), filter(rng));
    let by_radius = rng.random_bool(0.5);
    let limit = rng.random_range(1..80);
    let mut after = None;
    loop {
        let search = if by_radius {
            Search::WithinRadius { circle, limit, after }
        } else {
            Search::WithinPolygon { polygon: polygon.clone(), limit, after }
        };
        let answer = run_search(index, sharding.all().collect(), search.clone(), filter);
        check_answer(truth, &search, &filter, &answer);
        let Some(last) = answer.neighbors.last() else { break };
        after = Some(Cursor { hav: last.hav, id: last.profile.id.clone() });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn searches_find_what_a_scan_finds(seed in any::<u64>(), shards in 1_u16..200, by_id in any::<bool>()) {
        let mut rng = rng(seed);
        let partitioning = if by_id { Partitioning::Id } else { Partitioning::Tile };
        let sharding = Sharding::new(shards, partitioning).unwrap();
        let (index, mut stream) = index(sharding, 2_000);
        let mut truth = Truth::new();
        apply(&index, &mut stream, &bind_slots(0..DRIVERS), NOW_MS);
        for sequence in 1..8 {
            step(&index, &mut stream, sharding, &mut truth, &mut rng, sequence);
            for _ in 0..12 {
                let (search, filter) = (search(&mut rng), filter(&mut rng));
                // Only the shards of the area are searched.
                let shards = sharding.shards_for(&search.area());
                check_answer(&truth, &search, &filter, &run_search(&index, shards, search.clone(), filter));
            }
            pages(&index, sharding, &truth, &mut rng);
        }
    }
}

/// A few drivers of a city are available, and other ones all the time.
#[test]
fn a_selective_search_finds_its_drivers_and_skips_other_leaves() {
    const MANY: u32 = 3_000;
    let (sharding, mut rng) = (Sharding::default(), rng(17));
    let (index, mut stream) = index(sharding, 10_000);
    let mut truth = Truth::new();
    apply(&index, &mut stream, &bind_slots(0..MANY), NOW_MS);
    let available = IndexedStatus::Available;
    let filter = DriverFilter { statuses: 1 << available as u8, ..DriverFilter::ANY };
    let circle = Circle::new(LatLng::new(37.77, -122.42).unwrap(), 8_000.0).unwrap();
    let shards = sharding.shards_for(&Area::Circle(circle));
    let nearest = Search::Nearest { circle, k: 5 };
    let all = Search::WithinRadius { circle, limit: MANY, after: None };
    let ring = [(37.7, -122.5), (37.7, -122.3), (37.9, -122.3), (37.9, -122.5)];
    let ring = ring.map(|(lat, lon)| LatLng::new(lat, lon).unwrap()).to_vec();
    let polygon = Arc::new(Polygon::new(ring).unwrap());
    let within = Search::WithinPolygon { polygon, limit: MANY, after: None };
    for sequence in 1..50 {
        let mut batch = Batch::default();
        // In the end no driver is available.
        let few = if sequence < 30 { 0.002 } else { 0.0 };
        for number in 0..MANY {
            let place = |rng: &mut Pcg64Mcg| rng.random_range(-300_000..300_000);
            let position = match truth.get(&number) {
                Some(state) if rng.random_bool(0.95) => state.position,
                _ => {
                    LatLng::from_e7(377_700_000 + place(&mut rng), -1_224_200_000 + place(&mut rng)).unwrap()
                }
            };
            let status = if rng.random_bool(few) { available } else { IndexedStatus::OnTrip };
            let update_version = UpdateVersion { sequence, time: NOW_MS };
            truth.insert(number, State { position, update_version, status });
            batch.updates.push(update(sharding, number, truth[&number]));
        }
        apply(&index, &mut stream, &batch, NOW_MS);
        for search in [&nearest, &all, &within] {
            check_answer(
                &truth,
                search,
                &filter,
                &run_search(&index, shards.clone(), search.clone(), filter),
            );
        }
    }
    // No driver was available for so long that all summaries show it: no leaf is read.
    let query = ShardQuery { shards, extra_shards: vec![], search: all, filter };
    let answer = index.search(&query, &mut SearchBudget::new(0, &|| false)).unwrap();
    assert_eq!((answer.neighbors.len(), answer.uncovered.len()), (0, 0));
}

#[test]
fn only_the_requested_shards_are_searched() {
    let sharding = Sharding::new(16, Partitioning::Tile).unwrap();
    let (index, mut stream) = index(sharding, 2_000);
    let mut truth = Truth::new();
    apply(&index, &mut stream, &bind_slots(0..DRIVERS), NOW_MS);
    step(&index, &mut stream, sharding, &mut truth, &mut rng(5), 1);
    let world = Circle::new(LatLng::new(0.0, 0.0).unwrap(), 2.1e7).unwrap();
    let mut all = 0;
    for shard in sharding.all() {
        let search = Search::WithinRadius { circle: world, limit: 10_000, after: None };
        let answer = run_search(&index, vec![shard], search, DriverFilter::ANY);
        let of_shard = |neighbor: &kerb_ports::Neighbor| {
            sharding.shard_of(&neighbor.profile.id, neighbor.position) == shard
        };
        assert!(answer.neighbors.iter().all(of_shard));
        all += answer.neighbors.len();
    }
    assert_eq!(all, truth.len());
}

/// Edges count like leaves, so a search in a polygon of many edges runs where long searches run, and ends at its deadline.
#[test]
fn the_edges_of_a_polygon_count_toward_the_budget() {
    const MANY: u32 = 3_000;
    let (sharding, mut rng) = (Sharding::default(), rng(18));
    let (index, mut stream) = index(sharding, 10_000);
    apply(&index, &mut stream, &bind_slots(0..MANY), NOW_MS);
    let mut batch = Batch::default();
    for number in 0..MANY {
        let place = |rng: &mut Pcg64Mcg| rng.random_range(0..1_000_000);
        let position = LatLng::from_e7(place(&mut rng), place(&mut rng)).unwrap();
        let update_version = UpdateVersion { sequence: 1, time: NOW_MS };
        let state = State { position, update_version, status: IndexedStatus::Available };
        batch.updates.push(update(sharding, number, state));
    }
    apply(&index, &mut stream, &batch, NOW_MS);
    let corner = |lat_e7, lon_e7| LatLng::from_e7(lat_e7, lon_e7).unwrap();
    let mut zigzag: Vec<_> = (0..998).map(|i| corner(i * 1_000, (i % 2) * 1_000_000 + 1)).collect();
    zigzag.extend([corner(998_000, -1), corner(-1, -1)]);
    let square =
        vec![corner(-1, -1), corner(-1, 1_000_001), corner(1_000_000, 1_000_001), corner(1_000_000, -1)];
    let run = |ring: Vec<LatLng>, units, is_late: bool| {
        let search = Search::WithinPolygon {
            polygon: Arc::new(Polygon::new(ring).unwrap()),
            limit: MANY,
            after: None,
        };
        let shards = sharding.shards_for(&search.area());
        let query = ShardQuery { shards, extra_shards: vec![], search, filter: DriverFilter::ANY };
        index.search(&query, &mut SearchBudget::new(units, &|| is_late)).map(|found| found.neighbors.len())
    };
    assert_eq!(run(square, 1_000, false), Ok(MANY as usize));
    assert_eq!(run(zigzag.clone(), 1_000, false), Err(SearchAbort::BudgetExceeded));
    assert_eq!(run(zigzag.clone(), usize::MAX, true), Err(SearchAbort::Cancelled));
    assert!(run(zigzag, usize::MAX, false).is_ok_and(|count| count > 0));
}
