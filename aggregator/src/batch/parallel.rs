//! Runs many searches of one call in a few parallel tasks, apart from the searches of other callers.
//!
//! A task runs a few searches, then lets other tasks run. All batches of an aggregator share a lane: only as many of their
//! tasks as the machine has cores are ready to run at a time. A small search therefore waits for a few searches of
//! batches at most, however many batches there are and however large they are.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, ready};

use futures::stream::{StreamExt, TryStreamExt, iter};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio_util::sync::PollSemaphore;
use tokio_util::task::AbortOnDropHandle;

use crate::error::AggregatorError;

/// Tasks per call. An index in this process answers on the thread that queries it, so this bounds the cores that a call
/// may use.
const TASKS_MAX: usize = 8;
/// Searches per task, at least: fewer are not worth a task.
const CHUNK_SEARCHES_MIN: usize = 64;
/// Searches of one task in flight. Enough to keep servers busy; each holds its neighbors, some 10 KB at k 64.
const IN_FLIGHT_MAX: usize = 32;
/// Searches that a task starts before it lets other tasks run. An index in this process answers each within one poll, in
/// 5 to 300 µs.
const SLICE_SEARCHES: usize = 8;

/// Runs all searches and returns their results in the same order. The first error ends the call.
pub(crate) async fn run_all<Q, A, F>(
    searches: Vec<Q>,
    lane: &Arc<Semaphore>,
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
        chunks.push(AbortOnDropHandle::new(tokio::spawn(run_chunk(chunk, Arc::clone(lane), run.clone()))));
    }
    let mut answers = Vec::with_capacity(count);
    // Every task is spawned before the first is awaited, so they run in parallel.
    for chunk in chunks {
        let failed = |error| AggregatorError::Internal(format!("a search of many failed: {error}"));
        answers.extend(chunk.await.map_err(failed)??);
    }
    Ok(answers)
}

async fn run_chunk<Q, A, F>(
    searches: Vec<Q>,
    lane: Arc<Semaphore>,
    run: impl Fn(Q) -> F,
) -> Result<Vec<A>, AggregatorError>
where
    F: Future<Output = Result<A, AggregatorError>>,
{
    let slice = Slice::default();
    let answers = iter(searches).map(|search| {
        let answer = run(search);
        async {
            slice.start_search().await;
            answer.await
        }
    });
    let mut answers = pin!(answers.buffered(IN_FLIGHT_MAX).try_collect());
    let mut lane = PollSemaphore::new(lane);
    poll_fn(|context| {
        // Held during the poll only: a task that waits for servers does not keep others out.
        let permit = ready!(lane.poll_acquire(context));
        slice.renew();
        let polled: Poll<_> = answers.as_mut().poll(context);
        drop(permit);
        polled
    })
    .await
}

/// The searches that a task may still start in its current poll.
#[derive(Default)]
struct Slice(AtomicUsize);

impl Slice {
    fn renew(&self) {
        // Relaxed, also below: only the task itself uses the number.
        self.0.store(SLICE_SEARCHES, Ordering::Relaxed);
    }

    /// Waits for a poll in which a search may start.
    async fn start_search(&self) {
        let take = |left: usize| left.checked_sub(1);
        while self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            yield_now().await;
        }
    }
}
