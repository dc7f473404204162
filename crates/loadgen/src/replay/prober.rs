//! Measures freshness: samples an update as it is sent and searches around the driver until an answer shows
//! it, or a newer one.

use std::sync::Arc;
use std::time::Duration;

use kerb_proto::v1;
use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::probe_queue::Probe;
use super::state::ReplayState;
use crate::query::lat_lng;

/// Pause between two searches. The measured time is too long by at most this and one search.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// Pause between two samples, milliseconds. It is random, because a sample ends when a batch
/// arrives: a fixed pause would stay in phase with the batches and always sample an update right after one.
const REST_MS: std::ops::Range<u64> = 20..320;
/// An update that no search shows within this time counts as a timeout.
const SEEN_WITHIN: Duration = Duration::from_secs(10);
/// Radius of a probe's search, meters. The driver moves some 100 m between two updates at a speed-up of 60.
const AROUND_M: f64 = 500.0;

/// Takes samples until `stop`. `number` identifies the prober.
pub(super) async fn run(shared: Arc<ReplayState>, number: u32, stop: CancellationToken) {
    let mut rng =
        Pcg64Mcg::seed_from_u64(shared.options.seed.wrapping_mul(17).wrapping_add(u64::from(number)));
    let whole = async {
        while let Ok(probe) = shared.probes.wait().await {
            match follow(&shared, probe, number as usize).await {
                Some(seen_after) => shared.tallies.lock().freshness_ms.add(seen_after.as_millis() as u64),
                None => shared.tallies.lock().freshness_timeouts += 1,
            }
            sleep(Duration::from_millis(rng.random_range(REST_MS))).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = whole => {}
    }
}

/// Returns the time from sending the update to the first answer that shows it; `None` after a timeout.
async fn follow(shared: &ReplayState, probe: Probe, number: usize) -> Option<Duration> {
    let member = &shared.fleet.members()[probe.driver];
    let mut client = NearbyServiceClient::new(shared.search.get(number, number));
    while probe.sent_at.elapsed() < SEEN_WITHIN {
        let place = member.history().newest().map(|s| s.place)?;
        let radius = v1::RadiusSearch { point: Some(lat_lng(place)), radius_m: AROUND_M };
        let request = v1::FindNearbyRequest {
            search: Some(v1::find_nearby_request::Search::WithinRadius(radius)),
            ..Default::default()
        };
        // A failed search shows nothing about freshness: repeat it.
        if let Ok(response) = client.find_nearby(request).await {
            let drivers = response.into_inner().drivers;
            let neighbor = drivers.iter().find(|d| d.driver_id == member.profile.id);
            if neighbor.and_then(|d| d.position.as_ref()).is_some_and(|p| p.sequence >= probe.sequence) {
                return Some(probe.sent_at.elapsed());
            }
        }
        sleep(LOOK_EVERY).await;
    }
    None
}
