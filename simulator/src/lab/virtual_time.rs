//! A run in this process, as fast as the machine goes and the same each time.

use std::sync::Arc;

use kerb::Settings;
use kerb_routing::Roads;
use kerb_types::RuntimeClock;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::clock::CityClock;
use super::in_process::{InProcessService, StartFailed};
use super::names::Names;
use super::people::People;
use super::position_log::Delays;
use super::run::{RunEnd, RunOptions, run};
use kerb_loadgen::checker::Limits;

/// One sampled search a minute of the city's time.
const SEARCH_EVERY_MS: i64 = 60_000;
/// A report is in the index after the next batch, and one more for what is handed over between servers.
const BATCHES_ALLOWED: i64 = 3;

/// A runtime of one thread whose time stands still while there is something to do, and then jumps to what is next.
pub fn virtual_runtime() -> std::io::Result<Runtime> {
    // No sockets: to look for what comes from them costs more than all timers.
    Builder::new_current_thread().enable_time().start_paused(true).build()
}

/// What a run in this process is made of.
#[derive(Clone)]
pub struct LabOptions {
    /// As for a node.
    pub settings: Settings,
    /// Of the service's jitter and of the sampled searches.
    pub seed: u64,
    /// Streets that are open already; `None`: those of the settings.
    pub roads: Option<Arc<Roads>>,
}

/// Runs on all of Kerb in this process until the people's time is over or `stop` is cancelled. On a
/// [`virtual_runtime`].
pub async fn lab<P: People>(
    people: &mut P,
    options: LabOptions,
    stop: &CancellationToken,
    progress: impl FnMut(i64),
) -> Result<RunEnd, StartFailed> {
    let LabOptions { settings, seed, roads } = options;
    let how = run_options(&settings, seed);
    let begins_ms = people.begins_ms();
    let classes = people.vehicle_classes();
    let (server_clock, city_clock) =
        (RuntimeClock::starting_at(begins_ms), CityClock::new(begins_ms, Instant::now(), 1.0));
    let mut service = InProcessService::start(settings, server_clock, seed, roads, &classes).await?;
    let end = run(people, &mut service, &city_clock, &how, stop, progress).await;
    service.shutdown().await;
    Ok(end)
}

/// How a run against services with these settings, in this process, is judged.
pub fn run_options(settings: &Settings, seed: u64) -> RunOptions {
    let allowance_ms = BATCHES_ALLOWED * i64::from(settings.location_ingest.batch_interval_ms);
    let position_ttl_ms = i64::from(settings.fleet.position_ttl_ms);
    RunOptions {
        names: Names::default(),
        seed,
        search_every_ms: SEARCH_EVERY_MS,
        // A search takes no time here.
        delays: Delays { allowance_ms, keep_ms: 2 * allowance_ms, position_ttl_ms },
        limits: Limits { position_ttl_ms, ..Limits::default() },
    }
}
