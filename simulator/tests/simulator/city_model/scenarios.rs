//! Scenarios: those that come with the project, and what is wrong with wrong ones.

use kerb_simulator::lab::city::City;
use kerb_simulator::lab::scenario::{Scenario, shipped_scenarios};

#[test]
fn shipped_scenarios_are_right_and_those_with_data_load() {
    for shipped in shipped_scenarios() {
        let scenario =
            Scenario::shipped(shipped.name).unwrap_or_else(|error| panic!("{}: {error}", shipped.name));
        assert_eq!(scenario.name, shipped.name);
        assert_eq!(Scenario::from_toml(&scenario.to_toml()).unwrap(), scenario);
        let loaded = scenario.load(None);
        assert_eq!(loaded.is_err(), shipped.needs_data, "{}: {:?}", shipped.name, loaded.err());
        if let Ok(loaded) = loaded {
            let city = City::new(&loaded, 1);
            assert!(city.requests() > 100 && city.drivers().len() > 50, "{}", shipped.name);
        }
    }
}
