//! Quotes: collects the input of the pure module `quote`.

use std::sync::Arc;

use kerb_geometry::LatLng;
use kerb_ports::{Drive, Eta, NearbyQuery};
use kerb_types::limits::NEIGHBORS_MAX;
use kerb_types::run_blocking;
use kerb_types::{Millis, Timestamp};
use tokio::time::Instant;

use super::Matcher;
use crate::error::MatcherError;
use crate::mailbox::MarketQuery;
use crate::options::ms;
use crate::quote::{Quote, QuoteRequest, first_free};
use crate::window::available_filter;

/// Number of drivers in the first search. One is enough, unless the nearest ones are reserved.
const DRIVERS_MIN: u32 = 4;
/// Growth factor of the search when all of its drivers are reserved.
const DRIVERS_GROWTH: u32 = 4;

impl Matcher {
    /// Returns travel time, length and nearest driver of a ride at present. Reserves no driver.
    ///
    /// [`MatcherError::Invalid`]: the pickup is outside every market. [`MatcherError::FailedPrecondition`]: the market is
    /// paused. [`MatcherError::Overloaded`]: there are too many concurrent quotes. [`MatcherError::DeadlineExceeded`]: the
    /// search timed out.
    pub async fn quote(&self, request: QuoteRequest) -> Result<Quote, MatcherError> {
        let options = &self.0.options;
        let Ok(_permit) = self.0.quote_permits.try_acquire() else {
            return Err(MatcherError::Overloaded { what: "quotes", limit: options.quotes_max as usize });
        };
        let market = self.0.areas.of(request.pickup)?.clone();
        self.0.market(&market)?.query(|reply| MarketQuery::AcceptsRequests { reply }).await?;
        let at_ms = self.0.ports.clock.now();
        let pickup = self.nearest_free_driver(&request, at_ms);
        let ride = self.drive(request.pickup, request.dropoff);
        let ((pickup, is_exact), ride) = futures::try_join!(pickup, ride)?;
        Ok(Quote {
            at_ms,
            valid_until_ms: at_ms + Millis::from(options.quote_valid_ms),
            market,
            pickup: pickup.filter(|eta| eta.time_s <= options.pickup_max_s),
            ride,
            pickup_incomplete: !is_exact,
        })
    }

    /// Returns the ETA of the nearest free driver by travel time, and whether no unread driver can be nearer.
    async fn nearest_free_driver(
        &self,
        request: &QuoteRequest,
        now: Timestamp,
    ) -> Result<(Option<Eta>, bool), MatcherError> {
        let options = &self.0.options;
        let time_min_ms = now - Millis::from(options.stale_after_ms);
        let deadline = Instant::now() + ms(options.search_timeout_ms);
        let mut query = NearbyQuery {
            point: request.pickup,
            k: DRIVERS_MIN,
            radius_m: options.pickup_radius_m(),
            filter: available_filter(request.vehicle_class, request.capabilities, time_min_ms),
        };
        loop {
            let answer = self.0.ports.search.nearest_by_eta(query, deadline).await?;
            let free = first_free(&answer, &self.0.reservations).map(|(_, eta)| eta);
            let is_all = answer.neighbors.len() < query.k as usize;
            if free.is_some() || is_all || query.k == NEIGHBORS_MAX {
                return Ok((free, answer.complete && (free.is_some() || is_all)));
            }
            query.k = (query.k * DRIVERS_GROWTH).min(NEIGHBORS_MAX);
        }
    }

    async fn drive(&self, from: LatLng, to: LatLng) -> Result<Drive, MatcherError> {
        let times = Arc::clone(&self.0.ports.times);
        let drive = run_blocking(move || times.drive(from, to)).await;
        drive.map_err(|error| MatcherError::Internal(format!("no travel time: {error}")))
    }
}
