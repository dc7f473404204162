//! A scenario: everything that a run of a city depends on, in one TOML file that is checked before anything moves.
//!
//! `docs/scenarios.md` shows the whole format. Unknown fields are refused; every error names the field, the value and
//! what would be right.

mod behavior;
mod check;
mod error;
mod files;
pub mod random_streams;
mod renamed;
mod settings;
mod shipped;
pub mod street_map;
pub mod switchback;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use behavior::{Breaks, DriverBehavior, Faults, RepositionTo, RiderBehavior, Tunnel};
pub use error::ScenarioError;
pub use settings::{
    BoundingBox, Burst, Demand, DemandSource, Fleet, FleetSource, GeoPoint, HotSpot, StreetSource, Streets,
    VehicleClass,
};
pub use shipped::{ShippedScenario, shipped_scenarios};

pub(crate) use files::Files;

/// A city, its agents and the service's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called in reports: small letters, digits and `-`.
    pub name: String,
    /// What it is for, in a sentence or two.
    #[serde(default)]
    pub about: String,
    /// Of all randomness, unless a run is given another one.
    #[serde(default = "settings::one_seed")]
    pub seed: u64,
    /// When the city begins, as RFC 3339 with the city's own offset from UTC: `2008-05-22T17:00:00-07:00`.
    pub from: String,
    /// How long it goes on, seconds.
    pub duration_s: u32,
    /// A driver reports its position this often, milliseconds.
    #[serde(default = "settings::report_every_ms")]
    pub report_every_ms: u32,
    /// The fleet is counted this often, seconds.
    #[serde(default = "settings::sample_every_s")]
    pub sample_every_s: u32,
    /// What is driven on.
    pub streets: Streets,
    /// Who wants to go where, and when.
    pub demand: Demand,
    /// Who drives, from where, and when.
    pub fleet: Fleet,
    /// Kinds of vehicles, and who has and asks for them.
    #[serde(default = "settings::one_class")]
    pub classes: Vec<VehicleClass>,
    /// How riders are.
    #[serde(default)]
    pub riders: RiderBehavior,
    /// How drivers are.
    #[serde(default)]
    pub drivers: DriverBehavior,
    /// What goes wrong between drivers and the service.
    #[serde(default)]
    pub faults: Faults,
    /// The service's `matcher.*` settings, passed on as they are.
    #[serde(default)]
    pub matcher: toml::Table,
    /// Where its relative paths begin: the folder of the file that it was read from.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Scenario {
    /// Reads a scenario's file and checks it. Its data files are not opened yet: [`CityInputs::load`](crate::city::CityInputs::load) opens them.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let file = || path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| ScenarioError::File { file: file(), source })?;
        let mut scenario = Self::from_toml(&text)?;
        scenario.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(scenario)
    }

    /// A scenario that comes with the project, by its name; [`shipped_scenarios`] lists them.
    pub fn shipped(name: &str) -> Result<Self, ScenarioError> {
        let known = shipped_scenarios();
        let found = known.iter().find(|scenario| scenario.name == name);
        let text = found.map(|scenario| scenario.text).ok_or_else(|| ScenarioError::Unknown {
            name: name.to_owned(),
            known: known.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", "),
        })?;
        Self::from_toml(text)
    }

    /// Reads and checks a scenario's text. Its relative paths begin at the current folder.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        renamed::check(text)?;
        let scenario: Self = toml::from_str(text)
            .map_err(|error| ScenarioError::Syntax(error.to_string().trim().to_owned()))?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// The scenario as text: [`Scenario::from_toml`] gives the same one, but for the folder.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every setting has a form in TOML")
    }

    /// Validates all settings that do not depend on the data files.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        check::check(self)
    }

    /// When the city begins, milliseconds since the Unix epoch. The scenario was checked.
    pub fn from_ms(&self) -> i64 {
        self.begins().map_or(0, |(from_s, _)| from_s * 1_000)
    }

    /// When it ends, milliseconds since the Unix epoch.
    pub fn to_ms(&self) -> i64 {
        self.from_ms() + i64::from(self.duration_s) * 1_000
    }

    /// Seconds by which the city's clocks are ahead of UTC.
    pub fn utc_offset_s(&self) -> i64 {
        self.begins().map_or(0, |(_, offset_s)| offset_s)
    }

    /// Unix seconds of the beginning, and the offset from UTC.
    fn begins(&self) -> Option<(i64, i64)> {
        kerb_loadgen::trips::parse_time(&self.from)
    }
}
