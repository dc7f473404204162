//! Searches of a matcher: fleet's `NearbySearch`, many nearest ones at once for candidates, one by travel time for a quote.
//!
//! Questions from the same part of a city are asked [together](crate::together) first; each that is left is scattered as
//! a caller's own search is. None joins another's flight: no two are equal, and their filter says since when a position
//! counts, not how old it may be.

use futures::FutureExt;
use kerb_geometry::Circle;
use kerb_ports::{
    Answer, Error, NearbyQuery, NearbyResult, NearbyResults, NearbySearch, NearestByEta, Search,
};
use kerb_types::{FieldError, run_blocking};
use tokio::time::Instant;

use crate::lanes::ask_all;
use crate::query::Found;
use crate::service::Aggregator;
use crate::together::{Asked, DRIVERS_MAX, Group, answers, groups};
use crate::travel::SoonestOf;

/// A search for many questions has this share of their time: what is left is for those that it does not answer.
const TOGETHER_SHARE: f64 = 0.5;

impl NearbySearch for Aggregator {
    fn nearest(&self, questions: Vec<NearbyQuery>, deadline: Instant) -> Answer<'_, NearbyResults> {
        nearest(self.clone(), questions, deadline).boxed()
    }

    fn nearest_by_eta(&self, question: NearbyQuery, deadline: Instant) -> Answer<'_, NearestByEta> {
        async move {
            let circle = circle_of(&question)?;
            let search = SoonestOf { circle, k: question.k, filter: question.filter };
            let ranked = self.soonest_of(search, deadline).await?;
            let complete = ranked.exact && ranked.coverage.is_complete();
            Ok(NearestByEta { hits: ranked.hits, etas: ranked.etas, complete })
        }
        .boxed()
    }
}

async fn nearest(
    aggregator: Aggregator,
    questions: Vec<NearbyQuery>,
    deadline: Instant,
) -> Result<NearbyResults, Error> {
    let asked = questions
        .iter()
        .map(|question| Ok(Asked { circle: circle_of(question)?, k: question.k, filter: question.filter }));
    let asked = asked.collect::<Result<Vec<_>, Error>>()?;
    let groups = groups(&asked);
    if groups.is_empty() {
        return one_by_one(aggregator, asked, deadline).await;
    }
    let until = Instant::now() + deadline.saturating_duration_since(Instant::now()).mul_f64(TOGETHER_SHARE);
    let all = groups.iter().map(|group| Asked { circle: group.circle, k: DRIVERS_MAX, filter: group.filter });
    let found = search_all(aggregator.clone(), all.collect(), until).await?;
    let picked = run_blocking(move || pick(asked, &groups, found)).await;
    let Picked { asked, hits, mut of } =
        picked.map_err(|error| Error::Internal(format!("candidates were not picked: {error}")))?;
    let left: Vec<_> = of.iter().zip(&asked).filter(|(of, _)| of.is_none()).map(|(_, one)| *one).collect();
    let mut answers = NearbyResults { hits, answers: Vec::with_capacity(asked.len()) };
    let mut rest = search_all(aggregator, left, deadline).await?.into_iter();
    for answer in &mut of {
        match answer.take() {
            Some(answer) => answers.answers.push(answer),
            None => add(&mut answers, rest.next().expect("asked for each that is left")),
        }
    }
    Ok(answers)
}

/// Each by a search of its own.
async fn one_by_one(
    aggregator: Aggregator,
    asked: Vec<Asked>,
    deadline: Instant,
) -> Result<NearbyResults, Error> {
    let mut answers = NearbyResults::default();
    search_all(aggregator, asked, deadline).await?.into_iter().for_each(|found| add(&mut answers, found));
    Ok(answers)
}

fn add(answers: &mut NearbyResults, found: Found) {
    answers.push(found.hits, found.coverage.is_complete());
}

async fn search_all(
    aggregator: Aggregator,
    asked: Vec<Asked>,
    deadline: Instant,
) -> Result<Vec<Found>, Error> {
    let search = move |asked: Asked| {
        let aggregator = aggregator.clone();
        let search = Search::Nearest { circle: asked.circle, k: asked.k };
        async move { Ok(aggregator.scatter(search, asked.filter, deadline).await) }
    };
    ask_all(asked, search).await
}

/// What came of the searches for many.
struct Picked {
    asked: Vec<Asked>,
    hits: Vec<kerb_ports::Neighbor>,
    /// One a question, where its group's search has found all.
    of: Vec<Option<NearbyResult>>,
}

fn pick(asked: Vec<Asked>, groups: &[Group], found: Vec<Found>) -> Picked {
    let mut picked = Picked { of: vec![None; asked.len()], asked, hits: Vec::new() };
    for (group, found) in groups.iter().zip(found) {
        if found.coverage.is_complete() && found.hits.len() < DRIVERS_MAX as usize {
            let first = picked.hits.len() as u32;
            for (place, answer) in answers(group, &picked.asked, &found.hits, first) {
                picked.of[place] = Some(answer);
            }
            picked.hits.extend(found.hits);
        }
    }
    picked
}

fn circle_of(question: &NearbyQuery) -> Result<Circle, Error> {
    Circle::new(question.point, question.radius_m)
        .map_err(|error| FieldError::new("radius_m", error.to_string()).into())
}
