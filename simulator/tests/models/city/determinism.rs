//! The same seed gives the same city, and the dispatcher does not change anybody's random draws.

use std::hash::{DefaultHasher, Hash, Hasher};

use kerb_simulator::agents::messages::AgentAction;
use kerb_simulator::scenario::Scenario;

use super::fake_dispatcher::FakeDispatcher;
use super::{grid_city, run};

fn hash(actions: &[AgentAction]) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{actions:?}").hash(&mut hasher);
    hasher.finish()
}

#[test]
fn the_same_seed_gives_the_same_actions() {
    let scenario = grid_city();
    let (first, second) =
        (run(&scenario, 7, &mut FakeDispatcher::new()), run(&scenario, 7, &mut FakeDispatcher::new()));
    assert_eq!(hash(&first.1), hash(&second.1));
    assert_eq!(first.0, second.0);
    let other = run(&scenario, 8, &mut FakeDispatcher::new());
    assert_ne!(hash(&first.1), hash(&other.1), "another seed is another city");
}

#[test]
fn riders_request_the_same_under_another_dispatcher() {
    let scenario = grid_city();
    let requests = |actions: Vec<AgentAction>| {
        actions.into_iter().filter(|action| matches!(action, AgentAction::Request { .. }))
    };
    let (_, calm) = run(&scenario, 3, &mut FakeDispatcher::new());
    let (_, chaotic) = run(&scenario, 3, &mut FakeDispatcher::chaotic(3));
    let calm: Vec<_> = requests(calm).collect();
    assert!(calm.len() > 50, "{}", calm.len());
    assert_eq!(calm, requests(chaotic).collect::<Vec<_>>());
}

#[test]
fn a_scenario_that_was_written_and_read_runs_the_same() {
    let scenario = grid_city();
    let second = Scenario::from_toml(&scenario.to_toml()).unwrap();
    assert_eq!(scenario, second);
    assert_eq!(run(&scenario, 5, &mut FakeDispatcher::new()), run(&second, 5, &mut FakeDispatcher::new()));
}
