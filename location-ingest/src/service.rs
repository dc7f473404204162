//! The ingest node as a value: it starts from its options and ports, hands out its handle and its gRPC services, and shuts
//! down.

mod background;

use std::collections::HashMap;
use std::sync::Arc;

use kerb_ports::{Membership, Peers, SourceRegistration};
use kerb_types::{Catalog, Clock, FieldError, Millis, NodeId, Sharding, Timestamp};
use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::IngestError;
use crate::grpc::IngestGrpc;
use crate::handle::IngestHandle;
use crate::options::{Options, ms};
use crate::replication::link_task::LinkTaskContext;
use crate::replication::membership_watcher::MembershipWatcher;
use crate::store::{Store, StoreContents, StoreError};
use crate::stream::dispatch_client::DispatchClient;
use crate::stream::stream_context::StreamContext;
use crate::table::DriverTable;
use background::{confirm_reservations, expire_drivers, flush_store, run_fanout, tick, write_behind};

/// The driver table's folder in the node's data directory.
const STORE_FOLDER: &str = "drivers";

/// The ports that an ingest node depends on.
#[derive(Clone)]
pub struct Ports {
    /// The name of this node.
    pub node: NodeId,
    /// Vehicle classes and capabilities.
    pub catalog: Arc<Catalog>,
    /// How positions map to shards.
    pub sharding: Sharding,
    /// The clock that dates and expires positions.
    pub clock: Arc<dyn Clock>,
    /// The nodes of the cluster and the shard map.
    pub membership: Arc<dyn Membership>,
    /// Clients of the index servers and of the matcher.
    pub peers: Arc<dyn Peers>,
    /// Seeds the jitter of the reconnect waits.
    pub seed: u64,
}

/// Why an ingest node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An option is invalid.
    #[error(transparent)]
    Options(#[from] FieldError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store has more drivers than the table may have.
    #[error("the stored drivers do not fit the table: {0}")]
    Table(IngestError),
}

/// A running ingest node. Dropping it aborts its work; [`LocationIngest::shutdown`] finishes it.
pub struct LocationIngest {
    handle: IngestHandle,
    store: Option<Arc<Mutex<Store>>>,
    background: TaskTracker,
    stop_background: CancellationToken,
}

impl LocationIngest {
    /// Reads the stored table and begins to replicate it. Requires a tokio runtime.
    pub async fn start(options: Options, ports: Ports) -> Result<Self, StartError> {
        options.validate()?;
        let table = DriverTable::new(ports.sharding, options.drivers_max);
        let (store, contents) = open_store(&options).await?;
        let corrupt = contents.corrupt;
        restore(&table, contents, ports.clock.now(), options.position_ttl_ms())?;
        let Ports { node: node_id, catalog, clock, .. } = ports.clone();
        let call_timeout = ms(options.dispatch_timeout_ms);
        let dispatch = DispatchClient::new(ports.membership.watch(), &ports.peers, call_timeout);
        let context = StreamContext::new(node_id, catalog, clock, options, table, dispatch);
        context.metrics.store_corrupt.add(corrupt);
        let service = Self {
            handle: IngestHandle(Arc::new(context)),
            store: store.map(|store| Arc::new(Mutex::new(store))),
            background: TaskTracker::new(),
            stop_background: CancellationToken::new(),
        };
        service.spawn_background(&ports);
        Ok(service)
    }

    /// Returns the handle by which callers in this process use the node.
    pub fn handle(&self) -> &IngestHandle {
        &self.handle
    }

    /// Returns the node's gRPC services.
    pub fn grpc(&self) -> IngestGrpc {
        IngestGrpc::new(self.handle.clone())
    }

    /// Resolves when every index server's searches show all updates that were applied before the call. Returns false when
    /// a server is not connected within `timeout_ms`.
    pub async fn settle(&self, timeout_ms: u32) -> bool {
        let context = &self.handle.0;
        tick(context, self.store.is_some());
        let links = context.fanout.links();
        let flushes = futures::future::join_all(links.iter().map(|link| link.flush()));
        timeout(ms(timeout_ms), flushes).await.is_ok_and(|flushed| flushed.into_iter().all(|done| done))
    }

    /// Ends the streams with a status, sends and stores the last changes, and stops. Returns whether the driver table is stored
    /// as a whole, or has no store.
    pub async fn shutdown(self) -> bool {
        let context = &self.handle.0;
        let timeout_ms = context.options.drain_timeout_ms;
        context.stop.cancel();
        context.tasks.close();
        if timeout(ms(timeout_ms), context.tasks.wait()).await.is_err() {
            tracing::warn!(streams = context.tasks.len(), "streams did not end in time");
        }
        if !self.settle(timeout_ms).await {
            tracing::warn!("some index servers did not take the last changes");
        }
        self.stop_background.cancel();
        self.background.close();
        self.background.wait().await;
        // After the background tasks: none of them may change the table any more.
        match self.store.clone() {
            Some(store) => flush_store(context.clone(), store).await,
            None => true,
        }
    }

    fn spawn_background(&self, ports: &Ports) {
        let mut watcher = self.membership_watcher(ports);
        // At once, so that the links of the first view exist when the service does.
        watcher.apply_newest_view();
        self.spawn(watcher.run());
        let context = &self.handle.0;
        self.spawn(run_fanout(context.clone(), self.store.is_some()));
        self.spawn(expire_drivers(context.clone()));
        self.spawn(confirm_reservations(context.clone()));
        if let Some(store) = self.store.clone() {
            self.spawn(write_behind(context.clone(), store));
        }
    }

    fn membership_watcher(&self, ports: &Ports) -> MembershipWatcher {
        let context = &self.handle.0;
        let settings_fingerprint = ports.sharding.fingerprint(&ports.catalog);
        MembershipWatcher {
            fanout: Arc::clone(&context.fanout),
            context: LinkTaskContext {
                table: Arc::clone(&context.table),
                clock: Arc::clone(&context.clock),
                metrics: Arc::clone(&context.metrics),
                peers: Arc::clone(&ports.peers),
                registration: SourceRegistration { node: context.node_id.clone(), settings_fingerprint },
                position_ttl_ms: context.options.position_ttl_ms(),
                send_timeout_ms: context.options.send_timeout_ms,
                reconnect_max: ms(context.options.reconnect_max_ms),
            },
            views: ports.membership.watch(),
            seed: ports.seed,
            tasks: self.background.clone(),
            stop: self.stop_background.clone(),
            running: HashMap::new(),
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop_background.clone();
        self.background.spawn(async move { stop.run_until_cancelled(work).await });
    }
}

impl Drop for LocationIngest {
    fn drop(&mut self) {
        self.handle.0.stop.cancel();
        self.stop_background.cancel();
    }
}

async fn open_store(options: &Options) -> Result<(Option<Store>, StoreContents), StartError> {
    let Some(path) = options.data_dir.clone() else { return Ok((None, StoreContents::default())) };
    let opened = tokio::task::spawn_blocking(move || Store::open(&path.join(STORE_FOLDER))).await;
    let (store, contents) = opened.expect("reading the store does not panic")?;
    Ok((Some(store), contents))
}

/// Restores the stored drivers. Those that have expired meanwhile are in the table, but not in the index.
fn restore(
    table: &DriverTable,
    contents: StoreContents,
    now: Timestamp,
    position_ttl_ms: Millis,
) -> Result<(), StartError> {
    let mut drivers = contents.drivers;
    for state in drivers.iter_mut().filter_map(|(_, _, state)| state.as_mut()) {
        let time = state.update_version.time;
        state.indexed &= time > now - position_ttl_ms && !time.is_ahead_of(now);
    }
    table.restore(drivers).map_err(StartError::Table)?;
    if contents.corrupt > 0 {
        tracing::error!(records = contents.corrupt, "skipped stored records with a wrong checksum");
    }
    tracing::info!(drivers = table.len(), searchable = table.searchable(), "driver table restored");
    Ok(())
}
