//! The service as a value: started from its options and ports, handed out to a server, and shut down.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kerb_ports::{Membership, Peers};
use kerb_types::{Catalog, Clock, NodeId, Sharding};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::counters::Counters;
use crate::desk::Desk;
use crate::dispatch::Link;
use crate::error::StartError;
use crate::expiry::{EXPIRY_TICK_MS, Expiry};
use crate::fleet_stream::FleetStream;
use crate::follow::Follower;
use crate::grpc::IngestGrpc;
use crate::node::IngestNode;
use crate::options::{Options, ms};
use crate::store::{self, Loaded, Store};
use crate::table::DriverTable;

/// The driver table's folder in the node's data directory.
const STORE_FOLDER: &str = "drivers";

/// What the service asks of the world.
#[derive(Clone)]
pub struct Ports {
    /// The name of this node.
    pub node: NodeId,
    /// Vehicle classes and capabilities.
    pub catalog: Arc<Catalog>,
    /// How space is cut.
    pub sharding: Sharding,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who holds which shard.
    pub membership: Arc<dyn Membership>,
    /// The index servers, and the matcher.
    pub peers: Arc<dyn Peers>,
    /// Of the jitter of reconnects.
    pub seed: u64,
}

/// A running ingest node. Dropping it aborts its work; [`LocationIngest::shutdown`] finishes it.
pub struct LocationIngest {
    pub(crate) node: Arc<IngestNode>,
    store: Option<Arc<Mutex<Store>>>,
    pub(crate) background: TaskTracker,
    pub(crate) stop_background: CancellationToken,
}

impl LocationIngest {
    /// Reads the stored table and begins to send it. Inside a tokio runtime.
    pub async fn start(options: Options, ports: Ports) -> Result<Self, StartError> {
        options.validate()?;
        let table = DriverTable::new(ports.sharding, options.drivers_max);
        let (store, loaded) = open_store(&options).await?;
        let corrupt = loaded.corrupt;
        restore(&table, loaded, ports.clock.now_ms() - options.position_ttl_ms())?;
        let Ports { node: id, catalog, clock, .. } = ports.clone();
        let desk = Desk::new(ports.membership.watch(), &ports.peers, ms(options.dispatch_timeout_ms));
        let node = Arc::new(IngestNode::new(id, catalog, clock, options, table, desk));
        node.counters.store_corrupt.set(corrupt);
        let service = Self {
            node,
            store: store.map(|store| Arc::new(Mutex::new(store))),
            background: TaskTracker::new(),
            stop_background: CancellationToken::new(),
        };
        service.spawn_all(&ports);
        Ok(service)
    }

    /// Its gRPC services.
    pub fn grpc(&self) -> IngestGrpc {
        IngestGrpc::new(self.node.clone())
    }

    /// A stream for a gateway in this process.
    pub fn gateway(&self) -> FleetStream {
        FleetStream::new(self.node.clone())
    }

    /// The port of the other roles.
    pub fn port(&self) -> Arc<dyn kerb_ports::IngestNode> {
        self.node.clone()
    }

    /// What it counts.
    pub fn counters(&self) -> &Counters {
        &self.node.counters
    }

    /// The driver table.
    pub fn table(&self) -> &DriverTable {
        &self.node.table
    }

    /// Resolves when every index server that has a session shows all that was applied before the call, and
    /// answers whether all had one within `limit_ms`.
    pub async fn settle(&self, limit_ms: u32) -> bool {
        tick(&self.node, self.store.is_some());
        let links = self.node.links.all();
        let flushes = futures::future::join_all(links.iter().map(|link| flush(link)));
        timeout(ms(limit_ms), flushes).await.is_ok_and(|flushed| flushed.into_iter().all(|done| done))
    }

    /// Ends the streams with a reason, sends and stores what is left, and stops.
    pub async fn shutdown(self) {
        let limit_ms = self.node.options.drain_timeout_ms;
        self.node.stop.cancel();
        self.node.streams.close();
        if timeout(ms(limit_ms), self.node.streams.wait()).await.is_err() {
            tracing::warn!(streams = self.node.streams.len(), "streams did not end in time");
        }
        if !self.settle(limit_ms).await {
            tracing::warn!("not every index server took what was left");
        }
        self.stop_background.cancel();
        self.background.close();
        self.background.wait().await;
        if let Some(store) = self.store.clone() {
            store_turn(self.node.clone(), store).await;
        }
    }

    fn spawn_all(&self, ports: &Ports) {
        let mut follower = Follower::new(self, ports);
        // The links of the first view are there when the service is.
        follower.take_view();
        self.spawn(follower.run());
        self.spawn(dispatch(self.node.clone(), self.store.is_some()));
        self.spawn(expire(self.node.clone()));
        if let Some(store) = self.store.clone() {
            self.spawn(write_behind(self.node.clone(), store));
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop_background.clone();
        self.background.spawn(async move { stop.run_until_cancelled(work).await });
    }
}

impl Drop for LocationIngest {
    fn drop(&mut self) {
        self.node.stop.cancel();
        self.stop_background.cancel();
    }
}

async fn open_store(options: &Options) -> Result<(Option<Store>, Loaded), StartError> {
    let Some(path) = options.data_dir.clone() else { return Ok((None, Loaded::default())) };
    let opened = tokio::task::spawn_blocking(move || Store::open(&path.join(STORE_FOLDER))).await;
    let (store, loaded) = opened.expect("reading the store does not panic")?;
    Ok((Some(store), loaded))
}

/// Puts the stored drivers back; who was silent too long stays out of the index.
fn restore(table: &DriverTable, loaded: Loaded, gone_before_ms: i64) -> Result<(), StartError> {
    let mut drivers = loaded.drivers;
    for state in drivers.iter_mut().filter_map(|(_, _, state)| state.as_mut()) {
        state.listed &= state.update_version.time_ms > gone_before_ms;
    }
    table.restore(drivers).map_err(StartError::Table)?;
    if loaded.corrupt > 0 {
        tracing::error!(records = loaded.corrupt, "stored records are not whole and were passed over");
    }
    tracing::info!(drivers = table.len(), searchable = table.searchable(), "driver table restored");
    Ok(())
}

/// Hands changes to the links, every batch interval.
async fn dispatch(node: Arc<IngestNode>, stored: bool) {
    let mut ticks = interval(ms(node.options.batch_interval_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        tick(&node, stored);
    }
}

fn tick(node: &IngestNode, stored: bool) {
    let pending = node.links.tick(&node.table, &node.counters, stored, node.clock.now_ms());
    node.overloaded.store(pending > node.options.overload_pending, Ordering::Relaxed);
}

async fn expire(node: Arc<IngestNode>) {
    let options = &node.options;
    let mut expiry = Expiry::new(node.clock.now_ms(), options.position_ttl_ms(), options.retention_ms());
    let mut ticks = interval(ms(EXPIRY_TICK_MS as u32));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let is_held = |slot| node.is_connected(slot);
        let retired = expiry.turn(node.clock.now_ms(), &node.table, is_held, &node.counters);
        node.links.retire(retired);
    }
}

async fn write_behind(node: Arc<IngestNode>, store: Arc<Mutex<Store>>) {
    let mut ticks = interval(ms(node.options.store_interval_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        store_turn(node.clone(), store.clone()).await;
    }
}

async fn store_turn(node: Arc<IngestNode>, store: Arc<Mutex<Store>>) {
    let turn = tokio::task::spawn_blocking(move || {
        node.counters.store_lag.set(store::lag(&node.table));
        match store.lock().turn(&node.table) {
            Ok(turn) => node.counters.stored.add(turn.rows as u64),
            Err(error) => {
                node.counters.store_failures.add(1);
                tracing::error!(%error, "changes are not stored yet");
            }
        }
    });
    turn.await.expect("a turn of the store does not panic");
}

/// Answers whether the link's server shows all that was marked before.
async fn flush(link: &Link) -> bool {
    let (reply, answer) = oneshot::channel();
    link.flushes.send(reply).await.is_ok() && answer.await.is_ok()
}
