//! Replays real taxis against running nodes: one stream per cab, and random queries whose answers are all checked.
//!
//! This file starts the tasks and builds the report. Each task has its own file: `cab` drives, `searcher` searches,
//! `answer_checks` checks, `prober` measures freshness, `progress` prints the progress.

mod answer_checks;
mod cab;
mod probe_queue;
mod prober;
mod progress;
mod searcher;
mod state;

use std::sync::Arc;
use std::time::Duration;

use kerb_types::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use progress::Out;
pub use progress::time_of_day;
pub use state::ReplayError;

use crate::options::ReplayOptions;
use crate::recorded::pings::Pings;
use crate::report::ReplayReport;
use state::ReplayState;

/// Time that the cabs have to sign off.
const GOODBYE_MAX: Duration = Duration::from_secs(15);
/// Maximum answers that wait for their check; then the searchers block.
const UNCHECKED_MAX: usize = 4_096;

/// Replays until the time is over or `stop` is canceled. Both return a report.
pub async fn replay(
    options: ReplayOptions,
    clock: &dyn Clock,
    out: Out,
    stop: CancellationToken,
) -> Result<ReplayReport, ReplayError> {
    let path = options.pings.clone();
    // A day of pings takes a second to unpack: too long for a thread that serves connections.
    let pings =
        tokio::task::spawn_blocking(move || path.map_or_else(Pings::shipped, |path| Pings::read_file(&path)))
            .await;
    let pings = pings.map_err(|e| ReplayError::Setup(e.to_string()))??;
    replay_pings(&pings, options, clock, out, stop).await
}

/// As [`replay`], with pings that were read before.
pub async fn replay_pings(
    pings: &Pings,
    options: ReplayOptions,
    clock: &dyn Clock,
    out: Out,
    stop: CancellationToken,
) -> Result<ReplayReport, ReplayError> {
    let (shared, tracks) = ReplayState::new(pings, options, clock)?;
    shared.wait_for_an_empty_index(&stop).await?;
    let shared = Arc::new(shared.start());

    let (driving, asking) = (CancellationToken::new(), CancellationToken::new());
    let mut cabs = JoinSet::new();
    for (index, track) in tracks.into_iter().enumerate() {
        cabs.spawn(cab::Cab::new(index, track, &shared).drive(driving.clone()));
    }
    let (answers, unchecked) = tokio::sync::mpsc::channel(UNCHECKED_MAX);
    let mut askers = JoinSet::new();
    for worker in 0..shared.options.searchers {
        askers.spawn(searcher::run(shared.clone(), worker, answers.clone(), asking.clone()));
    }
    drop(answers);
    for probe in 0..shared.options.probes {
        askers.spawn(prober::run(shared.clone(), probe, asking.clone()));
    }
    let checks = tokio::spawn(answer_checks::run(shared.clone(), unchecked));
    let progress = tokio::spawn(progress::run(shared.clone(), out, asking.clone()));

    let interrupted = tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep_until(shared.ends_at()) => false,
    };
    let simulated_s = shared.simulated_s();
    let elapsed_s = shared.elapsed_s();
    asking.cancel();
    askers.join_all().await;
    // The searchers have ended, so the checks end after the last answer.
    let ended = (checks.await, progress.await);
    driving.cancel();
    let goodbye = tokio::time::timeout(GOODBYE_MAX, async { while cabs.join_next().await.is_some() {} });
    if goodbye.await.is_err() {
        cabs.shutdown().await;
    }
    ended.0.and(ended.1).map_err(|e| ReplayError::Setup(e.to_string()))?;
    Ok(ReplayReport { simulated_s, elapsed_s, interrupted, ..shared.report() })
}
