//! Explaining a trip: the search and the look that the pure `explain` is fed with.

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};
use kerb_ports::{DriverFilter, Error, Leg, NearbyQuery, NearbyResults, Neighbor, TravelTimeQuery};
use kerb_trips::{Trip, TripId};
use kerb_types::limits::NEIGHBORS_MAX;
use kerb_types::{DriverId, run_blocking};
use tokio::time::Instant;

use super::Matcher;
use crate::explain::{Explanation, Filters};
use crate::options::ms;
use crate::task::State;

impl Matcher {
    /// Why the trip has no driver (yet): how many of the drivers around each filter drops, now; and what became of
    /// the named one. Says so when it does not speak for all shards.
    ///
    /// [`Error::NotFound`]: no such trip.
    pub async fn explain(&self, trip: TripId, driver: Option<DriverId>) -> Result<Explanation, Error> {
        let asked = trip.clone();
        let look = move |state: &State| {
            let trip = crate::mailbox::trip_of(state, &asked)?;
            Ok((trip, state.last.winners.clone()))
        };
        let (trip, winners) = self.desk_of(&trip)?.look(look).await?;
        let around = self.drivers_around(trip.request.pickup).await?;
        let answer = around.results.first();
        let answer =
            answer.ok_or_else(|| Error::Internal("no answer to the query for drivers".to_owned()))?;
        let is_promised =
            |neighbor: &Neighbor| trip.reserved_drivers().any(|driver| *driver == neighbor.profile.id);
        let neighbors = around.neighbors_of(answer).filter(|neighbor| !is_promised(neighbor)).cloned();
        let (neighbors, complete): (Vec<Neighbor>, _) = (neighbors.collect(), answer.complete);
        let etas_s = self.etas_s(&neighbors, trip.request.pickup).await?;
        let now_ms = self.0.ports.clock.now_ms();
        let filters = Filters {
            trip: &trip,
            reservations: &self.0.reservations,
            winners: &winners,
            pickup_max_s: self.0.options.pickup_max_s,
            time_min_ms: now_ms - i64::from(self.0.options.stale_after_ms),
            now_ms,
        };
        let mut explanation = Explanation { shards_missing: !complete, ..Explanation::of(&trip) };
        for (neighbor, eta_s) in neighbors.iter().zip(etas_s) {
            let verdict = filters.verdict(neighbor, eta_s);
            explanation.count(&verdict);
            if Some(&neighbor.profile.id) == driver.as_ref() {
                explanation.driver_verdict = verdict.to_string();
            }
        }
        if let Some(driver) = driver.filter(|_| explanation.driver_verdict.is_empty()) {
            explanation.driver_verdict = self.not_among_them(&trip, &driver, complete).await;
        }
        Ok(explanation)
    }

    /// The nearest ones, whatever they do.
    async fn drivers_around(&self, point: LatLng) -> Result<NearbyResults, Error> {
        let options = &self.0.options;
        let radius_m = options.pickup_radius_m();
        let query = NearbyQuery { point, k: NEIGHBORS_MAX, radius_m, filter: DriverFilter::ANY };
        let deadline = Instant::now() + ms(options.search_timeout_ms);
        self.0.ports.search.nearest(vec![query], deadline).await
    }

    async fn etas_s(&self, neighbors: &[Neighbor], pickup: LatLng) -> Result<Vec<u32>, Error> {
        let query = TravelTimeQuery {
            origins: neighbors.iter().map(|neighbor| neighbor.position).collect(),
            destinations: vec![pickup],
            legs: (0..neighbors.len() as u32).map(|origin| Leg { origin, destination: 0 }).collect(),
        };
        let times = Arc::clone(&self.0.ports.times);
        let table = run_blocking(move || times.table(&query)).await;
        table.map(|table| table.seconds).map_err(|error| Error::Internal(format!("no travel times: {error}")))
    }

    /// What became of a driver who is not among those looked at.
    async fn not_among_them(&self, trip: &Trip, driver: &DriverId, complete: bool) -> String {
        if trip.driver.as_ref() == Some(driver) && trip.state.has_driver() {
            return format!("is the driver of this trip, which is {}", trip.state);
        }
        if trip.reserved_drivers().any(|promised| promised == driver) {
            return "is asked to take this trip over from its driver".to_owned();
        }
        let located = self.0.drivers.locations(std::slice::from_ref(driver)).await;
        let radius_m = self.0.options.pickup_radius_m();
        match located.drivers.first().copied().flatten().map(|found| found.position) {
            None if located.complete => "no ingest node knows the driver".to_owned(),
            None => "not every ingest node answered, and none that did knows the driver".to_owned(),
            Some(None) => "has not reported a position yet".to_owned(),
            Some(Some((position, _))) => {
                let away_m = distance_m(position, trip.request.pickup);
                if away_m > radius_m {
                    format!("too far: {away_m:.0} m from the pickup, looked at within {radius_m:.0} m")
                } else if !complete {
                    format!("{away_m:.0} m from the pickup, maybe in a shard that did not answer in time")
                } else {
                    format!(
                        "{away_m:.0} m from the pickup, but not in the index or not among the nearest {NEIGHBORS_MAX}"
                    )
                }
            }
        }
    }
}
