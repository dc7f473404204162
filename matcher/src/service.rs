//! Starting: every market is read from its journal and fenced, and only then each gets its tasks.

use std::collections::BTreeMap;
use std::sync::Arc;

use kerb_trips::MarketId;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::driver_tracker::DriverTracker;
use crate::error::StartError;
use crate::handle::{Inner, Matcher, Ports};
use crate::mailbox::{FencingToken, MarketHandle, MarketHandles};
use crate::market::Reservations;
use crate::markets::Markets;
use crate::notify::driver_notifier::{self, NotificationOutbox};
use crate::notify::ingest_nodes::IngestNodes;
use crate::options::{Options, ms};
use crate::recovery::take_over;
use crate::task::{MarketContext, MarketTask};
use crate::watch::TripWatches;
use crate::window::WindowRules;

pub(crate) async fn start(options: Options, ports: Ports) -> Result<Matcher, StartError> {
    options.validate()?;
    let markets = Markets::new(&options.markets)?;
    warn_of_left_markets(&ports, &markets).await;
    let outbox = Arc::new(NotificationOutbox::default());
    let watches = Arc::new(TripWatches::new(options.watches_max as usize));
    let context = context(&options, &ports, &outbox, &watches);
    let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
    let (desks, tasks) = read_markets(&options, &markets, &context, &stop).await?;
    let view = ports.membership.watch();
    let drivers = IngestNodes::new(view, Arc::clone(&ports.peers), ms(options.notify_timeout_ms));
    let (reservations, window_rules) = (context.reservations.clone(), Arc::clone(&context.window_rules));
    let quotes = Semaphore::new(options.quotes_max as usize);
    let inner = Inner {
        options,
        ports,
        markets,
        desks,
        reservations,
        window_rules,
        drivers,
        watches,
        quotes,
        tasks: TaskTracker::new(),
        stop,
        background: TaskTracker::new(),
        abort,
    };
    inner.spawn_all(tasks, outbox);
    Ok(Matcher(Arc::new(inner)))
}

impl Inner {
    fn spawn_all(&self, tasks: Vec<MarketTask>, outbox: Arc<NotificationOutbox>) {
        for task in tasks {
            let abort = self.abort.clone();
            self.tasks.spawn(async move { abort.run_until_cancelled(Box::pin(task.run())).await });
        }
        self.spawn_beside(driver_notifier::run(outbox, self.drivers.clone(), Arc::clone(&self.desks)));
        for desk in self.desks.values() {
            let driver_tracker = DriverTracker {
                desk: desk.clone(),
                drivers: self.drivers.clone(),
                watches: Arc::clone(&self.watches),
                times: Arc::clone(&self.ports.times),
                every: ms(self.options.track_interval_ms),
            };
            self.spawn_beside(driver_tracker.run());
        }
    }

    fn spawn_beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        let abort = self.abort.clone();
        self.background.spawn(async move { abort.run_until_cancelled(work).await });
    }
}

async fn read_markets(
    options: &Options,
    markets: &Markets,
    context: &MarketContext,
    stop: &CancellationToken,
) -> Result<(MarketHandles, Vec<MarketTask>), StartError> {
    let mut desks = BTreeMap::new();
    let mut tasks = Vec::new();
    for (id, recovered) in markets.ids().iter().zip(take_over(context, markets.ids()).await?) {
        let version = recovered.market.version();
        tracing::info!(market = %id, version, replayed = recovered.replayed, "the market is read");
        let (desk, counter) = MarketHandle::open(
            context.node.clone(),
            id.clone(),
            context.fencing.clone(),
            options.commands_max as usize,
            ms(options.answer_timeout_ms),
        );
        desks.insert(id.clone(), desk);
        tasks.push(MarketTask::new(recovered, context.clone(), counter, stop.clone()));
    }
    Ok((Arc::new(desks), tasks))
}

fn context(
    options: &Options,
    ports: &Ports,
    outbox: &Arc<NotificationOutbox>,
    watches: &Arc<TripWatches>,
) -> MarketContext {
    MarketContext {
        node: ports.node.clone(),
        clock: Arc::clone(&ports.clock),
        journal: Arc::clone(&ports.journal),
        search: Arc::clone(&ports.search),
        times: Arc::clone(&ports.times),
        reservations: Reservations::new(),
        fencing: FencingToken::default(),
        outbox: Arc::clone(outbox),
        watches: Arc::clone(watches),
        rules: options.rules(ports.node.as_str()),
        window_rules: Arc::new(Mutex::new(WindowRules::new(options))),
        window: ms(options.window_ms),
        window_min: ms(options.window_min_ms),
        window_requests_max: options.window_requests_max as usize,
        append_timeout: ms(options.append_timeout_ms),
        snapshot_every: options.snapshot_every as usize,
    }
}

/// A market that was taken out of the settings may have live trips: nobody here goes on with them.
async fn warn_of_left_markets(ports: &Ports, markets: &Markets) {
    let Ok(journalled) = ports.journal.markets().await else { return };
    let left: Vec<MarketId> =
        journalled.into_iter().filter(|market| !markets.ids().contains(market)).collect();
    if !left.is_empty() {
        tracing::warn!(
            ?left,
            "the journal has markets that the settings do not name: their trips stand still"
        );
    }
}
