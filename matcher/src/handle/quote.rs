//! Quotes: the search and the way that the pure `quote` is fed with.

use std::sync::Arc;

use kerb_geometry::LatLng;
use kerb_ports::{Drive, Error, Eta, NearbyQuery};
use kerb_types::limits::NEIGHBORS_MAX;
use kerb_types::run_blocking;
use tokio::time::Instant;

use super::Matcher;
use crate::options::ms;
use crate::quote::{Quote, QuoteRequest, first_free};
use crate::window::suitable;

/// Drivers that are looked at first. One is enough, unless those who seem free are promised already.
const DRIVERS_MIN: u32 = 4;
/// So many times as many when all of them are.
const DRIVERS_GROWTH: u32 = 4;

impl Matcher {
    /// What a ride would be now. Promises nothing and keeps no driver.
    ///
    /// [`Error::Invalid`]: the pickup is outside every market. [`Error::FailedPrecondition`]: the market is paused.
    /// [`Error::Overloaded`]: too many quotes at one time. [`Error::DeadlineExceeded`]: nobody was found or timed in time.
    pub async fn quote(&self, request: QuoteRequest) -> Result<Quote, Error> {
        let options = &self.0.options;
        let Ok(_permit) = self.0.quotes.try_acquire() else {
            return Err(Error::Overloaded { what: "quotes", limit: options.quotes_max as usize });
        };
        let market = self.0.markets.of(request.pickup)?.clone();
        self.desk(&market)?.look(|state| state.market.takes_requests()).await?;
        let at_ms = self.0.ports.clock.now_ms();
        let ways = (self.soonest_free(&request, at_ms), self.drive(request.pickup, request.dropoff));
        let ((soonest, all_looked_at), ride) = futures::try_join!(ways.0, ways.1)?;
        Ok(Quote {
            at_ms,
            valid_until_ms: at_ms + i64::from(options.quote_valid_ms),
            market,
            pickup: soonest.filter(|eta| eta.time_s <= options.pickup_max_s),
            ride,
            pickup_incomplete: !all_looked_at,
        })
    }

    /// The free driver who would be there first, and whether everybody was looked at who might be sooner.
    async fn soonest_free(&self, request: &QuoteRequest, now_ms: i64) -> Result<(Option<Eta>, bool), Error> {
        let options = &self.0.options;
        let time_min_ms = now_ms.saturating_sub(i64::from(options.stale_after_ms));
        let deadline = Instant::now() + ms(options.search_timeout_ms);
        let mut query = NearbyQuery {
            point: request.pickup,
            k: DRIVERS_MIN,
            radius_m: options.pickup_radius_m(),
            filter: suitable(request.vehicle_class, request.capabilities, time_min_ms),
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

    async fn drive(&self, from: LatLng, to: LatLng) -> Result<Drive, Error> {
        let times = Arc::clone(&self.0.ports.times);
        let drive = run_blocking(move || times.drive(from, to)).await;
        drive.map_err(|error| Error::Internal(format!("no way: {error}")))
    }
}
