//! Settings of a comparison; they are the command line's flags.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

/// Settings of a comparison with other servers.
#[derive(Args, Clone, Debug, Serialize)]
pub struct PeersOptions {
    /// Measure 100,000 drivers only, with fewer and shorter rounds, in three minutes
    #[arg(long)]
    pub quick: bool,
    /// Drivers, several times for several sizes [default: 100000 and 1000000; 100000 when quick]
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=8_000_000))]
    pub drivers: Vec<u32>,
    /// Rounds of each measurement, the systems in turn [default: 5; 3 when quick]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: Option<u32>,
    /// Milliseconds of one measurement [default: 1500; 500 when quick]
    #[arg(long, value_parser = clap::value_parser!(u32).range(20..=60_000))]
    pub span_ms: Option<u32>,
    /// The program "kerb" [default: the one next to this program]
    #[arg(long, value_name = "FILE")]
    pub kerb: Option<PathBuf>,
    /// Leave out a peer, several times for several: redis, valkey or tile38
    #[arg(long, value_name = "PEER")]
    pub without: Vec<String>,
    /// Write the plot here
    #[arg(long, value_name = "SVG")]
    pub plot: Option<PathBuf>,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Updates in flight on a connection, or in one of its batches.
pub(super) const IN_FLIGHT: [u32; 3] = [1, 16, 128];
/// Numbers of connections for updates.
pub(super) const CONNECTIONS: [u32; 3] = [1, 8, 64];
/// Numbers of connections for searches; each has one search in flight.
pub(super) const SEARCH_CONNECTIONS: u32 = 8;

impl PeersOptions {
    /// Returns the fleet sizes; the report shows the last one at its top.
    pub(super) fn sizes(&self) -> Vec<u32> {
        match (self.drivers.is_empty(), self.quick) {
            (false, _) => self.drivers.clone(),
            (true, true) => vec![100_000],
            (true, false) => vec![100_000, 1_000_000],
        }
    }

    pub(super) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 5 })
    }

    pub(super) fn span(&self) -> std::time::Duration {
        let span_ms = self.span_ms.unwrap_or(if self.quick { 500 } else { 1_500 });
        std::time::Duration::from_millis(u64::from(span_ms))
    }
}
