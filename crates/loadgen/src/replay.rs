//! Replays real taxis against running nodes: one stream a cab, random queries meanwhile, every answer judged.
//!
//! This file starts the tasks and gathers the report. Each task stands in its own file: `cab` drives, `searcher` asks,
//! `verdicts` judges, `prober` measures freshness, `news` tells what goes on.

mod cab;
mod news;
mod prober;
mod searcher;
mod shared;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use kerb_types::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use news::Out;
pub use news::time_of_day;
pub use shared::ReplayError;

use crate::options::ReplayOptions;
use crate::pings::Pings;
use crate::report::ReplayReport;
use shared::Shared;

/// Cabs get so long to say goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(15);
/// Answers that wait for their verdict, at most; the searchers wait when they are so many.
const UNJUDGED_MAX: usize = 4_096;

/// Replays until the time is over or `stop` is cancelled; either way there is a report.
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

/// As [`replay`], of pings that were read already.
pub async fn replay_pings(
    pings: &Pings,
    options: ReplayOptions,
    clock: &dyn Clock,
    out: Out,
    stop: CancellationToken,
) -> Result<ReplayReport, ReplayError> {
    let (shared, tracks) = Shared::new(pings, options, clock)?;
    shared.wait_for_an_empty_index(&stop).await?;
    let shared = Arc::new(shared.start());

    let (driving, asking) = (CancellationToken::new(), CancellationToken::new());
    let mut cabs = JoinSet::new();
    for (index, track) in tracks.into_iter().enumerate() {
        cabs.spawn(cab::Cab::new(index, track, &shared).drive(driving.clone()));
    }
    let (answers, unjudged) = tokio::sync::mpsc::channel(UNJUDGED_MAX);
    let mut askers = JoinSet::new();
    for worker in 0..shared.options.searchers {
        askers.spawn(searcher::run(shared.clone(), worker, answers.clone(), asking.clone()));
    }
    drop(answers);
    for probe in 0..shared.options.probes {
        askers.spawn(prober::run(shared.clone(), probe, asking.clone()));
    }
    let verdicts = tokio::spawn(verdicts::run(shared.clone(), unjudged));
    let news = tokio::spawn(news::run(shared.clone(), out, asking.clone()));

    let interrupted = tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep_until(shared.ends_at()) => false,
    };
    let simulated_s = shared.simulated_s();
    let elapsed_s = shared.elapsed_s();
    asking.cancel();
    askers.join_all().await;
    // The askers are gone, so the judge ends after the last answer.
    let ended = (verdicts.await, news.await);
    driving.cancel();
    let goodbye = tokio::time::timeout(GOODBYE_MAX, async { while cabs.join_next().await.is_some() {} });
    if goodbye.await.is_err() {
        cabs.shutdown().await;
    }
    ended.0.and(ended.1).map_err(|e| ReplayError::Setup(e.to_string()))?;
    Ok(ReplayReport { simulated_s, elapsed_s, interrupted, ..shared.report() })
}
