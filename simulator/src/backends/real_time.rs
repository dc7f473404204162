//! A run against running nodes, in real time or faster: load test and correctness test in one.

use kerb_loadgen::checker::Limits;
use kerb_loadgen::connect::Endpoints;
use kerb_types::{Clock, SystemClock};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::live::{LiveService, TimeScale};
use crate::agents::Agents;
use crate::agents::agent_ids::AgentIds;
use crate::checkers::position_log::ReportDelays;
use crate::run::city_clock::CityClock;
use crate::run::{RunEnd, RunOptions, run};

/// Interval between two sampled searches, milliseconds of real time.
const SEARCH_EVERY_MS: f64 = 1_000.0;
/// Maximum time until a report is visible, milliseconds: the network, the batch, and a busy process.
const ALLOWANCE_MS: i64 = 2_000;
/// Time for which reports are kept, milliseconds. A search takes less.
const KEEP_MS: i64 = 60_000;

/// Options of a live run.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// URLs of the nodes.
    pub endpoints: Vec<String>,
    /// Connections to each node.
    pub connections: u32,
    /// Ratio of the city's time to real time.
    pub speed_up: f64,
    /// Seed of the sampled searches.
    pub seed: u64,
}

/// Runs against running nodes until the agents' time is over or `stop` is cancelled. The error is a message for the user.
pub async fn live<A: Agents>(
    agents: &mut A,
    options: &LiveOptions,
    stop: &CancellationToken,
    progress: impl FnMut(i64),
) -> Result<RunEnd, String> {
    let endpoints = Endpoints::new(&options.endpoints, options.connections)?;
    let speed_up = options.speed_up;
    // The prefix keeps the ids apart from those of other runs against the same service.
    let ids = AgentIds::new(format!("{:x}-", SystemClock.now().as_millis()));
    let classes = agents.vehicle_classes();
    let city_begins_ms = agents.begins_ms();
    let scale = |server_begins_ms| TimeScale { city_begins_ms, server_begins_ms, speed_up };
    let connecting =
        LiveService::connect(endpoints, ids.clone(), scale(SystemClock.now().as_millis()), &classes);
    let mut service = tokio::select! {
        service = connecting => service?,
        () = stop.cancelled() => return Err("stopped before it began".to_owned()),
    };
    let clock = CityClock::new(city_begins_ms, Instant::now(), speed_up);
    // Connecting takes time; the city's time begins after it.
    service.set_time_scale(scale(SystemClock.now().as_millis()));
    let limits = Limits::default();
    let run_options = RunOptions {
        ids,
        seed: options.seed,
        search_every_ms: (SEARCH_EVERY_MS * speed_up).max(1.0) as i64,
        delays: ReportDelays {
            allowance_ms: ALLOWANCE_MS,
            keep_ms: KEEP_MS,
            position_ttl_ms: limits.position_ttl_ms,
        },
        limits,
    };
    let end = run(agents, &mut service, &clock, &run_options, stop, progress).await;
    service.sign_off().await;
    Ok(end)
}
