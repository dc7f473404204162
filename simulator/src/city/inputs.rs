//! The inputs of a city: a scenario and the data that it names. They are read once and serve many seeds.

use std::path::Path;
use std::sync::Arc;

use super::supply::SupplyData;
use crate::demand::DemandData;
use crate::scenario::street_map::StreetMap;
use crate::scenario::{Files, Scenario, ScenarioError};

/// A scenario and its data. Each seed draws its own riders and drivers from them.
#[derive(Clone, Debug)]
pub struct CityInputs {
    /// The validated scenario.
    pub scenario: Scenario,
    /// The streets of the city, or straight lines.
    pub street_map: Arc<StreetMap>,
    pub(crate) demand: Arc<DemandData>,
    pub(super) supply: Arc<SupplyData>,
}

impl CityInputs {
    /// Reads all files that a scenario names. Relative paths begin at `data` if given, else at the scenario's folder. A
    /// path `shipped:…` names a file inside the program.
    pub fn load(scenario: &Scenario, data: Option<&Path>) -> Result<Self, ScenarioError> {
        scenario.validate()?;
        let files = Files::new(data.unwrap_or(&scenario.folder));
        Ok(Self {
            street_map: Arc::new(StreetMap::load(scenario, &files)?),
            demand: Arc::new(DemandData::load(scenario, &files)?),
            supply: Arc::new(SupplyData::load(scenario, &files)?),
            scenario: scenario.clone(),
        })
    }
}
