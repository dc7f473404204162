//! Runs under virtual time: the same each time, and nothing gets lost.

use kerb::Settings;
use kerb_simulator::backends::virtual_time::{LabOptions, lab, virtual_runtime};
use kerb_simulator::run::RunEnd;
use tokio_util::sync::CancellationToken;

use crate::scripted_agents::{BEGINS_MS, RequestState, ScriptedAgents};

const MINUTES: i64 = 30;
const REQUESTS: usize = 200;

fn run(seed: u64) -> (RunEnd, ScriptedAgents) {
    run_until(seed, i64::MAX)
}

fn run_until(seed: u64, stop_ms: i64) -> (RunEnd, ScriptedAgents) {
    let mut agents = ScriptedAgents::new(60, REQUESTS, MINUTES, seed);
    let options = LabOptions { settings: Settings::default(), seed, roads: None };
    let stop = CancellationToken::new();
    let end = virtual_runtime().unwrap().block_on(async {
        let progress = |now_ms| {
            if now_ms >= stop_ms {
                stop.cancel();
            }
        };
        lab(&mut agents, options, &stop, progress).await.unwrap()
    });
    (end, agents)
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    let (first, agents) = run(7);
    assert_eq!(first.system.faults, Vec::<String>::new());
    assert!(agents.served > 50, "{} were served", agents.served);
    let (again, _) = run(7);
    let (other, _) = run(8);
    assert_eq!(first.run_hash, again.run_hash);
    assert_eq!(first.system.updates, again.system.updates);
    assert_ne!(first.run_hash, other.run_hash);
}

#[test]
fn every_request_is_answered_and_every_report_taken() {
    let (end, agents) = run(11);
    assert_eq!(end.system.faults, Vec::<String>::new());
    assert!(!end.stopped && end.at_ms == BEGINS_MS + MINUTES * 60_000);
    // The city ends with the last step: a request of that step is not answered any more.
    assert!(agents.unanswered() <= 2, "{:?}", agents.requests);
    assert!(agents.requests.len() > REQUESTS - 3);
    let refused = agents.requests.values().filter(|state| **state == RequestState::Rejected).count();
    assert_eq!(refused, 0);
    assert_eq!(end.system.updates_failed, 0);
    assert!(end.system.updates >= 60 * 20 * (MINUTES as u64 - 1), "{}", end.system.updates);
    assert!(end.searches >= MINUTES as u64 - 1, "{} searches", end.searches);
}

#[test]
fn a_run_that_is_stopped_has_a_report_and_loses_nothing() {
    let stop_ms = BEGINS_MS + 600_000;
    let (end, agents) = run_until(7, stop_ms);
    assert!(end.stopped && (stop_ms..stop_ms + 10_000).contains(&end.at_ms), "{end:?}");
    assert_eq!(end.system.faults, Vec::<String>::new());
    assert!(agents.served > 0 && agents.unanswered() <= 2);
}
