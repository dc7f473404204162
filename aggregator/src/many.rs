//! Many nearest searches of one caller at once: fleet's `NearbySearch`, which a matcher asks for candidates.
//!
//! Each question is scattered as a caller's own search is. None joins another's flight: no two are equal, and their
//! filter says since when a position counts, not how old it may be.

use futures::FutureExt;
use kerb_fleet::{Answer, Error, FieldError, NearAnswer, NearQuestion, NearbySearch, Search};
use kerb_spatial::Circle;
use tokio::time::Instant;

use crate::lanes::ask_all;
use crate::service::Aggregator;

impl NearbySearch for Aggregator {
    fn nearest(&self, questions: Vec<NearQuestion>, deadline: Instant) -> Answer<'_, Vec<NearAnswer>> {
        let aggregator = self.clone();
        ask_all(questions, move |question| answer(aggregator.clone(), question, deadline)).boxed()
    }
}

async fn answer(
    aggregator: Aggregator,
    question: NearQuestion,
    deadline: Instant,
) -> Result<NearAnswer, Error> {
    let circle = Circle::new(question.point, question.radius_m)
        .map_err(|error| Error::from(FieldError::new("radius_m", error.to_string())))?;
    let search = Search::Nearest { circle, k: question.k };
    let found = aggregator.scatter(search, question.filter, deadline).await;
    Ok(NearAnswer { complete: found.coverage.is_complete(), hits: found.hits })
}
