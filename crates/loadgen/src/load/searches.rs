//! Searches at a steady rate, or one after the other as fast as answers come.

use std::time::Duration;

use kerb_proto::v1;
use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::report::SearchReport;
use crate::city::City;
use crate::connect::Endpoints;
use crate::options::LoadOptions;
use crate::query::lat_lng;
use crate::report::Values;

/// The counts of one searcher.
#[derive(Default)]
struct SearcherTally {
    answered: u64,
    failed: u64,
    partial: u64,
    drivers: u64,
    latency_us: Values,
}

/// Searches until `over`; `None` when the options ask for no searches.
pub(super) async fn run(
    options: &LoadOptions,
    city: &City,
    endpoints: &Endpoints,
    over: &CancellationToken,
) -> Option<SearchReport> {
    if options.searchers == 0 {
        return None;
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..options.searchers {
        let channel = endpoints.get(number as usize, number as usize / endpoints.nodes());
        tasks.spawn(search(options.clone(), city.clone(), channel, u64::from(number), over.clone()));
    }
    let mut all = SearcherTally::default();
    for seen in tasks.join_all().await {
        all.answered += seen.answered;
        all.failed += seen.failed;
        all.partial += seen.partial;
        all.drivers += seen.drivers;
        all.latency_us.merge(&seen.latency_us);
    }
    Some(SearchReport {
        answered: all.answered,
        failed: all.failed,
        partial: all.partial,
        drivers_found: all.drivers,
        answered_per_s: all.answered as f64 / began.elapsed().as_secs_f64(),
        latency_us: all.latency_us.summary(),
    })
}

async fn search(
    options: LoadOptions,
    city: City,
    channel: Channel,
    number: u64,
    over: CancellationToken,
) -> SearcherTally {
    let mut rng = Pcg64Mcg::seed_from_u64(options.seed.wrapping_mul(0x9e37).wrapping_add(number));
    let mut client = NearbyServiceClient::new(channel).max_decoding_message_size(16 << 20);
    let mut ticks = (options.searches_per_second > 0).then(|| {
        let period = f64::from(options.searchers) / options.searches_per_second as f64;
        let mut ticks = interval(Duration::from_secs_f64(period));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        ticks
    });
    let mut seen = SearcherTally::default();
    while !over.is_cancelled() {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let point = Some(lat_lng(city.place(&mut rng)));
        let nearest = v1::NearestSearch { point, k: options.k, radius_m: options.radius_m };
        let search = Some(v1::find_nearby_request::Search::Nearest(nearest));
        let request = v1::FindNearbyRequest { search, ..Default::default() };
        let began = Instant::now();
        match client.find_nearby(request).await {
            Ok(response) => seen.add(&response.into_inner(), began.elapsed()),
            Err(_) => seen.failed += 1,
        }
    }
    seen
}

impl SearcherTally {
    fn add(&mut self, response: &v1::FindNearbyResponse, latency: Duration) {
        self.answered += 1;
        self.drivers += response.drivers.len() as u64;
        let coverage = response.coverage.as_ref();
        self.partial += u64::from(coverage.is_some_and(|c| c.shards_answered < c.shards_asked));
        self.latency_us.add(latency.as_micros() as u64);
    }
}
