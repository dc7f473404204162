//! `DispatchAdminService`, for the operator.

use kerb_proto::convert::public_state;
use kerb_proto::status::status_of;
use kerb_proto::v1::dispatch_admin_service_server::DispatchAdminService;
use kerb_proto::v1::{
    ExplainTripRequest, ExplainTripResponse, ForceCancelTripRequest, ListMarketsRequest, ListMarketsResponse,
    Market, SetMarketPausedRequest, Trip,
};
use kerb_trips::{MarketId, TripId};
use kerb_types::DriverId;
use tonic::{Request, Response, Status};

use super::{Grpc, reason, rejection};
use crate::explain::Explanation;
use crate::mailbox::MarketReport;

#[tonic::async_trait]
impl DispatchAdminService for Grpc {
    async fn list_markets(
        &self,
        _request: Request<ListMarketsRequest>,
    ) -> Result<Response<ListMarketsResponse>, Status> {
        let reports = self.0.reports().await.map_err(|error| status_of(&error))?;
        Ok(Response::new(ListMarketsResponse { markets: reports.iter().map(market).collect() }))
    }

    async fn set_market_paused(
        &self,
        request: Request<SetMarketPausedRequest>,
    ) -> Result<Response<Market>, Status> {
        let SetMarketPausedRequest { market: name, paused } = request.into_inner();
        let id = MarketId::new(&name).map_err(rejection)?;
        let report = self.0.set_paused(&id, paused).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(market(&report)))
    }

    async fn force_cancel_trip(
        &self,
        request: Request<ForceCancelTripRequest>,
    ) -> Result<Response<Trip>, Status> {
        let ForceCancelTripRequest { trip_id, reason: text } = request.into_inner();
        let trip: TripId = trip_id.parse().map_err(rejection)?;
        let trip = self.0.force_cancel(trip, reason(text)?).await;
        self.trip(trip)
    }

    async fn explain_trip(
        &self,
        request: Request<ExplainTripRequest>,
    ) -> Result<Response<ExplainTripResponse>, Status> {
        let ExplainTripRequest { trip_id, driver_id } = request.into_inner();
        let trip: TripId = trip_id.parse().map_err(rejection)?;
        let named = (!driver_id.is_empty()).then(|| DriverId::new(&driver_id)).transpose();
        let explanation = self.0.explain(trip, named.map_err(rejection)?).await;
        Ok(Response::new(explanation_response(explanation.map_err(|error| status_of(&error))?)))
    }
}

fn market(report: &MarketReport) -> Market {
    let counts = &report.counts;
    Market {
        market: report.market.to_string(),
        paused: report.paused,
        waiting: count(counts.waiting),
        offered: count(counts.offered),
        en_route: count(counts.en_route),
        arrived: count(counts.arrived),
        on_trip: count(counts.on_trip),
        oldest_waiting_ms: report.oldest_waiting_ms,
        windows: report.windows,
        last_requests: report.last_requests,
        last_pairs: report.last_pairs,
        last_offers: report.last_offers,
        last_candidates_us: report.last_candidates_us,
        last_solve_us: report.last_solve_us,
        journal_version: report.journal_version.get(),
    }
}

fn count(trips: usize) -> u32 {
    u32::try_from(trips).unwrap_or(u32::MAX)
}

fn explanation_response(explanation: Explanation) -> ExplainTripResponse {
    ExplainTripResponse {
        trip_id: explanation.trip.to_string(),
        state: public_state(explanation.state).into(),
        drivers: explanation.drivers,
        too_far: explanation.too_far,
        wrong_class: explanation.wrong_class,
        missing_capability: explanation.missing_capability,
        stale: explanation.stale,
        not_available: explanation.not_available,
        on_trip: explanation.on_trip,
        declined_before: explanation.declined_before,
        lost_to_another: explanation.lost_to_another,
        candidates: explanation.candidates,
        driver_verdict: explanation.driver_verdict,
        shards_missing: explanation.shards_missing,
    }
}
