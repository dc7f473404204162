//! The handle of a matcher: started from its options and ports, cloned, and shut down.

mod driver_events;
mod event_subscription;
mod explain;
mod quote;

use std::sync::Arc;

use futures::stream::Stream;
use kerb_assignment::Policy;
use kerb_trips::{MarketId, RideRequest, RiderId, Trip, TripId};
use kerb_types::Catalog;
use tokio::sync::watch;

use crate::error::MatcherError;
use crate::mailbox::{MarketCommand, MarketHandle, MarketQuery, MarketReport};
use crate::market::used_key;
use crate::metrics::MetricsSnapshot;
use crate::options::Options;
use crate::service::{Ports, Service, StartError};
use crate::trip_watch::{WatchUpdate, watch_trip};
use event_subscription::subscribe;

pub use event_subscription::{EventPosition, JournaledEvent};

/// A handle of a running matcher. Cheap to clone. Dropping the last one aborts its tasks; [`Matcher::shutdown`] finishes
/// them.
#[derive(Clone)]
pub struct Matcher(Arc<Service>);

impl Matcher {
    /// Takes every market over and starts its task. Must run inside a tokio runtime.
    ///
    /// The start reads each market from its journal and fences it with an empty record. Only when all markets are fenced,
    /// the first of them decides. A matcher that worked on any of these markets stops all of its own markets, and must be
    /// started again.
    pub async fn start(options: Options, ports: Ports) -> Result<Self, StartError> {
        Ok(Self(Arc::new(Service::start(options, ports).await?)))
    }

    /// Requests a ride. Returns once the request is durable. A repeated request with the same key returns the first trip.
    /// Keys and limits hold for the rider over all markets of this process.
    ///
    /// [`MatcherError::Invalid`]: the pickup is outside every market, or the key belongs to a different request.
    /// [`MatcherError::Overloaded`]: the rider has too many live trips, or the market is full.
    /// [`MatcherError::FailedPrecondition`]: the market is paused.
    pub async fn request(&self, request: RideRequest) -> Result<Trip, MatcherError> {
        let id = self.0.areas.of(request.pickup)?;
        let market = self.0.market(id)?;
        let riders = &self.0.rider_markets;
        let _turn = riders.turn(&request.rider).await;
        let mut live_in_others = 0;
        for other in riders.others(&request.rider, id) {
            let (rider, key) = (request.rider.clone(), request.key.clone());
            let known = self.0.market(&other)?.query(|reply| MarketQuery::RiderTrips { rider, key, reply });
            let known = known.await?;
            match (known.with_key, known.ended_with_key) {
                (Some(trip), _) if trip.request == request => return Ok(trip),
                (Some(_), _) => return Err(used_key(&request, "another request")),
                (None, Some(trip)) => {
                    return Err(used_key(&request, &format!("trip {trip}, which has ended")));
                }
                (None, None) => live_in_others += known.live,
            }
        }
        riders.add(&request.rider, id);
        market.execute(|reply| MarketCommand::Request { request, live_in_others, reply }).await
    }

    /// Returns a rider's own trip. [`MatcherError::NotFound`] for an unknown trip and for another rider's.
    pub async fn trip(&self, rider: RiderId, trip: TripId) -> Result<Trip, MatcherError> {
        let market = self.0.market_of(&trip)?;
        market.query(|reply| MarketQuery::Trip { rider, trip, reply }).await
    }

    /// Cancels a trip for its rider. A repeated call returns the same result.
    pub async fn cancel(&self, rider: RiderId, trip: TripId, reason: String) -> Result<Trip, MatcherError> {
        let market = self.0.market_of(&trip)?;
        market.execute(|reply| MarketCommand::Cancel { rider, trip, reason, reply }).await
    }

    /// Cancels a trip for the operator. A repeated call returns the same result.
    pub async fn force_cancel(&self, trip: TripId, reason: String) -> Result<Trip, MatcherError> {
        let market = self.0.market_of(&trip)?;
        market.execute(|reply| MarketCommand::ForceCancel { trip, reason, reply }).await
    }

    /// Watches a rider's own trip from the change after number `after` to its end.
    ///
    /// [`MatcherError::NotFound`] for an unknown trip and for another rider's; [`MatcherError::Invalid`] for a future
    /// number; [`MatcherError::Overloaded`] when too many trips are watched.
    pub async fn watch(
        &self,
        rider: RiderId,
        trip: TripId,
        after: u64,
    ) -> Result<impl Stream<Item = Result<WatchUpdate, MatcherError>> + Send + use<>, MatcherError> {
        let market = self.0.market_of(&trip)?.clone();
        watch_trip(Arc::clone(&self.0.watches), market, rider, trip, after).await
    }

    /// Returns the names of the markets, in the order of the settings.
    pub fn markets(&self) -> &[MarketId] {
        self.0.areas.ids()
    }

    /// Returns a report of each market, in the order of the settings.
    pub async fn reports(&self) -> Result<Vec<MarketReport>, MatcherError> {
        let mut reports = Vec::new();
        for market in self.0.areas.ids() {
            reports.push(self.report(self.0.market(market)?).await?);
        }
        Ok(reports)
    }

    /// Pauses or resumes a market. A paused market takes no requests and makes no offers, also after a restart.
    pub async fn set_paused(&self, market: &MarketId, paused: bool) -> Result<MarketReport, MatcherError> {
        let market = self.0.market(market)?;
        market.execute(|reply| MarketCommand::SetPaused { paused, reply }).await?;
        self.report(market).await
    }

    /// Sets the policy of all windows that begin from now on, until the process ends: for experiments that alternate
    /// policies. The options and a window in progress do not change.
    pub fn set_policy(&self, policy: Policy) {
        self.0.window_rules.lock().policy = policy;
    }

    /// Subscribes to every event of a market after a position, in order and without an end.
    ///
    /// [`MatcherError::NotFound`]: there is no such market. [`MatcherError::Invalid`]: the position is in the future.
    /// [`MatcherError::Overloaded`]: there are too many subscriptions.
    pub async fn subscribe(
        &self,
        market: MarketId,
        after: Option<EventPosition>,
    ) -> Result<impl Stream<Item = Result<JournaledEvent, MatcherError>> + Send + use<>, MatcherError> {
        let handle = self.0.market(&market)?.clone();
        let limit = self.0.options.subscriptions_max as usize;
        let permit = Arc::clone(&self.0.subscription_permits).try_acquire_owned();
        let permit = permit.map_err(|_full| MatcherError::Overloaded { what: "subscriptions", limit })?;
        subscribe(Arc::clone(&self.0.ports.journal), handle, market, after, permit).await
    }

    /// Stops the markets after their present record, saves a snapshot of each, and ends all tasks.
    pub async fn shutdown(self) {
        self.0.shutdown().await;
    }

    /// Returns whether at least one market makes decisions, now and after each change. A full disk suspends markets until it
    /// has room.
    pub fn decides(&self) -> watch::Receiver<bool> {
        self.0.suspended.decides()
    }

    /// Resolves with a reason when the markets have stopped for good: another matcher has taken one of them over, or one
    /// cannot be recovered. Only a new start helps.
    pub async fn failed(&self) -> String {
        self.0.fencing.cancelled().await;
        self.0.fencing.reason().unwrap_or("its markets have stopped").to_owned()
    }

    /// Returns the options.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Returns the vehicle classes and capabilities.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.0.ports.catalog
    }

    /// Returns the counts since the start.
    pub fn metrics(&self) -> MetricsSnapshot {
        self.0.metrics.snapshot()
    }

    async fn report(&self, market: &MarketHandle) -> Result<MarketReport, MatcherError> {
        let now = self.0.ports.clock.now();
        market.query(|reply| MarketQuery::Report { now, reply }).await
    }
}
