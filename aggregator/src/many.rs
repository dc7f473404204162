//! Many nearest searches of one caller at once: fleet's `NearbySearch`, which a matcher asks for candidates.
//!
//! Each question is scattered as a caller's own search is. None joins another's flight: no two are equal, and their
//! filter says since when a position counts, not how old it may be.

use futures::stream::{StreamExt, TryStreamExt, iter};
use kerb_fleet::{Answer, Error, FieldError, NearAnswer, NearQuestion, NearbySearch, Search};
use kerb_spatial::Circle;
use tokio::task::consume_budget;
use tokio::time::Instant;

use crate::service::Aggregator;

/// Questions of one call under way at one time. Enough to keep every index server busy; each holds its hits, some
/// 10 KB at k 64.
pub const QUESTIONS_AT_ONCE_MAX: usize = 256;

impl NearbySearch for Aggregator {
    fn nearest(&self, questions: Vec<NearQuestion>, deadline: Instant) -> Answer<'_, Vec<NearAnswer>> {
        let answers = iter(questions).map(move |question| one(self, question, deadline));
        Box::pin(answers.buffered(QUESTIONS_AT_ONCE_MAX).try_collect())
    }
}

async fn one(
    aggregator: &Aggregator,
    question: NearQuestion,
    deadline: Instant,
) -> Result<NearAnswer, Error> {
    // An index in this process answers within one poll: without this, thousands of answers would be one long turn.
    consume_budget().await;
    let circle = Circle::new(question.point, question.radius_m)
        .map_err(|error| Error::from(FieldError::new("radius_m", error.to_string())))?;
    let search = Search::Nearest { circle, k: question.k };
    let found = aggregator.scatter(search, question.filter, deadline).await;
    Ok(NearAnswer { complete: found.coverage.is_complete(), hits: found.hits })
}
