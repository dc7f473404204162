//! The running matcher: starts the tasks of all markets, and stops them.

use std::collections::BTreeMap;
use std::sync::Arc;

use kerb_ports::{Membership, NearbySearch, Peers, TravelTimes, TripJournal};
use kerb_trips::{MarketId, TripId};
use kerb_types::{Catalog, Clock, FieldError, Millis, NodeId};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::drivers::{DriverNotifier, DriverTracker, IngestNodes, NotificationOutbox, PlausiblePositions};
use crate::error::MatcherError;
use crate::mailbox::RiderMarkets;
use crate::mailbox::{FencingToken, Mailbox, MarketHandle, MarketHandles};
use crate::market::{Reservations, Rules, unknown_trip};
use crate::metrics::Metrics;
use crate::options::{MarketAreas, Options, ms};
use crate::task::{MarketContext, MarketTask, RecoveryError, SuspendedMarkets, take_over};
use crate::trip_watch::TripWatches;
use crate::window::{WindowPace, WindowRules};

/// The ports of a matcher.
#[derive(Clone)]
pub struct Ports {
    /// Name of this node, which its records include.
    pub node: NodeId,
    /// Vehicle classes and capabilities.
    pub catalog: Arc<Catalog>,
    /// The clock of all decisions.
    pub clock: Arc<dyn Clock>,
    /// The journal of all markets.
    pub journal: Arc<dyn TripJournal>,
    /// The search for candidates.
    pub search: Arc<dyn NearbySearch>,
    /// Travel times between positions.
    pub times: Arc<dyn TravelTimes>,
    /// The nodes of the cluster.
    pub membership: Arc<dyn Membership>,
    /// The ingest nodes, by name.
    pub peers: Arc<dyn Peers>,
}

/// The reason why a matcher does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An option is wrong.
    #[error(transparent)]
    Options(#[from] FieldError),
    /// A market could not be taken over.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
}

/// A running matcher. Dropping it aborts its tasks.
pub(crate) struct Service {
    pub(crate) options: Options,
    pub(crate) ports: Ports,
    pub(crate) areas: MarketAreas,
    pub(crate) markets: MarketHandles,
    pub(crate) reservations: Reservations,
    /// The markets that each rider has used.
    pub(crate) rider_markets: RiderMarkets,
    /// The rules of windows that begin from now on.
    pub(crate) window_rules: Arc<Mutex<WindowRules>>,
    pub(crate) ingest_nodes: IngestNodes,
    pub(crate) watches: Arc<TripWatches>,
    pub(crate) metrics: Arc<Metrics>,
    /// Stops all markets for good.
    pub(crate) fencing: FencingToken,
    pub(crate) suspended: SuspendedMarkets,
    /// Permits for concurrent quotes.
    pub(crate) quote_permits: Semaphore,
    /// Permits for open subscriptions.
    pub(crate) subscription_permits: Arc<Semaphore>,
    /// The tasks of the markets.
    market_tasks: TaskTracker,
    /// Stops the markets after their present record.
    stop: CancellationToken,
    /// The driver notifier and the driver trackers, which end after the markets.
    background_tasks: TaskTracker,
    /// Aborts all tasks.
    abort: CancellationToken,
}

impl Service {
    /// Takes all markets over, and starts their tasks.
    pub(crate) async fn start(options: Options, ports: Ports) -> Result<Self, StartError> {
        options.validate()?;
        let areas = MarketAreas::new(&options.markets)?;
        warn_of_markets_without_options(&ports, &areas).await;
        let context = context(&options, &ports, areas.ids().len());
        let stop = CancellationToken::new();
        let rider_markets = RiderMarkets::new();
        let (markets, tasks) = open_markets(&options, &areas, &context, &rider_markets, &stop).await?;
        let view = ports.membership.watch();
        let ingest_nodes = IngestNodes::new(view, Arc::clone(&ports.peers), ms(options.notify_timeout_ms));
        let quote_permits = Semaphore::new(options.quotes_max as usize);
        let subscription_permits = Arc::new(Semaphore::new(options.subscriptions_max as usize));
        let service = Self {
            options,
            ports,
            areas,
            markets,
            reservations: context.reservations,
            rider_markets,
            window_rules: context.window_rules,
            ingest_nodes,
            watches: context.watches,
            metrics: context.metrics,
            fencing: context.fencing,
            suspended: context.suspended,
            quote_permits,
            subscription_permits,
            market_tasks: TaskTracker::new(),
            stop,
            background_tasks: TaskTracker::new(),
            abort: CancellationToken::new(),
        };
        service.spawn_all(tasks, context.outbox);
        Ok(service)
    }

    /// Stops the markets after their present record, saves a snapshot of each, and ends all tasks.
    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.market_tasks.close();
        self.market_tasks.wait().await;
        self.abort.cancel();
        self.background_tasks.close();
        self.background_tasks.wait().await;
    }

    /// Returns the handle of a market. [`MatcherError::NotFound`] for an unknown one.
    pub(crate) fn market(&self, market: &MarketId) -> Result<&MarketHandle, MatcherError> {
        let unknown = || MatcherError::NotFound { what: "market", id: market.to_string() };
        self.markets.get(market).ok_or_else(unknown)
    }

    /// Returns the handle of a trip's market. [`MatcherError::NotFound`] for a trip of an unknown market.
    pub(crate) fn market_of(&self, trip: &TripId) -> Result<&MarketHandle, MatcherError> {
        self.markets.get(&trip.market).ok_or_else(|| unknown_trip(trip))
    }

    fn spawn_all(&self, tasks: Vec<MarketTask>, outbox: Arc<NotificationOutbox>) {
        for task in tasks {
            let (abort, stop) = (self.abort.clone(), self.stop.clone());
            let end = MarketEnd { fencing: self.fencing.clone(), abort: abort.clone(), stop };
            self.market_tasks.spawn(async move {
                let _end = end;
                abort.run_until_cancelled(Box::pin(task.run())).await;
            });
        }
        let notifier = DriverNotifier {
            outbox,
            ingest_nodes: self.ingest_nodes.clone(),
            markets: Arc::clone(&self.markets),
            metrics: Arc::clone(&self.metrics),
        };
        self.spawn_background(notifier.run());
        for market in self.markets.values() {
            let tracker = DriverTracker {
                market: market.clone(),
                ingest_nodes: self.ingest_nodes.clone(),
                watches: Arc::clone(&self.watches),
                times: Arc::clone(&self.ports.times),
                interval: ms(self.options.track_interval_ms),
                positions: PlausiblePositions::new(self.options.vehicle_speed_max_kmh),
            };
            self.spawn_background(tracker.run());
        }
    }

    fn spawn_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        let abort = self.abort.clone();
        self.background_tasks.spawn(async move { abort.run_until_cancelled(work).await });
    }
}

/// Notices the end of a market's task. A task that ends without a stop has panicked: the market would never decide again, so
/// the whole matcher stops, and its process with it.
struct MarketEnd {
    fencing: FencingToken,
    abort: CancellationToken,
    stop: CancellationToken,
}

impl Drop for MarketEnd {
    fn drop(&mut self) {
        if !self.abort.is_cancelled() && !self.stop.is_cancelled() {
            // After a fence, the first reason stays.
            self.fencing.cancel("the task of a market panicked".to_owned());
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.abort.cancel();
    }
}

/// Takes all markets over, and prepares their tasks.
async fn open_markets(
    options: &Options,
    areas: &MarketAreas,
    context: &MarketContext,
    rider_markets: &RiderMarkets,
    stop: &CancellationToken,
) -> Result<(MarketHandles, Vec<MarketTask>), RecoveryError> {
    let mut handles = BTreeMap::new();
    let mut tasks = Vec::new();
    for (id, recovered) in areas.ids().iter().zip(take_over(context, areas.ids()).await?) {
        recovered.market.riders().for_each(|rider| rider_markets.add(rider, id));
        let version = recovered.market.version().get();
        tracing::info!(market = %id, version, replayed = recovered.replayed, "the market was taken over");
        let (handle, mailbox) = Mailbox::open(
            context.node.clone(),
            id.clone(),
            context.fencing.clone(),
            options.commands_max as usize,
            ms(options.answer_timeout_ms),
        );
        handles.insert(id.clone(), handle);
        tasks.push(MarketTask::new(recovered, context.clone(), mailbox, stop.clone()));
    }
    Ok((Arc::new(handles), tasks))
}

fn context(options: &Options, ports: &Ports, markets: usize) -> MarketContext {
    MarketContext {
        node: ports.node.clone(),
        clock: Arc::clone(&ports.clock),
        journal: Arc::clone(&ports.journal),
        search: Arc::clone(&ports.search),
        times: Arc::clone(&ports.times),
        reservations: Reservations::new(),
        fencing: FencingToken::default(),
        suspended: SuspendedMarkets::new(markets),
        outbox: Arc::default(),
        watches: Arc::new(TripWatches::new(options.watches_max as usize)),
        metrics: Arc::default(),
        rules: Rules::new(options, ports.node.as_str()),
        window_rules: Arc::new(Mutex::new(WindowRules::new(options))),
        window_pace: WindowPace::new(
            Millis::from(options.window_min_ms),
            Millis::from(options.window_max_ms),
        ),
        window_requests_max: options.window_requests_max as usize,
        append_timeout: ms(options.append_timeout_ms),
        snapshot_every: options.snapshot_every as usize,
    }
}

/// Warns of markets that are in the journal but not in the options: no task continues their live trips.
async fn warn_of_markets_without_options(ports: &Ports, areas: &MarketAreas) {
    let Ok(journaled) = ports.journal.markets().await else { return };
    let markets: Vec<MarketId> =
        journaled.into_iter().filter(|market| !areas.ids().contains(market)).collect();
    if !markets.is_empty() {
        tracing::warn!(
            ?markets,
            "the journal has markets that the options do not name: their trips are not continued"
        );
    }
}
