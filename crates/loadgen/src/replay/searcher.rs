//! Sends random queries at a steady rate and queues the answers for their check.

use std::sync::Arc;
use std::time::Duration;

use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::state::ReplayState;
use crate::checker::{Answer, NotReadable};
use crate::history::Span;
use crate::query::Query;

/// A search that takes longer counts as failed.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(10);

/// An answered query.
pub(super) struct AnsweredQuery {
    pub(super) query: Query,
    pub(super) answer: Result<Answer, NotReadable>,
    pub(super) span: Span,
    pub(super) latency_us: u64,
}

/// Searches until `stop`. Each searcher has its own sequence of queries.
pub(super) async fn run(
    shared: Arc<ReplayState>,
    worker: u32,
    out: mpsc::Sender<AnsweredQuery>,
    stop: CancellationToken,
) {
    let mut rng =
        Pcg64Mcg::seed_from_u64(shared.options.seed.wrapping_mul(31).wrapping_add(u64::from(worker)));
    let period =
        Duration::from_secs_f64(f64::from(shared.options.searchers) / shared.options.searches_per_second);
    let offset = period.mul_f64(f64::from(worker) / f64::from(shared.options.searchers));
    let mut ticks = interval_at(Instant::now() + offset, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for number in worker as usize.. {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let Some(near) = shared.some_place(rng.random_range(0..usize::MAX)) else { continue };
        let query = query(&shared, &mut rng, near);
        if let Some(answered) = ask(&shared, query, number).await
            && out.send(answered).await.is_err()
        {
            return;
        }
    }
}

fn query(shared: &ReplayState, rng: &mut Pcg64Mcg, near: kerb_geometry::LatLng) -> Query {
    Query::random(rng, near, shared.catalog.vehicle_classes(), &shared.catalog.all_capabilities()[..2])
}

/// Sends the query. `None` when the search failed, which is counted. `number` selects node and connection in turn.
async fn ask(shared: &ReplayState, query: Query, number: usize) -> Option<AnsweredQuery> {
    let request = query.to_wire();
    let channel = shared.search.get(number, number / shared.search.nodes());
    let mut client = NearbyServiceClient::new(channel).max_decoding_message_size(16 << 20);
    let (began_ms, began) = (shared.now_ms(), Instant::now());
    let answer = timeout(SEARCH_TIMEOUT, client.find_nearby(request)).await;
    let latency_us = began.elapsed().as_micros() as u64;
    // Times are cut to milliseconds: an update of the last one still counts as possible.
    let span = Span { began_ms, ended_ms: shared.now_ms() + 1 };
    match answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer"))) {
        Ok(response) => {
            let answer = Answer::from_wire(response.into_inner());
            Some(AnsweredQuery { query, answer, span, latency_us })
        }
        Err(status) => {
            let mut tallies = shared.tallies.lock();
            *tallies.failed.entry(format!("{:?}", status.code())).or_default() += 1;
            None
        }
    }
}
