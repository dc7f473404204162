//! Many nearest searches of one caller at once: fleet's `NearbySearch`, which a matcher asks for candidates.
//!
//! Each question is scattered as a caller's own search is. None joins another's flight: no two are equal, and their
//! filter says since when a position counts, not how old it may be.

use futures::FutureExt;
use futures::stream::{StreamExt, TryStreamExt, iter};
use kerb_fleet::{Answer, Error, FieldError, NearAnswer, NearQuestion, NearbySearch, Search};
use kerb_spatial::Circle;
use tokio::task::consume_budget;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::service::Aggregator;

/// Tasks that share the questions of one call: an index in this process answers on the thread that asks, so these are
/// the cores that a call may use.
const LANES_MAX: usize = 8;
/// Questions that are too few to be shared.
const LANE_QUESTIONS_MIN: usize = 64;
/// Questions of one lane under way at one time. Enough to keep servers busy; each holds its hits, some 10 KB at k 64.
const QUESTIONS_AT_ONCE_MAX: usize = 32;

impl NearbySearch for Aggregator {
    fn nearest(&self, questions: Vec<NearQuestion>, deadline: Instant) -> Answer<'_, Vec<NearAnswer>> {
        async move {
            let size = questions.len().div_ceil(LANES_MAX).max(LANE_QUESTIONS_MIN);
            let lanes = questions.chunks(size).map(|lane| {
                let work = answer_all(self.clone(), lane.to_vec(), deadline);
                AbortOnDropHandle::new(tokio::spawn(work))
            });
            let mut answers = Vec::with_capacity(questions.len());
            // All are under way before the first is waited for.
            for lane in lanes.collect::<Vec<_>>() {
                let failed = |error| Error::Internal(format!("a search for candidates failed: {error}"));
                answers.extend(lane.await.map_err(failed)??);
            }
            Ok(answers)
        }
        .boxed()
    }
}

async fn answer_all(
    aggregator: Aggregator,
    questions: Vec<NearQuestion>,
    deadline: Instant,
) -> Result<Vec<NearAnswer>, Error> {
    let answers = iter(questions).map(|question| answer(&aggregator, question, deadline));
    answers.buffered(QUESTIONS_AT_ONCE_MAX).try_collect().await
}

async fn answer(
    aggregator: &Aggregator,
    question: NearQuestion,
    deadline: Instant,
) -> Result<NearAnswer, Error> {
    // An index in this process answers within one poll: without this, a lane would be one long turn.
    consume_budget().await;
    let circle = Circle::new(question.point, question.radius_m)
        .map_err(|error| Error::from(FieldError::new("radius_m", error.to_string())))?;
    let search = Search::Nearest { circle, k: question.k };
    let found = aggregator.scatter(search, question.filter, deadline).await;
    Ok(NearAnswer { complete: found.coverage.is_complete(), hits: found.hits })
}
