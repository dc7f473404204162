//! Compares every system's answers with a linear scan, with all drivers at rest.

use serde::Serialize;

use super::fleet::{Fleet, Kind};
use super::options::PeersOptions;
use super::system::System;

/// Queries of each kind. A linear scan of a million drivers takes some 10 ms.
const QUERIES: usize = 100;
const QUERIES_QUICK: usize = 50;

/// How a system's answers compare with the linear scan.
#[derive(Clone, Debug, Serialize)]
pub(super) struct AnswerComparison {
    pub(super) system: &'static str,
    pub(super) queries: u64,
    /// Answers whose distances differ from those of the linear scan: a driver is missing, extra or duplicated.
    pub(super) different: u64,
    /// Drivers in the answers of the linear scan.
    pub(super) drivers: u64,
    /// Missing and extra drivers, in sum.
    pub(super) drivers_off: u64,
}

/// Moves all drivers to their rest positions and compares the answers.
pub(super) async fn compare(
    options: &PeersOptions,
    systems: &[System],
    fleet: &Fleet,
) -> Result<Vec<AnswerComparison>, String> {
    let count = if options.quick { QUERIES_QUICK } else { QUERIES };
    // The queries differ from those of the measurement.
    let seed = options.seed ^ 0x7e57_0000;
    let mut queries = Fleet::queries(Kind::Nearest, count, seed);
    queries.extend(Fleet::queries(Kind::Within, count, seed));
    // The city is the same: queries elsewhere would find no drivers.
    let truths: Vec<Vec<f64>> = queries.iter().map(|query| fleet.truth(query)).collect();
    let mut compared = Vec::new();
    for system in systems {
        system.load(fleet).await?;
        let mut of =
            AnswerComparison { system: system.name(), queries: 0, different: 0, drivers: 0, drivers_off: 0 };
        for (query, truth) in queries.iter().zip(&truths) {
            let drivers = system.answer(query).await?;
            let found = fleet.distances(query, &drivers);
            of.queries += 1;
            of.different += u64::from(found != *truth);
            of.drivers += truth.len() as u64;
            of.drivers_off += found.len().abs_diff(truth.len()) as u64;
        }
        compared.push(of);
    }
    Ok(compared)
}
