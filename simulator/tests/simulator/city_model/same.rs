//! The same seed gives the same city; another dispatcher gives nobody another fate.

use std::hash::{DefaultHasher, Hash, Hasher};

use kerb_simulator::lab::message::Said;
use kerb_simulator::lab::scenario::Scenario;

use super::double::Double;
use super::{grid_city, run};

fn hash(said: &[Said]) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{said:?}").hash(&mut hasher);
    hasher.finish()
}

#[test]
fn two_runs_say_the_same() {
    let scenario = grid_city();
    let (first, second) = (run(&scenario, 7, &mut Double::new()), run(&scenario, 7, &mut Double::new()));
    assert_eq!(hash(&first.1), hash(&second.1));
    assert_eq!(first.0, second.0);
    let other = run(&scenario, 8, &mut Double::new());
    assert_ne!(hash(&first.1), hash(&other.1), "another seed is another city");
}

#[test]
fn riders_ask_the_same_under_another_dispatcher() {
    let scenario = grid_city();
    let asked = |said: Vec<Said>| said.into_iter().filter(|said| matches!(said, Said::Request { .. }));
    let (_, calm) = run(&scenario, 3, &mut Double::new());
    let (_, wild) = run(&scenario, 3, &mut Double::chaotic(3));
    let calm: Vec<_> = asked(calm).collect();
    assert!(calm.len() > 50, "{}", calm.len());
    assert_eq!(calm, asked(wild).collect::<Vec<_>>());
}

#[test]
fn a_scenario_read_again_runs_the_same() {
    let scenario = grid_city();
    let again = Scenario::from_toml(&scenario.to_toml()).unwrap();
    assert_eq!(scenario, again);
    assert_eq!(run(&scenario, 5, &mut Double::new()), run(&again, 5, &mut Double::new()));
}
