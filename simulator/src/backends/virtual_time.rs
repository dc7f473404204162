//! A run in this process under virtual time: as fast as the machine allows, and deterministic.

use std::sync::Arc;

use kerb::Settings;
use kerb_loadgen::checker::Limits;
use kerb_routing::Roads;
use kerb_types::{RuntimeClock, Timestamp};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::in_process::{InProcessService, StartFailed};
use crate::agents::Agents;
use crate::agents::agent_ids::AgentIds;
use crate::checkers::position_log::ReportDelays;
use crate::run::city_clock::CityClock;
use crate::run::{RunEnd, RunOptions, run};

/// Interval between two sampled searches, milliseconds of the city's time.
const SEARCH_EVERY_MS: i64 = 60_000;
/// Batches until a report is visible: the next one, and one more for a handover between servers.
const BATCHES_ALLOWED: i64 = 3;

/// Builds a runtime of one thread with paused time: when all tasks wait, the time jumps to the next timer.
pub fn virtual_runtime() -> std::io::Result<Runtime> {
    // There are no sockets, and polling for them would cost more than all timers.
    Builder::new_current_thread().enable_time().start_paused(true).build()
}

/// Options of a run under virtual time.
#[derive(Clone)]
pub struct LabOptions {
    /// Settings of the node.
    pub settings: Settings,
    /// Seed of the service's jitter and of the sampled searches.
    pub seed: u64,
    /// An open road network; `None` for the one that the settings name.
    pub roads: Option<Arc<Roads>>,
}

/// Runs all of Kerb in this process until the agents' time is over or `stop` is cancelled. It needs a
/// [`virtual_runtime`].
pub async fn lab<A: Agents>(
    agents: &mut A,
    options: LabOptions,
    stop: &CancellationToken,
    progress: impl FnMut(i64),
) -> Result<RunEnd, StartFailed> {
    let LabOptions { settings, seed, roads } = options;
    let run_options = run_options(&settings, seed);
    let begins_ms = agents.begins_ms();
    let classes = agents.vehicle_classes();
    let (server_clock, city_clock) = (
        RuntimeClock::starting_at(Timestamp::from_millis(begins_ms)),
        CityClock::new(begins_ms, Instant::now(), 1.0),
    );
    let mut service = InProcessService::start(settings, server_clock, seed, roads, &classes).await?;
    let end = run(agents, &mut service, &city_clock, &run_options, stop, progress).await;
    service.shutdown().await;
    Ok(end)
}

/// Returns the checks of a run against services with these settings in this process.
pub fn run_options(settings: &Settings, seed: u64) -> RunOptions {
    let allowance_ms = BATCHES_ALLOWED * i64::from(settings.location_ingest.batch_interval_ms);
    let position_ttl_ms = i64::from(settings.fleet.position_ttl_ms);
    RunOptions {
        ids: AgentIds::default(),
        seed,
        search_every_ms: SEARCH_EVERY_MS,
        // A search takes no virtual time, so reports are only kept beyond the allowance for safety.
        delays: ReportDelays { allowance_ms, keep_ms: 2 * allowance_ms, position_ttl_ms },
        limits: Limits { position_ttl_ms, ..Limits::default() },
    }
}
