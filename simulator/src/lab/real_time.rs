//! A run against any running Kerb, in real time or faster: load and judge in one.

use kerb_types::{Clock, SystemClock};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::clock::CityClock;
use super::live::{LiveService, TimeScale};
use super::names::Names;
use super::people::People;
use super::position_log::Delays;
use super::run::{RunEnd, RunOptions, run};
use kerb_loadgen::checker::Limits;
use kerb_loadgen::connect::Endpoints;

/// One sampled search in so long, milliseconds of real time.
const SEARCH_EVERY_MS: f64 = 1_000.0;
/// A report may be under way for so long, milliseconds: the network, the batch, and a process that has much to do.
const ALLOWANCE_MS: i64 = 2_000;
/// Reports are remembered for so long, milliseconds: a search takes less.
const KEEP_MS: i64 = 60_000;

/// Against whom, and how fast.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// URLs of the nodes.
    pub endpoints: Vec<String>,
    /// Connections to each node.
    pub connections: u32,
    /// The city's time over real time.
    pub speed_up: f64,
    /// Of the sampled searches.
    pub seed: u64,
}

/// Runs against running nodes until the people's time is over or `stop` is cancelled. An error in words says why there
/// is no run.
pub async fn live<P: People>(
    people: &mut P,
    options: &LiveOptions,
    stop: &CancellationToken,
    progress: impl FnMut(i64),
) -> Result<RunEnd, String> {
    let endpoints = Endpoints::new(&options.endpoints, options.connections)?;
    let speed_up = options.speed_up;
    // Other runs against the same service have other names.
    let names = Names::new(format!("{:x}-", SystemClock.now_ms()));
    let classes = people.vehicle_classes();
    let city_begins_ms = people.begins_ms();
    let scale = |server_begins_ms| TimeScale { city_begins_ms, server_begins_ms, speed_up };
    let connecting = LiveService::connect(endpoints, names.clone(), scale(SystemClock.now_ms()), &classes);
    let mut service = tokio::select! {
        service = connecting => service?,
        () = stop.cancelled() => return Err("stopped before it began".to_owned()),
    };
    let clock = CityClock::new(city_begins_ms, Instant::now(), speed_up);
    service.begin_at(scale(SystemClock.now_ms()));
    let limits = Limits::default();
    let how = RunOptions {
        names,
        seed: options.seed,
        search_every_ms: (SEARCH_EVERY_MS * speed_up).max(1.0) as i64,
        delays: Delays {
            allowance_ms: ALLOWANCE_MS,
            keep_ms: KEEP_MS,
            position_ttl_ms: limits.position_ttl_ms,
        },
        limits,
    };
    let end = run(people, &mut service, &clock, &how, stop, progress).await;
    service.sign_off().await;
    Ok(end)
}
