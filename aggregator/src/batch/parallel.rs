//! Runs many searches of one call in a few parallel tasks.

use futures::stream::{StreamExt, TryStreamExt, iter};
use tokio::task::consume_budget;
use tokio_util::task::AbortOnDropHandle;

use crate::error::AggregatorError;

/// Tasks per call. An index in this process answers on the thread that queries it, so this bounds the cores that a call
/// may use.
const TASKS_MAX: usize = 8;
/// Searches per task, at least: fewer are not worth a task.
const CHUNK_SEARCHES_MIN: usize = 64;
/// Searches of one task in flight. Enough to keep servers busy; each holds its neighbors, some 10 KB at k 64.
const IN_FLIGHT_MAX: usize = 32;

/// Runs all searches and returns their results in the same order. The first error ends the call.
pub(crate) async fn run_all<Q, A, F>(
    searches: Vec<Q>,
    run: impl Fn(Q) -> F + Clone + Send + Sync + 'static,
) -> Result<Vec<A>, AggregatorError>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<A, AggregatorError>> + Send + 'static,
{
    let count = searches.len();
    let size = count.div_ceil(TASKS_MAX).max(CHUNK_SEARCHES_MIN);
    let (mut searches, mut chunks) = (searches.into_iter(), Vec::new());
    while searches.len() > 0 {
        let chunk = searches.by_ref().take(size).collect();
        chunks.push(AbortOnDropHandle::new(tokio::spawn(run_chunk(chunk, run.clone()))));
    }
    let mut answers = Vec::with_capacity(count);
    // Every task is spawned before the first is awaited, so they run in parallel.
    for chunk in chunks {
        let failed = |error| AggregatorError::Internal(format!("a search of many failed: {error}"));
        answers.extend(chunk.await.map_err(failed)??);
    }
    Ok(answers)
}

async fn run_chunk<Q, A, F>(searches: Vec<Q>, run: impl Fn(Q) -> F) -> Result<Vec<A>, AggregatorError>
where
    F: Future<Output = Result<A, AggregatorError>>,
{
    let answers = iter(searches).map(|search| {
        let answer = run(search);
        async move {
            // An index in this process answers within one poll: without this, a chunk would run to its end in one
            // poll and starve the other tasks of the thread.
            consume_budget().await;
            answer.await
        }
    });
    answers.buffered(IN_FLIGHT_MAX).try_collect().await
}
