//! Many searches of one call, over a few tasks.

use futures::stream::{StreamExt, TryStreamExt, iter};
use kerb_ports::Error;
use tokio::task::consume_budget;
use tokio_util::task::AbortOnDropHandle;

/// Tasks that share the searches of one call: an index in this process answers on the thread that asks, so these are
/// the cores that a call may use.
const LANES_MAX: usize = 8;
/// Searches that are too few to be shared.
const LANE_SEARCHES_MIN: usize = 64;
/// Searches of one lane under way at one time. Enough to keep servers busy; each holds its hits, some 10 KB at k 64.
const SEARCHES_AT_ONCE_MAX: usize = 32;

/// Asks all of them; the answers come in their order. The first error ends the call.
pub(crate) async fn ask_all<Q, A, F>(
    searches: Vec<Q>,
    ask: impl Fn(Q) -> F + Clone + Send + Sync + 'static,
) -> Result<Vec<A>, Error>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<A, Error>> + Send + 'static,
{
    let count = searches.len();
    let size = count.div_ceil(LANES_MAX).max(LANE_SEARCHES_MIN);
    let (mut searches, mut lanes) = (searches.into_iter(), Vec::new());
    while searches.len() > 0 {
        let lane = searches.by_ref().take(size).collect();
        lanes.push(AbortOnDropHandle::new(tokio::spawn(lane_of(lane, ask.clone()))));
    }
    let mut answers = Vec::with_capacity(count);
    // All are under way before the first is waited for.
    for lane in lanes {
        let failed = |error| Error::Internal(format!("a search of many failed: {error}"));
        answers.extend(lane.await.map_err(failed)??);
    }
    Ok(answers)
}

async fn lane_of<Q, A, F>(searches: Vec<Q>, ask: impl Fn(Q) -> F) -> Result<Vec<A>, Error>
where
    F: Future<Output = Result<A, Error>>,
{
    let answers = iter(searches).map(|search| {
        let answer = ask(search);
        async move {
            // An index in this process answers within one poll: without this, a lane would be one long turn.
            consume_budget().await;
            answer.await
        }
    });
    answers.buffered(SEARCHES_AT_ONCE_MAX).try_collect().await
}
