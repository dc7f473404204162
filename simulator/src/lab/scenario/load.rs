//! A scenario with its data: read once, run with many seeds.

use std::sync::Arc;

use super::Scenario;
use super::error::ScenarioError;
use super::files::Files;
use crate::lab::demand::DemandData;
use crate::lab::ground::Ground;
use crate::lab::supply::SupplyData;

/// A scenario and all that it reads. Who asks and who drives is drawn from it for each seed.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// What is driven on.
    pub ground: Arc<Ground>,
    pub(in crate::lab) demand: Arc<DemandData>,
    pub(in crate::lab) supply: Arc<SupplyData>,
}

impl Loaded {
    pub(super) fn new(scenario: &Scenario, files: &Files) -> Result<Self, ScenarioError> {
        let ground = Ground::load(scenario, files)?;
        let demand = DemandData::load(scenario, files)?;
        let supply = SupplyData::load(scenario, files)?;
        Ok(Self {
            scenario: scenario.clone(),
            ground: Arc::new(ground),
            demand: Arc::new(demand),
            supply: Arc::new(supply),
        })
    }
}
