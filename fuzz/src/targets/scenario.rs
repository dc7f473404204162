//! The scenario files of the simulator.

use kerb_simulator::scenario::Scenario;

/// Parses and checks the text of a scenario, and writes an accepted one again.
pub fn target(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(scenario) = Scenario::from_toml(text) else { return false };
    let _span = (scenario.from_ms(), scenario.to_ms(), scenario.utc_offset_s());
    let again = Scenario::from_toml(&scenario.to_toml());
    assert!(again.is_ok(), "an accepted scenario is refused once it is written: {:?}", again.err());
    true
}

/// The scenarios that come with the simulator.
pub fn seeds() -> Vec<Vec<u8>> {
    kerb_simulator::scenario::shipped_scenarios().iter().map(|shipped| shipped.text.into()).collect()
}
