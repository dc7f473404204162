use std::time::Duration;

use kerb_aggregator::Options;
use kerb_geometry::{Circle, LatLng};
use kerb_ports::{DriverFilter, NearbyQuery, NearbyResult, NearbyResults, NearbySearch, Neighbor};
use kerb_types::Millis;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::time::Instant;

use crate::fakes::{Cluster, NOW_MS, SHARDS, Script, center, names, nearest, neighbor};

fn query(k: u32) -> NearbyQuery {
    NearbyQuery { point: center(), k, radius_m: 50_000.0, filter: DriverFilter::ANY }
}

fn in_200_ms() -> Instant {
    Instant::now() + Duration::from_millis(200)
}

fn names_of<'a>(answers: &'a NearbyResults, answer: &'a NearbyResult) -> Vec<&'a str> {
    answers.neighbors_of(answer).map(|neighbor| neighbor.profile.id.as_str()).collect()
}

/// Refetch queries than one task answers: each answer is the one to its own query.
#[tokio::test(start_paused = true)]
async fn answers_each_query_as_a_search_of_its_own() {
    let cluster = Cluster::new(3, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let count = 1_000;
    let queries: Vec<_> = (0..count).map(|i| query(1 + i % 16)).collect();
    let answers = aggregator.nearest(queries.clone(), in_200_ms()).await.unwrap();
    assert_eq!(answers.results.len(), queries.len());
    for (i, (query, answer)) in queries.iter().zip(&answers.results).enumerate() {
        assert!(answer.complete);
        let found = aggregator.find(nearest(query.k), in_200_ms()).await.unwrap();
        assert_eq!(names_of(&answers, answer), names(&found.neighbors), "query {i}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_makes_the_answers_partial_at_the_deadline() {
    let cluster = Cluster::new(2, 1);
    cluster.put_line();
    cluster.servers[0].set(Script::Silent);
    let aggregator = cluster.aggregator(Options::default());
    let deadline = in_200_ms();
    let answers = aggregator.nearest(vec![query(16), query(16)], deadline).await.unwrap();
    assert_eq!(Instant::now(), deadline);
    let mut answers = answers.results.iter();
    assert!(answers.all(|answer| !answer.complete && (1..16).contains(&answer.indices.len())));
}

#[tokio::test(start_paused = true)]
async fn applies_the_filter_unchanged_and_rejects_an_impossible_circle() {
    let cluster = Cluster::new(1, 1);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let filter = DriverFilter { time_min_ms: NOW_MS + Millis::new(1), ..DriverFilter::ANY };
    let future = NearbyQuery { filter, ..query(4) };
    let answers = aggregator.nearest(vec![future, query(4)], in_200_ms()).await.unwrap();
    assert_eq!(answers.results.iter().map(|answer| answer.indices.len()).collect::<Vec<_>>(), [0, 4]);
    let wrong = NearbyQuery { point: center(), k: 1, radius_m: -1.0, filter: DriverFilter::ANY };
    let error = aggregator.nearest(vec![wrong], in_200_ms()).await.unwrap_err();
    assert!(error.to_string().contains("-1"), "{error}");
}

/// Many riders around few drivers: one search finds all of them, and each answer is that of a search of its own.
#[tokio::test(start_paused = true)]
async fn queries_of_one_part_of_a_city_are_one_search_when_few_drivers_pass() {
    let seed = 11;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let (cluster, filter) = (Cluster::new(2, 1), DriverFilter::ANY);
    let drivers: Vec<Neighbor> =
        (0..200).map(|i| neighbor(&format!("{i:03}"), rng.random_range(0..300), 1)).collect();
    drivers.iter().zip(0..).for_each(|(driver, i)| cluster.put(i % SHARDS, driver));
    let aggregator = cluster.aggregator(Options::default());
    let query = |rng: &mut Pcg64Mcg| {
        let (north, east) = (rng.random_range(52.515..52.530), rng.random_range(13.400..13.410));
        let (k, radius_m) = (rng.random_range(0..80), rng.random_range(1.0..2_500.0));
        NearbyQuery { point: LatLng::new(north, east).unwrap(), k, radius_m, filter }
    };
    let mut queries: Vec<_> = (0..500).map(|_| query(&mut rng)).collect();
    // Too few of this kind for a search of their own.
    let late = DriverFilter { time_min_ms: NOW_MS + Millis::new(1), ..filter };
    queries[100].filter = late;
    let answers = aggregator.nearest(queries.clone(), in_200_ms()).await.unwrap();
    for (i, (query, answer)) in queries.iter().zip(&answers.results).enumerate() {
        let circle = Circle::new(query.point, query.radius_m).unwrap();
        let inside =
            drivers.iter().filter(|neighbor| query.filter == filter && circle.contains(neighbor.position));
        let hav = |neighbor: &&Neighbor| circle.origin().hav(neighbor.position);
        let mut expected: Vec<f64> = inside.map(|neighbor| hav(&neighbor)).collect();
        expected.sort_by(f64::total_cmp);
        expected.truncate(query.k as usize);
        let found: Vec<f64> = answers.neighbors_of(answer).map(|neighbor| hav(&neighbor)).collect();
        assert_eq!(found, expected, "query {i}");
        assert!(answer.complete);
    }
    // Of each server: for all of a tile, and for the one of another kind.
    assert!(cluster.queries_received() <= 6, "{} queries to servers", cluster.queries_received());
}

/// Refetch pass than one search answers, or a server is silent: each query is asked for itself.
#[tokio::test(start_paused = true)]
async fn queries_are_sent_one_by_one_when_the_shared_search_does_not_answer_them() {
    let cluster = Cluster::new(1, 1);
    (0..300).for_each(|i| cluster.put(0, &neighbor(&format!("{i:03}"), i, 1)));
    let aggregator = cluster.aggregator(Options::default());
    let answers = aggregator.nearest(vec![query(5); 40], in_200_ms()).await.unwrap();
    let near = ["000", "001", "002", "003", "004"];
    assert!(answers.results.iter().all(|answer| answer.complete && names_of(&answers, answer) == near));
    assert_eq!(cluster.queries_received(), 41);

    cluster.servers[0].set(Script::Silent);
    let deadline = in_200_ms();
    let answers = aggregator.nearest(vec![query(5); 40], deadline).await.unwrap();
    assert_eq!(Instant::now(), deadline);
    assert!(answers.results.iter().all(|answer| !answer.complete && answer.indices.is_empty()));
}

/// Counts searches instead of time: what eight batches get done while one small search waits.
#[tokio::test(start_paused = true)]
async fn a_small_search_waits_for_a_few_searches_of_each_batch() {
    let cluster = Cluster::new(1, 1);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let batches: Vec<_> = (0..8)
        .map(|_| {
            let aggregator = aggregator.clone();
            // No two queries are in one part of the city, so each is a search of its own.
            let apart = |i: u32| NearbyQuery {
                point: LatLng::new(f64::from(i % 100) - 50.0, f64::from(i / 100)).unwrap(),
                ..query(4)
            };
            let queries = (0..1_000).map(apart).collect();
            tokio::spawn(async move { aggregator.nearest(queries, in_200_ms()).await.unwrap() })
        })
        .collect();
    // Each batch now has eight tasks in line before this one.
    tokio::task::yield_now().await;
    let before = cluster.queries_received();
    tokio::task::yield_now().await;
    let small = aggregator.find(nearest(4), in_200_ms()).await.unwrap();
    assert!(small.coverage.is_complete());
    let searches = cluster.queries_received() - before;
    assert!(searches <= 2 * 8 * 8 * 8 + 1, "{searches} searches came first");
    for batch in batches {
        assert_eq!(batch.await.unwrap().results.len(), 1_000);
    }
    assert_eq!(cluster.queries_received(), 8_001);
}
