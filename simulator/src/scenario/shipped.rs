//! The scenarios that come with the project.

/// A scenario that comes with the project.
#[derive(Clone, Copy, Debug)]
pub struct ShippedScenario {
    /// Its name.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
    /// Whether it needs a folder of data that does not come with the project.
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

/// All of them.
const ALL: [ShippedScenario; 7] = [
    shipped!("sf-evening", false),
    shipped!("new-year", false),
    shipped!("mega-city", false),
    shipped!("sf-demo", false),
    shipped!("sf-day", true),
    shipped!("manhattan-rush", true),
    shipped!("manhattan-day", true),
];

/// All scenarios that come with the project.
pub fn shipped_scenarios() -> &'static [ShippedScenario] {
    &ALL
}
