//! Runs under virtual time: the same each time, and nothing gets lost.

use kerb::Settings;
use kerb_simulator::lab::run::RunEnd;
use kerb_simulator::lab::virtual_time::{LabOptions, lab, virtual_runtime};
use tokio_util::sync::CancellationToken;

use crate::tiny::{BEGINS_MS, Stand, Tiny};

const MINUTES: i64 = 30;
const REQUESTS: usize = 200;

fn run(seed: u64) -> (RunEnd, Tiny) {
    run_until(seed, i64::MAX)
}

fn run_until(seed: u64, stop_ms: i64) -> (RunEnd, Tiny) {
    let mut people = Tiny::new(60, REQUESTS, MINUTES, seed);
    let options = LabOptions { settings: Settings::default(), seed, roads: None };
    let stop = CancellationToken::new();
    let end = virtual_runtime().unwrap().block_on(async {
        let progress = |now_ms| {
            if now_ms >= stop_ms {
                stop.cancel();
            }
        };
        lab(&mut people, options, &stop, progress).await.unwrap()
    });
    (end, people)
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    let (first, people) = run(7);
    assert_eq!(first.system.faults, Vec::<String>::new());
    assert!(people.served > 50, "{} were served", people.served);
    let (again, _) = run(7);
    let (other, _) = run(8);
    assert_eq!(first.trace_hash, again.trace_hash);
    assert_eq!(first.system.updates, again.system.updates);
    assert_ne!(first.trace_hash, other.trace_hash);
}

#[test]
fn every_request_is_answered_and_every_report_taken() {
    let (end, people) = run(11);
    assert_eq!(end.system.faults, Vec::<String>::new());
    assert!(!end.stopped && end.at_ms == BEGINS_MS + MINUTES * 60_000);
    // The city ends with the last step: a request of that step is not answered any more.
    assert!(people.unanswered() <= 2, "{:?}", people.stands);
    assert!(people.stands.len() > REQUESTS - 3);
    let refused = people.stands.values().filter(|stand| **stand == Stand::Refused).count();
    assert_eq!(refused, 0);
    assert_eq!(end.system.updates_failed, 0);
    assert!(end.system.updates >= 60 * 20 * (MINUTES as u64 - 1), "{}", end.system.updates);
    assert!(end.searches >= MINUTES as u64 - 1, "{} searches", end.searches);
}

#[test]
fn a_run_that_is_stopped_has_a_report_and_loses_nothing() {
    let stop_ms = BEGINS_MS + 600_000;
    let (end, people) = run_until(7, stop_ms);
    assert!(end.stopped && (stop_ms..stop_ms + 10_000).contains(&end.at_ms), "{end:?}");
    assert_eq!(end.system.faults, Vec::<String>::new());
    assert!(people.served > 0 && people.unanswered() <= 2);
}
