//! Explanations of trips: collects the input of the pure module `explain`.

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};
use kerb_ports::{DriverFilter, Leg, NearbyQuery, NearbyResults, Neighbor, TravelTimeQuery};
use kerb_trips::{Trip, TripId};
use kerb_types::limits::NEIGHBORS_MAX;
use kerb_types::{DriverId, Millis, run_blocking};
use tokio::time::Instant;

use super::Matcher;
use crate::error::MatcherError;
use crate::explain::{Explanation, Filters};
use crate::mailbox::{MarketQuery, TripExplanationInput};
use crate::options::ms;
use crate::window::PickupLimit;

impl Matcher {
    /// Explains why the trip has no driver: how many of the drivers near the pickup each filter drops at present, and the
    /// verdict on the named driver. `shards_missing` is set if shards did not answer.
    ///
    /// [`MatcherError::NotFound`]: there is no such trip.
    pub async fn explain(&self, trip: TripId, driver: Option<DriverId>) -> Result<Explanation, MatcherError> {
        let market = self.0.market_of(&trip)?;
        let input = market.query(|reply| MarketQuery::ExplanationInput { trip, reply }).await?;
        let TripExplanationInput { trip, winners } = input;
        let nearby = self.drivers_near(trip.request.pickup).await?;
        let answer = nearby.results.first();
        let answer =
            answer.ok_or_else(|| MatcherError::Internal("no answer to the query for drivers".to_owned()))?;
        let is_reserved =
            |neighbor: &Neighbor| trip.reserved_drivers().any(|driver| *driver == neighbor.profile.id);
        let neighbors = nearby.neighbors_of(answer).filter(|neighbor| !is_reserved(neighbor)).cloned();
        let (neighbors, complete): (Vec<Neighbor>, _) = (neighbors.collect(), answer.complete);
        let etas_s = self.etas_s(&neighbors, trip.request.pickup).await?;
        let now = self.0.ports.clock.now();
        let waited_ms = now - trip.times.requested_ms;
        let filters = Filters {
            trip: &trip,
            reservations: &self.0.reservations,
            winners: &winners,
            pickup_limit_s: PickupLimit::new(&self.0.options).after(waited_ms, trip.request.wait_max_ms),
            time_min_ms: now - Millis::from(self.0.options.stale_after_ms),
            now,
        };
        let mut explanation = Explanation { shards_missing: !complete, ..Explanation::of(&trip) };
        for (neighbor, eta_s) in neighbors.iter().zip(etas_s) {
            let result = filters.apply(neighbor, eta_s);
            explanation.count(&result);
            if Some(&neighbor.profile.id) == driver.as_ref() {
                explanation.driver_verdict = result.to_string();
            }
        }
        if let Some(driver) = driver.filter(|_| explanation.driver_verdict.is_empty()) {
            explanation.driver_verdict = self.verdict_of_distant(&trip, &driver, complete).await;
        }
        Ok(explanation)
    }

    /// Searches the nearest drivers in any status.
    async fn drivers_near(&self, point: LatLng) -> Result<NearbyResults, MatcherError> {
        let options = &self.0.options;
        let radius_m = options.pickup_radius_m();
        let query = NearbyQuery { point, k: NEIGHBORS_MAX, radius_m, filter: DriverFilter::ANY };
        let deadline = Instant::now() + ms(options.search_timeout_ms);
        Ok(self.0.ports.search.nearest(vec![query], deadline).await?)
    }

    async fn etas_s(&self, neighbors: &[Neighbor], pickup: LatLng) -> Result<Vec<u32>, MatcherError> {
        let query = TravelTimeQuery {
            origins: neighbors.iter().map(|neighbor| neighbor.position).collect(),
            destinations: vec![pickup],
            legs: (0..neighbors.len() as u32).map(|origin| Leg { origin, destination: 0 }).collect(),
        };
        let times = Arc::clone(&self.0.ports.times);
        // The same headings as in a window.
        let headings_deg: Vec<_> =
            neighbors.iter().map(|neighbor| neighbor.motion.driving_heading_deg()).collect();
        let table = run_blocking(move || times.table_toward(&query, &headings_deg)).await;
        table
            .map(|table| table.seconds)
            .map_err(|error| MatcherError::Internal(format!("no travel times: {error}")))
    }

    /// Returns the verdict on a driver who is not among the nearest drivers.
    async fn verdict_of_distant(&self, trip: &Trip, driver: &DriverId, complete: bool) -> String {
        if trip.driver.as_ref() == Some(driver) && trip.state.has_driver() {
            return format!("is the driver of this trip, which is {}", trip.state);
        }
        if trip.reserved_drivers().any(|reserved| reserved == driver) {
            return "has a takeover offer of this trip".to_owned();
        }
        let report = self.0.ingest_nodes.locate(std::slice::from_ref(driver)).await;
        let radius_m = self.0.options.pickup_radius_m();
        match report.locations.first().copied().flatten().map(|location| location.position) {
            None if report.complete => "no ingest node knows the driver".to_owned(),
            None => "not every ingest node answered, and none that did knows the driver".to_owned(),
            Some(None) => "has not reported a position yet".to_owned(),
            Some(Some((position, _))) => {
                let distance_m = distance_m(position, trip.request.pickup);
                if distance_m > radius_m {
                    format!("too far: {distance_m:.0} m from the pickup, looked at within {radius_m:.0} m")
                } else if !complete {
                    format!("{distance_m:.0} m from the pickup, maybe in a shard that did not answer in time")
                } else {
                    format!(
                        "{distance_m:.0} m from the pickup, but not in the index or not among the nearest {NEIGHBORS_MAX}"
                    )
                }
            }
        }
    }
}
