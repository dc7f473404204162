//! A scenario: all inputs of a simulated city in one TOML file, which is validated before a run.
//!
//! `docs/scenarios.md` shows the whole format. Unknown fields are refused. Every error names the field, its value and the
//! legal values.

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

use std::ops::Range;
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

/// The definition of a city, its agents, and the service's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name in reports: small letters, digits and `-`.
    pub name: String,
    /// Purpose, in a sentence or two.
    #[serde(default)]
    pub about: String,
    /// Seed of all random streams; a run may override it.
    #[serde(default = "settings::one_seed")]
    pub seed: u64,
    /// Beginning of the run, as RFC 3339 with the city's own offset from UTC: `2008-05-22T17:00:00-07:00`.
    pub from: String,
    /// Length of the time in which riders request, seconds.
    pub duration_s: u32,
    /// The first seconds of `duration_s` are simulated and not measured, because the city begins with all drivers free. A sixth
    /// of `duration_s`, at most half an hour, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up_s: Option<u32>,
    /// After `duration_s`, the run goes on without new requests until every request has ended, for this time at most, seconds.
    #[serde(default = "settings::drain_s")]
    pub drain_s: u32,
    /// Interval between two position reports of a driver, milliseconds.
    #[serde(default = "settings::report_every_ms")]
    pub report_every_ms: u32,
    /// Interval between two samples of the fleet, seconds.
    #[serde(default = "settings::sample_every_s")]
    pub sample_every_s: u32,
    /// The streets of the city, or straight lines.
    pub streets: Streets,
    /// The trips that riders request.
    pub demand: Demand,
    /// The drivers, their starting places and their shifts.
    pub fleet: Fleet,
    /// Vehicle classes, and their shares of drivers and riders.
    #[serde(default = "settings::one_class")]
    pub classes: Vec<VehicleClass>,
    /// The behavior of riders.
    #[serde(default)]
    pub riders: RiderBehavior,
    /// The behavior of drivers.
    #[serde(default)]
    pub drivers: DriverBehavior,
    /// The faults between drivers and the service.
    #[serde(default)]
    pub faults: Faults,
    /// The service's `matcher.*` settings.
    #[serde(default)]
    pub matcher: toml::Table,
    /// Folder in which relative paths begin: the one of the scenario's file.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Scenario {
    /// Reads and validates a scenario's file. [`CityInputs::load`](crate::city::CityInputs::load) opens its data files.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let file = || path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| ScenarioError::File { file: file(), source })?;
        let mut scenario = Self::from_toml(&text)?;
        scenario.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(scenario)
    }

    /// Returns a shipped scenario by its name; [`shipped_scenarios`] lists them.
    pub fn shipped(name: &str) -> Result<Self, ScenarioError> {
        let known = shipped_scenarios();
        let found = known.iter().find(|scenario| scenario.name == name);
        let text = found.map(|scenario| scenario.text).ok_or_else(|| ScenarioError::Unknown {
            name: name.to_owned(),
            known: known.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", "),
        })?;
        Self::from_toml(text)
    }

    /// Parses and validates a scenario. Its relative paths begin at the current folder.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        renamed::check(text)?;
        let scenario: Self = toml::from_str(text)
            .map_err(|error| ScenarioError::Syntax(error.to_string().trim().to_owned()))?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// Converts the scenario to TOML. [`Scenario::from_toml`] restores it, except for the folder.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every setting has a form in TOML")
    }

    /// Validates all settings that do not depend on the data files.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        check::check(self)
    }

    /// Returns the beginning of the run, milliseconds since the Unix epoch. The scenario must be valid.
    pub fn from_ms(&self) -> i64 {
        self.begins().map_or(0, |(from_s, _)| from_s * 1_000)
    }

    /// Returns the end of the time in which riders request, milliseconds since the Unix epoch.
    pub fn to_ms(&self) -> i64 {
        self.from_ms() + i64::from(self.duration_s) * 1_000
    }

    /// Returns the latest end of the run, when the drain is over, milliseconds since the Unix epoch.
    pub fn drained_ms(&self) -> i64 {
        self.to_ms() + i64::from(self.drain_s) * 1_000
    }

    /// Returns the measured time, milliseconds since the Unix epoch: without the warm-up and without the drain.
    pub fn measured_ms(&self) -> Range<i64> {
        let warm_up_s = self.warm_up_s.unwrap_or_else(|| settings::warm_up_s(self.duration_s));
        self.from_ms() + i64::from(warm_up_s) * 1_000..self.to_ms()
    }

    /// Returns the offset of the city's clocks from UTC, seconds.
    pub fn utc_offset_s(&self) -> i64 {
        self.begins().map_or(0, |(_, offset_s)| offset_s)
    }

    /// Returns the beginning in unix seconds, and the offset from UTC.
    fn begins(&self) -> Option<(i64, i64)> {
        kerb_loadgen::recorded::trips::parse_time(&self.from)
    }
}
