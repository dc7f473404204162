//! `NearbyService`.

use h3o::Resolution;
use kerb_fleet::{Catalog, Cursor, Error, Hit, Motion, Search};
use kerb_proto::convert::{public_position, public_status};
use kerb_proto::status::status_of;
use kerb_proto::v1::nearby_service_server::NearbyService;
use kerb_proto::v1::{
    Coverage, FindNearbyBatchRequest, FindNearbyBatchResponse, FindNearbyRequest, FindNearbyResponse,
    NearbyDriver,
};
use kerb_spatial::{LatLng, hav_to_m};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::{Grpc, timeout_of};
use crate::lanes::ask_all;
use crate::page_token;
use crate::query::Found;
use crate::service::Aggregator;
use crate::validate::{Checked, Page, validate, validate_batch};

#[tonic::async_trait]
impl NearbyService for Grpc {
    async fn find_nearby(
        &self,
        request: Request<FindNearbyRequest>,
    ) -> Result<Response<FindNearbyResponse>, Status> {
        let aggregator = &self.0;
        let deadline = aggregator.options().deadline(timeout_of(request.metadata()), Instant::now());
        let checked = validate(request.into_inner(), aggregator.catalog(), aggregator.options());
        let checked = checked.map_err(|error| status_of(&error))?;
        let answer = answer(aggregator, checked, deadline).await;
        answer.map(Response::new).map_err(|error| status_of(&error))
    }

    async fn find_nearby_batch(
        &self,
        request: Request<FindNearbyBatchRequest>,
    ) -> Result<Response<FindNearbyBatchResponse>, Status> {
        let aggregator = self.0.clone();
        let deadline = aggregator.options().deadline(timeout_of(request.metadata()), Instant::now());
        let searches = request.into_inner().searches;
        let checked = validate_batch(searches, aggregator.catalog(), aggregator.options());
        let checked = checked.map_err(|error| status_of(&error))?;
        let ask = move |checked| {
            let aggregator = aggregator.clone();
            async move { answer(&aggregator, checked, deadline).await }
        };
        let answers = ask_all(checked, ask).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(FindNearbyBatchResponse { answers }))
    }
}

async fn answer(
    aggregator: &Aggregator,
    checked: Checked,
    deadline: Instant,
) -> Result<FindNearbyResponse, Error> {
    let by_id = matches!(checked.query.search, Search::WithinPolygon { .. });
    let found = aggregator.find(checked.query, deadline).await?;
    let (shown, next_page_token) = cut_to_page(&found, checked.page, by_id);
    let present = Presenter { catalog: aggregator.catalog(), now_ms: aggregator.now_ms(), h3: checked.h3 };
    Ok(FindNearbyResponse {
        drivers: shown.iter().map(|hit| present.driver(hit)).collect(),
        coverage: Some(coverage(&found.coverage)),
        next_page_token,
    })
}

/// The hits of the page, and its token when there are more.
fn cut_to_page(found: &Found, page: Option<Page>, by_id: bool) -> (&[Hit], String) {
    match page {
        Some(page) if found.hits.len() > page.size as usize => {
            let shown = &found.hits[..page.size as usize];
            let last = shown.last().expect("a page has at least one driver");
            let hav = if by_id { 0.0 } else { last.hav };
            let cursor = Cursor { hav, id: last.card.id.clone() };
            (shown, page_token::encode(page.fingerprint, &cursor))
        }
        _ => (&found.hits, String::new()),
    }
}

fn coverage(coverage: &crate::gather::Coverage) -> Coverage {
    Coverage {
        shards_asked: coverage.asked,
        shards_answered: coverage.answered(),
        shards_missing: coverage.missing.iter().map(|shard| u32::from(shard.0)).collect(),
    }
}

struct Presenter<'a> {
    catalog: &'a Catalog,
    now_ms: i64,
    h3: Option<Resolution>,
}

impl Presenter<'_> {
    fn driver(&self, hit: &Hit) -> NearbyDriver {
        NearbyDriver {
            driver_id: hit.card.id.as_str().to_owned(),
            position: Some(public_position(hit.position, hit.stamp, hit.motion, Motion::NOT_KNOWN)),
            distance_m: hav_to_m(hit.hav),
            position_age_ms: age_ms(self.now_ms, hit.stamp.time_ms),
            status: public_status(hit.status).into(),
            vehicle_class: self.catalog.vehicle_class_name(hit.card.vehicle_class).to_owned(),
            capabilities: self.catalog.capability_names(hit.card.capabilities).map(str::to_owned).collect(),
            h3_cell: self.h3.map_or_else(String::new, |resolution| h3_cell(hit.position, resolution)),
        }
    }
}

/// 0 when the device's clock is ahead.
pub(super) fn age_ms(now_ms: i64, time_ms: i64) -> u32 {
    now_ms.saturating_sub(time_ms).clamp(0, i64::from(u32::MAX)) as u32
}

fn h3_cell(position: LatLng, resolution: Resolution) -> String {
    let point = h3o::LatLng::new(position.lat_deg(), position.lon_deg()).expect("a position is finite");
    point.to_cell(resolution).to_string()
}
