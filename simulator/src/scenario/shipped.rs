//! The scenarios that ship with the simulator.

/// A scenario that ships with the simulator.
#[derive(Clone, Copy, Debug)]
pub struct ShippedScenario {
    /// The name by which the command line selects the scenario.
    pub name: &'static str,
    /// The scenario as TOML.
    pub text: &'static str,
    /// True if it needs a folder of data that does not ship with the simulator.
    pub needs_data: bool,
}

macro_rules! shipped {
    ($name:literal, $needs_data:literal) => {
        ShippedScenario {
            name: $name,
            text: include_str!(concat!("../../scenarios/", $name, ".toml")),
            needs_data: $needs_data,
        }
    };
}

/// All shipped scenarios.
const ALL: [ShippedScenario; 7] = [
    shipped!("sf-evening", false),
    shipped!("new-year", false),
    shipped!("mega-city", false),
    shipped!("sf-demo", false),
    shipped!("sf-day", true),
    shipped!("manhattan-rush", true),
    shipped!("manhattan-day", true),
];

/// Returns all scenarios that ship with the simulator.
pub fn shipped_scenarios() -> &'static [ShippedScenario] {
    &ALL
}
