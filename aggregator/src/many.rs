//! Searches of a matcher: fleet's `NearbySearch`, many nearest ones at once for candidates, one by travel time for a quote.
//!
//! Each question is scattered as a caller's own search is. None joins another's flight: no two are equal, and their
//! filter says since when a position counts, not how old it may be.

use futures::FutureExt;
use kerb_fleet::{Answer, Error, FieldError, NearAnswer, NearQuestion, NearbySearch, Search, SoonAnswer};
use kerb_spatial::Circle;
use tokio::time::Instant;

use crate::lanes::ask_all;
use crate::service::Aggregator;
use crate::travel::SoonestOf;

impl NearbySearch for Aggregator {
    fn nearest(&self, questions: Vec<NearQuestion>, deadline: Instant) -> Answer<'_, Vec<NearAnswer>> {
        let aggregator = self.clone();
        ask_all(questions, move |question| answer(aggregator.clone(), question, deadline)).boxed()
    }

    fn soonest(&self, question: NearQuestion, deadline: Instant) -> Answer<'_, SoonAnswer> {
        async move {
            let circle = circle_of(&question)?;
            let search = SoonestOf { circle, k: question.k, filter: question.filter };
            let ranked = self.soonest_of(search, deadline).await?;
            let complete = ranked.exact && ranked.coverage.is_complete();
            Ok(SoonAnswer { hits: ranked.hits, etas: ranked.etas, complete })
        }
        .boxed()
    }
}

async fn answer(
    aggregator: Aggregator,
    question: NearQuestion,
    deadline: Instant,
) -> Result<NearAnswer, Error> {
    let search = Search::Nearest { circle: circle_of(&question)?, k: question.k };
    let found = aggregator.scatter(search, question.filter, deadline).await;
    Ok(NearAnswer { complete: found.coverage.is_complete(), hits: found.hits })
}

fn circle_of(question: &NearQuestion) -> Result<Circle, Error> {
    Circle::new(question.point, question.radius_m)
        .map_err(|error| FieldError::new("radius_m", error.to_string()).into())
}
