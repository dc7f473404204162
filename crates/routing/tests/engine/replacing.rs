//! Replacement of times while queries run.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use kerb_routing::engine::{StreetsError, TravelDirection, UNREACHABLE_MS};
use rand::RngExt;

use crate::town::{Kind, Town, seeded};
use crate::truth::Cut;

const ROUNDS: usize = 60;

#[test]
fn new_times_are_exact() {
    let mut rng = seeded(700);
    let town = Town::grid(&mut rng, 10, Kind::Strange);
    let (engine, places) = (town.engine(), town.places(&mut rng, 20));
    for round in 1..=8 {
        let time_ms: Vec<u32> = town.time_ms.iter().map(|_| rng.random_range(0..50_000)).collect();
        engine.replace(&time_ms).expect("as many as arcs");
        let router = engine.router();
        assert_eq!((router.version(), router.time_ms()), (round, &time_ms[..]));
        let table = router.matrix(&places, &places);
        for (row, right_ms) in Cut::new(&town, &time_ms, &places).table().iter().enumerate() {
            assert_eq!(table.row(row), right_ms, "round {round}");
        }
    }
}

/// Each answer is exact for the times before or after a replacement, according to its router's version.
#[test]
fn queries_run_while_times_are_replaced() {
    let mut rng = seeded(701);
    let town = Town::grid(&mut rng, 12, Kind::Plain);
    let (engine, places) = (town.engine(), town.places(&mut rng, 24));
    let other: Vec<u32> = town.time_ms.iter().map(|ms| ms * rng.random_range(1..9)).collect();
    let times = [town.time_ms.clone(), other];
    let truth = times.each_ref().map(|time_ms| Cut::new(&town, time_ms, &places).table());
    assert_ne!(truth[0], truth[1]);
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let mut askers = Vec::new();
        for asker in 0..2 {
            let (engine, truth, places, done, answered) = (&engine, &truth, &places, &done, &answered);
            askers.push(scope.spawn(move || {
                let mut turn = asker;
                while !done.load(Ordering::Relaxed) {
                    let router = engine.router();
                    let right_ms = &truth[router.version() as usize % 2];
                    let (from, to) = (turn % places.len(), turn * 7 % places.len());
                    let time_ms = router.travel_time_ms(&places[from], &places[to]);
                    assert_eq!(time_ms.unwrap_or(UNREACHABLE_MS), right_ms[from][to]);
                    assert_eq!(
                        router.one_to_many(TravelDirection::OneToMany, &places[from], places),
                        right_ms[from]
                    );
                    let table = router.matrix(places, places);
                    (0..places.len()).for_each(|row| assert_eq!(table.row(row), right_ms[row]));
                    turn += 1;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        for round in 1..=ROUNDS {
            let before = answered.load(Ordering::Relaxed);
            engine.replace(&times[round % 2]).expect("as many as arcs");
            // Replacements must not finish before the queries start. A query thread that failed has already panicked.
            while answered.load(Ordering::Relaxed) == before
                && !askers.iter().any(ScopedJoinHandle::is_finished)
            {
                thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(answered.into_inner() >= ROUNDS);
}

#[test]
fn router_keeps_its_times() {
    let mut rng = seeded(702);
    let town = Town::grid(&mut rng, 8, Kind::Plain);
    let (engine, places) = (town.engine(), town.places(&mut rng, 10));
    let before = engine.router();
    let table = before.matrix(&places, &places);
    let doubled: Vec<u32> = town.time_ms.iter().map(|ms| ms * 2).collect();
    engine.replace(&doubled).expect("as many as arcs");
    assert_eq!(before.matrix(&places, &places), table);
    assert_ne!(engine.router().matrix(&places, &places), table);
}

#[test]
fn times_of_another_network_are_rejected() {
    let town = Town::grid(&mut seeded(703), 5, Kind::Plain);
    let engine = town.engine();
    let error = engine.replace(&[1, 2, 3]).expect_err("three");
    let right = StreetsError::Length { what: "time_ms", got: 3, want: town.head.len() };
    assert_eq!(error, right);
    assert_eq!(engine.router().version(), 0);
}
