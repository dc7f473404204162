//! The matcher as a value: started from its options and ports, cloned as a handle, and shut down.

mod driver_events;
mod explain;
mod quote;

use std::sync::Arc;

use futures::stream::Stream;
use kerb_ports::{Error, Membership, NearbySearch, Peers, TravelTimes, TripJournal};
use kerb_trips::{MarketId, RideRequest, RiderId, Trip, TripId, Version};
use kerb_types::{Catalog, Clock, NodeId};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::StartError;
use crate::mailbox::{MarketHandle, MarketHandles, trip_of, unknown_trip};
use crate::market::{Counts, Reservations};
use crate::markets::Markets;
use crate::notify::ingest_nodes::IngestNodes;
use crate::options::Options;
use crate::service;
use crate::subscription::{EventPosition, JournaledEvent, subscribe};
use crate::task::State;
use crate::watch::{TripWatches, WatchUpdate, watch};
use crate::window::WindowRules;
use kerb_assignment::Policy;

/// What a matcher is connected to.
#[derive(Clone)]
pub struct Ports {
    /// The name of this node; it stands in the records.
    pub node: NodeId,
    /// Vehicle classes and capabilities.
    pub catalog: Arc<Catalog>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where decisions are written.
    pub journal: Arc<dyn TripJournal>,
    /// Who is near.
    pub search: Arc<dyn NearbySearch>,
    /// How long a way takes.
    pub times: Arc<dyn TravelTimes>,
    /// Who is there.
    pub membership: Arc<dyn Membership>,
    /// The ingest nodes.
    pub peers: Arc<dyn Peers>,
}

/// A handle of a running matcher. Cheap to clone. Dropping the last one aborts its work; [`Matcher::shutdown`] finishes it.
#[derive(Clone)]
pub struct Matcher(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) ports: Ports,
    pub(crate) markets: Markets,
    pub(crate) desks: MarketHandles,
    pub(crate) reservations: Reservations,
    pub(crate) window_rules: Arc<Mutex<WindowRules>>,
    pub(crate) drivers: IngestNodes,
    pub(crate) watches: Arc<TripWatches>,
    /// Places for quotes.
    pub(crate) quotes: Semaphore,
    /// The markets.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// All beside the markets; it ends with them.
    pub(crate) background: TaskTracker,
    pub(crate) abort: CancellationToken,
}

/// How a market is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketReport {
    /// Which.
    pub market: MarketId,
    /// Takes no requests and makes no offers.
    pub paused: bool,
    /// Trips by state.
    pub counts: Counts,
    /// Age of the oldest waiting request, milliseconds; 0 for none.
    pub oldest_waiting_ms: u64,
    /// Windows that were matched since the start of this process.
    pub windows: u64,
    /// Requests of the last window.
    pub last_requests: u32,
    /// Its candidate pairs.
    pub last_pairs: u32,
    /// Offers made.
    pub last_offers: u32,
    /// Its search for candidates took so long, microseconds.
    pub last_candidates_us: u32,
    /// Its travel times and assignment took so long, microseconds.
    pub last_solve_us: u32,
    /// Version of the market's journal.
    pub journal_version: Version,
}

impl Matcher {
    /// Takes every market over and begins to match. Inside a tokio runtime.
    ///
    /// Each market is read from its journal and fenced by an empty record, all of them before anything is decided: another
    /// matcher that works on any of them is over. One that loses a market this way stops all its markets; it is to be
    /// started again.
    pub async fn start(options: Options, ports: Ports) -> Result<Self, StartError> {
        service::start(options, ports).await
    }

    /// A rider asks for a ride. Answered once the request is durable; a repeat under the same key is answered with the
    /// first trip. The key holds within a market.
    ///
    /// [`Error::Invalid`]: the pickup is outside every market, or the key was used for another request.
    /// [`Error::Overloaded`]: the rider has too many live trips, or the market is full. [`Error::FailedPrecondition`]: the
    /// market is paused.
    pub async fn request(&self, request: RideRequest) -> Result<Trip, Error> {
        let market = self.0.markets.of(request.pickup)?;
        let decide = move |market: &mut crate::market::Market, now_ms| market.request(now_ms, request);
        self.desk(market)?.decide(decide, |state, id| trip_of(state, &id)).await
    }

    /// A rider's own trip. [`Error::NotFound`] for an unknown one and for another rider's.
    pub async fn trip(&self, rider: RiderId, trip: TripId) -> Result<Trip, Error> {
        let desk = self.desk_of(&trip)?;
        desk.look(move |state| state.market.trip_of(&rider, &trip).cloned()).await
    }

    /// The rider calls the trip off. A repeat is answered as the first.
    pub async fn cancel(&self, rider: RiderId, trip: TripId, reason: String) -> Result<Trip, Error> {
        let desk = self.desk_of(&trip)?;
        let cancelled = trip.clone();
        desk.decide(
            move |market, now_ms| market.cancel(now_ms, &rider, &trip, &reason),
            move |state, ()| trip_of(state, &cancelled),
        )
        .await
    }

    /// The operator calls the trip off. A repeat is answered as the first.
    pub async fn force_cancel(&self, trip: TripId, reason: String) -> Result<Trip, Error> {
        let desk = self.desk_of(&trip)?;
        let cancelled = trip.clone();
        desk.decide(
            move |market, now_ms| market.force_cancel(now_ms, &trip, &reason),
            move |state, ()| trip_of(state, &cancelled),
        )
        .await
    }

    /// Watches a rider's own trip, from the change after number `after` on, to its end.
    ///
    /// [`Error::NotFound`] for an unknown trip and for another rider's; [`Error::Invalid`] for a number that has not come yet;
    /// [`Error::Overloaded`] when too many are watched.
    pub async fn watch(
        &self,
        rider: RiderId,
        trip: TripId,
        after: u64,
    ) -> Result<impl Stream<Item = Result<WatchUpdate, Error>> + Send + use<>, Error> {
        let desk = self.desk_of(&trip)?.clone();
        watch(Arc::clone(&self.0.watches), desk, rider, trip, after).await
    }

    /// The markets' names, in the settings' order.
    pub fn markets(&self) -> &[MarketId] {
        self.0.markets.ids()
    }

    /// The markets, in the settings' order.
    pub async fn reports(&self) -> Result<Vec<MarketReport>, Error> {
        let mut reports = Vec::new();
        for market in self.0.markets.ids() {
            reports.push(self.report(self.desk(market)?).await?);
        }
        Ok(reports)
    }

    /// Stops or resumes a market: a paused one takes no requests and makes no offers. Survives restarts.
    pub async fn set_paused(&self, market: &MarketId, paused: bool) -> Result<MarketReport, Error> {
        let desk = self.desk(market)?;
        let decide = move |market: &mut crate::market::Market, _| {
            market.set_paused(paused);
            Ok(())
        };
        desk.decide(decide, |_, ()| Ok(())).await?;
        self.report(desk).await
    }

    /// Windows of all markets that begin from now on are decided by this policy, until the process ends: for who tries
    /// policies in turn. The settings, and a window under way, stay as they are.
    pub fn set_policy(&self, policy: Policy) {
        self.0.window_rules.lock().policy = policy;
    }

    /// Every event of a market after a position, in order, and then every new one.
    ///
    /// [`Error::NotFound`]: no such market. [`Error::Invalid`]: the journal has not reached the position.
    pub async fn subscribe(
        &self,
        market: MarketId,
        after: Option<EventPosition>,
    ) -> Result<impl Stream<Item = Result<JournaledEvent, Error>> + Send + use<>, Error> {
        let desk = self.desk(&market)?.clone();
        subscribe(Arc::clone(&self.0.ports.journal), desk, market, after).await
    }

    /// Ends the markets after what they are writing now, keeps a snapshot of each, and stops.
    pub async fn shutdown(self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.abort.cancel();
        self.0.background.close();
        self.0.background.wait().await;
    }

    /// The settings.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The classes and capabilities.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.0.ports.catalog
    }

    async fn report(&self, desk: &MarketHandle) -> Result<MarketReport, Error> {
        let now_ms = self.0.ports.clock.now_ms();
        desk.look(move |state| Ok(report_of(state, now_ms))).await
    }

    fn desk(&self, market: &MarketId) -> Result<&MarketHandle, Error> {
        let unknown = || Error::NotFound { what: "market", id: market.to_string() };
        self.0.desks.get(market).ok_or_else(unknown)
    }

    fn desk_of(&self, trip: &TripId) -> Result<&MarketHandle, Error> {
        self.0.desks.get(&trip.market).ok_or_else(|| unknown_trip(trip))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.abort.cancel();
    }
}

fn report_of(state: &State, now_ms: i64) -> MarketReport {
    let (market, last) = (&state.market, &state.last);
    let counts = market.counts();
    let age_ms = counts.oldest_waiting_ms.map_or(0, |requested_ms| now_ms.saturating_sub(requested_ms));
    MarketReport {
        market: market.id().clone(),
        paused: market.is_paused(),
        counts,
        oldest_waiting_ms: age_ms.max(0).unsigned_abs(),
        windows: state.windows,
        last_requests: last.requests,
        last_pairs: last.pairs,
        last_offers: last.offers,
        last_candidates_us: last.candidates_us,
        last_solve_us: last.solve_us,
        journal_version: market.version(),
    }
}
