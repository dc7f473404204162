//! The street map of a scenario: read or generated.

use std::io::{Cursor, Read};
use std::sync::Arc;

use kerb_routing::import::{import_csv, import_pbf};
use kerb_routing::{Network, Roads};

use super::{Kind, StreetMap, grid};
use crate::scenario::{Files, Scenario, ScenarioError, StreetSource};

impl StreetMap {
    /// Reads or generates the streets of a scenario, and applies its factors on travel times.
    pub(crate) fn load(scenario: &Scenario, files: &Files) -> Result<Self, ScenarioError> {
        let streets = &scenario.streets;
        let kind = match &streets.source {
            StreetSource::Straight { speed_kmh, detour } => {
                Kind::Straight { mps: speed_kmh / 3.6 / streets.slowness, detour: *detour }
            }
            source => Kind::Streets(Arc::new(roads(source, files, streets.snap_max_m, streets.slowness)?)),
        };
        let mut slowness = [1.0; 24];
        for (hour, factor) in slowness.iter_mut().zip(&streets.slowness_by_hour) {
            *hour = *factor;
        }
        Ok(Self { kind, slowness, utc_offset_ms: scenario.utc_offset_s() * 1_000 })
    }
}

fn roads(
    source: &StreetSource,
    files: &Files,
    snap_max_m: f64,
    slowness: f64,
) -> Result<Roads, ScenarioError> {
    let (network, file) = match source {
        StreetSource::Pbf { file } => (pbf(files, file)?, file.as_str()),
        StreetSource::Csv { nodes, edges } => {
            let imported = import_csv(files.raw(nodes)?, files.raw(edges)?);
            (imported.map_err(|error| wrong(edges, &error))?.network, edges.as_str())
        }
        StreetSource::Kerb { file } => {
            let bytes = read_all(files, file)?;
            let length = bytes.len() as u64;
            (Network::read(Cursor::new(bytes), length).map_err(|error| wrong(file, &error))?, file.as_str())
        }
        StreetSource::Grid { center, streets, block_m } => {
            (grid::network(*center, *streets, *block_m)?, "streets.source")
        }
        StreetSource::Straight { .. } => unreachable!("straight lines are no roads"),
    };
    let roads = Roads::new(network, snap_max_m).map_err(|error| wrong(file, &error))?;
    let slowed = |ms: &u32| (f64::from(*ms) * slowness).round().max(1.0) as u32;
    let time_ms: Vec<u32> = roads.network().time_ms().iter().map(slowed).collect();
    roads.engine().replace(&time_ms).map_err(|error| wrong(file, &error))?;
    Ok(roads)
}

fn pbf(files: &Files, file: &str) -> Result<Network, ScenarioError> {
    let source = Cursor::new(read_all(files, file)?);
    Ok(import_pbf(source, &mut |_| {}).map_err(|error| wrong(file, &error))?.network)
}

fn read_all(files: &Files, file: &str) -> Result<Vec<u8>, ScenarioError> {
    let mut bytes = Vec::new();
    let read = files.raw(file)?.read_to_end(&mut bytes);
    read.map_err(|source| ScenarioError::File { file: file.to_owned(), source })?;
    Ok(bytes)
}

fn wrong(file: &str, error: &dyn std::error::Error) -> ScenarioError {
    ScenarioError::Streets { file: file.to_owned(), reason: error.to_string() }
}
