//! The [`NearbySearch`] port for matchers: nearest searches in batches for candidates, one search by travel time for a
//! quote.
//!
//! Queries from the same part of a city first go to one [shared scan](super::shared_scan). Each query that the scan does
//! not answer gets a search of its own. Candidate queries never join a flight: no two are equal, because their filter
//! names the oldest time of a position, not its age.

use std::sync::Arc;

use futures::{FutureExt, TryFutureExt};
use kerb_geometry::Circle;
use kerb_ports::{
    NearbyQuery, NearbyResult, NearbyResults, NearbySearch, NearbySearchError, NearestByEta, PortFuture,
    Search,
};
use kerb_types::{FieldError, run_blocking};
use tokio::time::Instant;

use super::parallel::run_all;
use super::shared_scan::{CandidateQuery, Group, SCAN_DRIVERS_MAX, answers, groups};
use crate::error::AggregatorError;
use crate::eta::eta_search::EtaQuery;
use crate::handle::Aggregator;
use crate::query::SearchResult;

/// Share of the remaining time that shared scans may take. The rest is for the queries that they do not answer.
const SHARED_SCAN_SHARE: f64 = 0.5;

impl NearbySearch for Aggregator {
    fn nearest(
        &self,
        queries: Vec<NearbyQuery>,
        deadline: Instant,
    ) -> PortFuture<'_, NearbyResults, NearbySearchError> {
        nearest(self.clone(), queries, deadline).err_into().boxed()
    }

    fn nearest_by_eta(
        &self,
        query: NearbyQuery,
        deadline: Instant,
    ) -> PortFuture<'_, NearestByEta, NearbySearchError> {
        async move {
            let circle = circle_of(&query)?;
            let search = EtaQuery { circle, k: query.k, filter: query.filter };
            let ranked = self.nearest_by_eta(search, deadline).await?;
            let complete = ranked.exact && ranked.coverage.is_complete();
            Ok(NearestByEta { neighbors: ranked.neighbors, etas: ranked.etas, complete })
        }
        .boxed()
    }
}

async fn nearest(
    aggregator: Aggregator,
    queries: Vec<NearbyQuery>,
    deadline: Instant,
) -> Result<NearbyResults, AggregatorError> {
    let queries = queries
        .iter()
        .map(|query| Ok(CandidateQuery { circle: circle_of(query)?, k: query.k, filter: query.filter }));
    let queries = queries.collect::<Result<Vec<_>, AggregatorError>>()?;
    let groups = groups(&queries);
    if groups.is_empty() {
        return search_each(aggregator, queries, deadline).await;
    }
    let until =
        Instant::now() + deadline.saturating_duration_since(Instant::now()).mul_f64(SHARED_SCAN_SHARE);
    let all = groups.iter().map(|group| CandidateQuery {
        circle: group.circle,
        k: SCAN_DRIVERS_MAX,
        filter: group.filter,
    });
    let found = search_all(aggregator.clone(), all.collect(), until).await?;
    let scanned = run_blocking(move || pick(queries, &groups, found)).await;
    let ScanAnswers { queries, neighbors, mut of } =
        scanned.map_err(|error| AggregatorError::Internal(format!("candidates were not picked: {error}")))?;
    let unanswered: Vec<_> =
        of.iter().zip(&queries).filter(|(of, _)| of.is_none()).map(|(_, one)| *one).collect();
    let mut answers = NearbyResults { neighbors, results: Vec::with_capacity(queries.len()) };
    let mut rest = search_all(aggregator, unanswered, deadline).await?.into_iter();
    for answer in &mut of {
        match answer.take() {
            Some(answer) => answers.results.push(answer),
            None => add(&mut answers, rest.next().expect("one result for each unanswered query")),
        }
    }
    Ok(answers)
}

/// Runs one search for each query.
async fn search_each(
    aggregator: Aggregator,
    queries: Vec<CandidateQuery>,
    deadline: Instant,
) -> Result<NearbyResults, AggregatorError> {
    let mut answers = NearbyResults::default();
    search_all(aggregator, queries, deadline).await?.into_iter().for_each(|found| add(&mut answers, found));
    Ok(answers)
}

fn add(answers: &mut NearbyResults, found: SearchResult) {
    answers.push(found.neighbors, found.coverage.is_complete());
}

async fn search_all(
    aggregator: Aggregator,
    queries: Vec<CandidateQuery>,
    deadline: Instant,
) -> Result<Vec<SearchResult>, AggregatorError> {
    let lane = Arc::clone(aggregator.batch_lane());
    let search = move |queries: CandidateQuery| {
        let aggregator = aggregator.clone();
        let search = Search::Nearest { circle: queries.circle, k: queries.k };
        async move { Ok(aggregator.scatter(search, queries.filter, deadline).await) }
    };
    run_all(queries, &lane, search).await
}

/// The answers of the shared scans.
struct ScanAnswers {
    queries: Vec<CandidateQuery>,
    neighbors: Vec<kerb_ports::Neighbor>,
    /// One element per query: its answer, if its group's scan found all drivers.
    of: Vec<Option<NearbyResult>>,
}

fn pick(queries: Vec<CandidateQuery>, groups: &[Group], found: Vec<SearchResult>) -> ScanAnswers {
    let mut picked = ScanAnswers { of: vec![None; queries.len()], queries, neighbors: Vec::new() };
    for (group, found) in groups.iter().zip(found) {
        if found.coverage.is_complete() && found.neighbors.len() < SCAN_DRIVERS_MAX as usize {
            let first = picked.neighbors.len() as u32;
            for (place, answer) in answers(group, &picked.queries, &found.neighbors, first) {
                picked.of[place] = Some(answer);
            }
            picked.neighbors.extend(found.neighbors);
        }
    }
    picked
}

fn circle_of(query: &NearbyQuery) -> Result<Circle, AggregatorError> {
    Circle::new(query.point, query.radius_m)
        .map_err(|error| FieldError::new("radius_m", error.to_string()).into())
}
