//! A scenario prepared for a run: overrides applied, data read, and the service's settings derived.

use std::path::Path;
use std::sync::Arc;

use kerb::Settings;
use kerb_routing::Roads;

use super::RunEnd;
use crate::city::{City, CityInputs};
use crate::metrics::record::RunRecord;
use crate::scenario::switchback::{Schedule, policy_name};
use crate::scenario::{FleetSource, Scenario, ScenarioError};

/// The service's setting that names the assignment policy.
const POLICY: &str = "policy";

/// A scenario with its data and the service's settings.
#[derive(Clone, Debug)]
pub struct PreparedRun {
    /// The scenario and its data.
    pub inputs: CityInputs,
    /// Settings of a service with the same streets and speeds as the city.
    pub settings: Settings,
}

/// Reads a scenario that ships with the simulator by its name, else the file at this path.
pub fn find_scenario(name_or_path: &str) -> Result<Scenario, ScenarioError> {
    match Scenario::shipped(name_or_path) {
        Err(ScenarioError::Unknown { .. }) if Path::new(name_or_path).exists() => {
            Scenario::read(Path::new(name_or_path))
        }
        shipped => shipped,
    }
}

/// Overrides the policy and the number of drivers of a scenario, where they are given.
pub fn override_scenario(
    mut scenario: Scenario,
    policy: Option<&str>,
    fleet: Option<u32>,
) -> Result<Scenario, ScenarioError> {
    if let Some(policy) = policy {
        scenario.matcher.insert(POLICY.to_owned(), policy.into());
    }
    if let Some(count) = fleet {
        match &mut scenario.fleet.source {
            FleetSource::Starts { drivers_max, .. } | FleetSource::Pings { drivers_max, .. } => {
                *drivers_max = count;
            }
            FleetSource::Placed { drivers, .. } => *drivers = count,
        }
    }
    scenario.validate()?;
    Ok(scenario)
}

impl PreparedRun {
    /// Reads all files that a scenario names. Relative paths begin at `data`, if given.
    pub fn load(scenario: &Scenario, data: Option<&Path>) -> Result<Self, ScenarioError> {
        let inputs = CityInputs::load(scenario, data)?;
        let table = toml::Table::from_iter([("matcher".to_owned(), scenario.matcher.clone().into())]);
        let mut settings: Settings = toml::Value::Table(table)
            .try_into()
            .map_err(|error| ScenarioError::Syntax(format!("matcher: {}", error.to_string().trim())))?;
        settings.fleet.vehicle_classes = scenario.classes.iter().map(|class| class.name.clone()).collect();
        if let Some((mps, detour)) = inputs.street_map.straight_lines() {
            (settings.matcher.speed_kmh, settings.matcher.detour) = (mps * 3.6, detour);
        }
        Ok(Self { inputs, settings })
    }

    /// Returns the road network that the service shares with the city.
    pub fn roads(&self) -> Option<Arc<Roads>> {
        self.inputs.street_map.roads().cloned()
    }

    /// Returns the name of the service's assignment policy.
    pub fn policy(&self) -> String {
        policy_name(self.settings.matcher.policy)
    }

    /// Creates the city of a seed.
    pub fn city(&self, seed: u64) -> City {
        City::new(&self.inputs, seed)
    }

    /// Combines the city's record and the result of a run, which followed a schedule if it was a switchback.
    pub fn record(&self, city: City, end: RunEnd, seed: u64, switchback: Option<Schedule>) -> RunRecord {
        let scenario = &self.inputs.scenario;
        let city = city.into_record(end.at_ms);
        RunRecord {
            scenario: scenario.name.clone(),
            scenario_toml: scenario.to_toml(),
            seed,
            policy: switchback.as_ref().map_or_else(|| self.policy(), Schedule::label),
            switchback,
            from_ms: city.from_ms,
            to_ms: city.to_ms,
            measured_ms: city.measured_ms,
            stopped: end.stopped,
            requests: city.requests,
            drivers: city.drivers,
            samples: city.samples,
            system: end.system,
            run_hash: end.run_hash,
        }
    }
}
