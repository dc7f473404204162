//! Every system's answers beside a linear scan, with all drivers at rest.

use serde::Serialize;

use super::fleet::{Fleet, Kind};
use super::options::PeersOptions;
use super::system::System;

/// Queries of a kind. A linear scan of a million drivers takes some 10 ms.
const QUESTIONS: usize = 100;
const QUESTIONS_QUICK: usize = 50;

/// How a system's answers are.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Compared {
    pub(super) system: &'static str,
    pub(super) queries: u64,
    /// Answers whose distances are not those of the truth, driver by driver: somebody is missing, too many, or twice.
    pub(super) different: u64,
    /// Drivers in the true answers.
    pub(super) drivers: u64,
    /// Drivers too few or too many.
    pub(super) drivers_off: u64,
}

/// Brings all drivers to rest and asks.
pub(super) async fn compare(
    options: &PeersOptions,
    systems: &[System],
    fleet: &Fleet,
) -> Result<Vec<Compared>, String> {
    let count = if options.quick { QUESTIONS_QUICK } else { QUESTIONS };
    // Others than those of the measurement.
    let seed = options.seed ^ 0x7e57_0000;
    let mut queries = Fleet::queries(Kind::Nearest, count, seed);
    queries.extend(Fleet::queries(Kind::Within, count, seed));
    // The city, however, is the same: queries elsewhere would find nobody.
    let truths: Vec<Vec<f64>> = queries.iter().map(|query| fleet.truth(query)).collect();
    let mut compared = Vec::new();
    for system in systems {
        system.load(fleet).await?;
        let mut of = Compared { system: system.name(), queries: 0, different: 0, drivers: 0, drivers_off: 0 };
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
