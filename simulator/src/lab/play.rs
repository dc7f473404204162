//! A scenario made ready for a run: policy and fleet of the run put in, data read, the service's settings beside it.

use std::path::Path;
use std::sync::Arc;

use kerb::Settings;
use kerb_routing::Roads;

use super::city::City;
use super::message::{Heard, Said};
use super::people::People;
use super::record::RunRecord;
use super::run::RunEnd;
use super::scenario::{FleetSource, Loaded, Scenario, ScenarioError};
use super::switchback::{Schedule, policy_name};

/// The setting of the service that says how trips are given to drivers.
const POLICY: &str = "policy";

/// A scenario with its data and the service's settings.
#[derive(Clone, Debug)]
pub struct Play {
    /// With all that it reads.
    pub loaded: Loaded,
    /// Of a service that knows the city's streets and speeds.
    pub settings: Settings,
}

/// Reads the scenario of this name, if one comes with the project under it, else the file of this path.
pub fn find(name_or_path: &str) -> Result<Scenario, ScenarioError> {
    match Scenario::shipped(name_or_path) {
        Err(ScenarioError::Unknown { .. }) if Path::new(name_or_path).exists() => {
            Scenario::read(Path::new(name_or_path))
        }
        found => found,
    }
}

/// The scenario with this policy and so many drivers, where they are given.
pub fn adapted(
    mut scenario: Scenario,
    policy: Option<&str>,
    fleet: Option<u32>,
) -> Result<Scenario, ScenarioError> {
    if let Some(policy) = policy {
        scenario.matcher.insert(POLICY.to_owned(), policy.into());
    }
    if let Some(wanted) = fleet {
        match &mut scenario.fleet.source {
            FleetSource::Starts { drivers_max, .. } | FleetSource::Pings { drivers_max, .. } => {
                *drivers_max = wanted;
            }
            FleetSource::Placed { drivers, .. } => *drivers = wanted,
        }
    }
    scenario.check()?;
    Ok(scenario)
}

impl Play {
    /// Reads all that a scenario names. `data` is where its relative paths begin, when given.
    pub fn load(scenario: &Scenario, data: Option<&Path>) -> Result<Self, ScenarioError> {
        let loaded = scenario.load(data)?;
        let table = toml::Table::from_iter([("matcher".to_owned(), scenario.matcher.clone().into())]);
        let mut settings: Settings = toml::Value::Table(table)
            .try_into()
            .map_err(|error| ScenarioError::Syntax(format!("matcher: {}", error.to_string().trim())))?;
        settings.fleet.vehicle_classes = scenario.classes.iter().map(|class| class.name.clone()).collect();
        if let Some((mps, detour)) = loaded.ground.straight_lines() {
            (settings.matcher.speed_kmh, settings.matcher.detour) = (mps * 3.6, detour);
        }
        Ok(Self { loaded, settings })
    }

    /// The streets that the service is to know.
    pub fn roads(&self) -> Option<Arc<Roads>> {
        self.loaded.ground.roads().cloned()
    }

    /// How the service gives trips to drivers.
    pub fn policy(&self) -> String {
        policy_name(self.settings.matcher.policy)
    }

    /// The city of a seed.
    pub fn city(&self, seed: u64) -> City {
        City::new(&self.loaded, seed)
    }

    /// What a run came to, whose policy changed by a schedule if there was one.
    pub fn record(&self, city: City, end: RunEnd, seed: u64, switchback: Option<Schedule>) -> RunRecord {
        let scenario = &self.loaded.scenario;
        let known = city.into_record(end.at_ms);
        RunRecord {
            scenario: scenario.name.clone(),
            scenario_toml: scenario.to_toml(),
            seed,
            policy: switchback.as_ref().map_or_else(|| self.policy(), Schedule::label),
            switchback,
            from_ms: known.from_ms,
            to_ms: known.to_ms,
            stopped: end.stopped,
            requests: known.requests,
            drivers: known.drivers,
            samples: known.samples,
            system: end.system,
            trace_hash: end.trace_hash,
        }
    }
}

impl People for City {
    fn begins_ms(&self) -> i64 {
        self.from_ms()
    }

    fn ends_ms(&self) -> i64 {
        self.to_ms()
    }

    fn vehicle_classes(&self) -> Vec<String> {
        self.drivers().iter().map(|driver| driver.vehicle_class.clone()).collect()
    }

    fn next_ms(&self) -> Option<i64> {
        Self::next_ms(self)
    }

    fn step(&mut self, now_ms: i64, said: &mut Vec<Said>) {
        Self::step(self, now_ms, said);
    }

    fn hear(&mut self, now_ms: i64, heard: Heard) {
        Self::hear(self, now_ms, heard);
    }
}
