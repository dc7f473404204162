//! An index server for tests: one map of drivers, which panics at a frame that breaks the protocol.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use futures::FutureExt;
use kerb_geometry::LatLng;
use kerb_location_ingest::LINK_BATCH_ROWS_MAX;
use kerb_ports::{
    Batch, Control, Frame, IndexAdmin, IndexAdminError, PortFuture, PositionSink, ReplicationError,
    ReplicationStream, ShardQuery, ShardResult, ShardSearch, ShardSearchError, ShardStat, Slot,
    SourceRegistration, Update,
};
use kerb_types::{DriverId, IndexedStatus, NodeId, ShardId, UpdateVersion, VehicleClass};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

/// The driver as a search would find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexedDriver {
    pub(crate) shard: ShardId,
    pub(crate) position: LatLng,
    pub(crate) update_version: UpdateVersion,
    pub(crate) status: IndexedStatus,
    pub(crate) class: VehicleClass,
}

/// The contents of an index server.
#[derive(Debug, Default)]
pub(crate) struct FakeIndex {
    /// The server gets views earlier than the ingest node: it skips rows of shards that it does not hold, without a panic.
    ahead: bool,
    shards: BTreeSet<ShardId>,
    drivers: BTreeMap<DriverId, (NodeId, Slot, IndexedDriver)>,
    evicted: HashMap<DriverId, UpdateVersion>,
    sources: HashMap<NodeId, Source>,
}

#[derive(Debug, Default)]
struct Source {
    profiles: HashMap<Slot, (DriverId, VehicleClass)>,
    rounds: BTreeMap<u64, (BTreeSet<ShardId>, HashSet<DriverId>)>,
    round_last: u64,
}

impl FakeIndex {
    /// Begins a replication stream, with its own slots and rounds. Drivers stay until a snapshot without them ends.
    pub(crate) fn open(&mut self, node: &NodeId) {
        self.sources.insert(node.clone(), Source::default());
    }

    pub(crate) fn hold(&mut self, shards: impl IntoIterator<Item = ShardId>) {
        self.shards = shards.into_iter().collect();
        let shards = &self.shards;
        self.drivers.retain(|_, (_, _, driver)| shards.contains(&driver.shard));
    }

    /// Removes the drivers of some shards, as a server does before a resync.
    pub(crate) fn empty(&mut self, shards: &[ShardId]) {
        self.drivers.retain(|_, (_, _, driver)| !shards.contains(&driver.shard));
    }

    /// Removes everything, as a restart does.
    pub(crate) fn restart(&mut self) {
        self.drivers.clear();
        self.evicted.clear();
    }

    /// Returns all drivers.
    pub(crate) fn content(&self) -> BTreeMap<DriverId, IndexedDriver> {
        self.drivers.iter().map(|(id, (_, _, driver))| (id.clone(), *driver)).collect()
    }

    /// Applies a frame. Panics when it breaks the protocol.
    pub(crate) fn apply(&mut self, node: &NodeId, frame: Frame) {
        let source = self.sources.get_mut(node).expect("a replication stream is open");
        match frame {
            Frame::SnapshotBegin { round, shards } => {
                assert!(round > source.round_last, "rounds grow");
                assert!(source.rounds.is_empty(), "one round at a time");
                assert!(!shards.is_empty(), "a round has shards");
                source.round_last = round;
                source.rounds.insert(round, (shards.into_iter().collect(), HashSet::new()));
            }
            Frame::SnapshotEnd { round } => {
                let (shards, sent) = source.rounds.remove(&round).expect("the round is open");
                self.drivers.retain(|id, (of, _, driver)| {
                    of != node || !shards.contains(&driver.shard) || sent.contains(id)
                });
            }
            Frame::Batch(batch) => self.batch(node, batch),
        }
    }

    fn batch(&mut self, node: &NodeId, batch: Batch) {
        assert!(batch.updates.len() + batch.removals.len() <= LINK_BATCH_ROWS_MAX, "batches are bounded");
        assert!(!batch.is_empty(), "an empty batch is not sent");
        let distinct: HashSet<_> =
            batch.updates.iter().map(|u| u.slot).chain(batch.removals.iter().copied()).collect();
        assert_eq!(distinct.len(), batch.updates.len() + batch.removals.len(), "a slot has one row");
        for binding in batch.slot_bindings {
            let profile = &binding.profile;
            let source = self.sources.get_mut(node).expect("open");
            let before = source.profiles.insert(binding.slot, (profile.id.clone(), profile.vehicle_class));
            if let Some((other, _)) = before.filter(|(before, _)| *before != profile.id) {
                let owned =
                    self.drivers.get(&other).is_some_and(|(of, slot, _)| of == node && *slot == binding.slot);
                assert!(!owned, "{other} is still bound to slot {}", binding.slot);
            }
        }
        for update in batch.updates {
            self.update(node, update);
        }
        for slot in batch.removals {
            let (id, _) = &self.sources[node].profiles[&slot];
            if self.drivers.get(id).is_some_and(|(of, at, _)| of == node && *at == slot) {
                self.drivers.remove(id);
            }
        }
        for eviction in batch.evictions {
            if self
                .drivers
                .get(&eviction.id)
                .is_some_and(|(_, _, driver)| driver.update_version <= eviction.update_version)
            {
                self.drivers.remove(&eviction.id);
            }
            let known = self.evicted.entry(eviction.id).or_default();
            *known = (*known).max(eviction.update_version);
        }
    }

    fn update(&mut self, node: &NodeId, update: Update) {
        let holds = self.shards.contains(&update.shard);
        assert!(holds || self.ahead, "shard {} is not on this server", update.shard);
        let source = self.sources.get_mut(node).expect("open");
        let (id, class) = source.profiles.get(&update.slot).expect("bound").clone();
        for (_, sent) in source.rounds.values_mut() {
            sent.insert(id.clone());
        }
        let evicted =
            self.evicted.get(&id).is_some_and(|update_version| update.update_version <= *update_version);
        let older = self
            .drivers
            .get(&id)
            .is_some_and(|(of, _, driver)| of != node && driver.update_version > update.update_version);
        if holds && !evicted && !older {
            let Update { shard, position, update_version, status, .. } = update;
            self.drivers.insert(
                id,
                (node.clone(), update.slot, IndexedDriver { shard, position, update_version, status, class }),
            );
        }
    }
}

/// A [`FakeIndex`] behind the ports of an index server, which can stall, break its streams and request a resync.
#[derive(Debug)]
pub(crate) struct FakeServer {
    pub(crate) node: NodeId,
    pub(crate) index: Mutex<FakeIndex>,
    /// The server takes frames while it is true.
    open_gate: watch::Sender<bool>,
    /// Streams of an earlier number are broken.
    epoch: watch::Sender<u64>,
    pub(crate) frames: Mutex<u64>,
    controls: Mutex<VecDeque<Control>>,
    wake: Notify,
}

struct FakeStream {
    server: Arc<FakeServer>,
    source: NodeId,
    epoch: u64,
}

impl FakeServer {
    pub(crate) fn new(node: &NodeId, shards: impl IntoIterator<Item = ShardId>) -> Arc<Self> {
        let mut index = FakeIndex { ahead: true, ..FakeIndex::default() };
        index.hold(shards);
        Arc::new(Self {
            node: node.clone(),
            index: Mutex::new(index),
            open_gate: watch::channel(true).0,
            epoch: watch::channel(0).0,
            frames: Mutex::new(0),
            controls: Mutex::default(),
            wake: Notify::new(),
        })
    }

    pub(crate) fn content(&self) -> BTreeMap<DriverId, IndexedDriver> {
        self.index.lock().content()
    }

    /// Lets the server take frames, or stalls it.
    pub(crate) fn gate(&self, open: bool) {
        self.open_gate.send_replace(open);
    }

    /// Breaks every replication stream.
    pub(crate) fn break_streams(&self) {
        self.epoch.send_modify(|epoch| *epoch += 1);
    }

    /// Removes the drivers of some shards and requests a resync.
    pub(crate) fn request_resync(&self, shards: Vec<ShardId>) {
        self.index.lock().empty(&shards);
        self.controls.lock().push_back(Control::Resync(shards));
        self.wake.notify_one();
    }

    fn lost(&self) -> ReplicationError {
        ReplicationError::Unavailable {
            node: self.node.clone(),
            reason: "the replication stream is broken".to_owned(),
        }
    }
}

/// A shared handle of the server. A stream outlives the reference that opened it.
pub(crate) struct Handle(pub(crate) Arc<FakeServer>);

impl PositionSink for Handle {
    fn open(
        &self,
        register: SourceRegistration,
    ) -> PortFuture<'_, Box<dyn ReplicationStream>, ReplicationError> {
        async move {
            let server = self.0.clone();
            server.index.lock().open(&register.node);
            let epoch = *server.epoch.borrow();
            Ok(Box::new(FakeStream { server, source: register.node, epoch }) as Box<dyn ReplicationStream>)
        }
        .boxed()
    }
}

impl FakeStream {
    async fn pass_gate(&self) -> Result<(), ReplicationError> {
        let (mut gate, mut epoch) = (self.server.open_gate.subscribe(), self.server.epoch.subscribe());
        tokio::select! {
            biased;
            _ = epoch.wait_for(|now| *now != self.epoch) => Err(self.server.lost()),
            _ = gate.wait_for(|open| *open) => Ok(()),
        }
    }
}

impl ReplicationStream for FakeStream {
    fn send(&mut self, frame: Frame) -> PortFuture<'_, (), ReplicationError> {
        async move {
            self.pass_gate().await?;
            *self.server.frames.lock() += 1;
            self.server.index.lock().apply(&self.source, frame);
            Ok(())
        }
        .boxed()
    }

    fn flush(&mut self) -> PortFuture<'_, (), ReplicationError> {
        self.pass_gate().boxed()
    }

    fn control(&mut self) -> PortFuture<'_, Control, ReplicationError> {
        async move {
            let mut epoch = self.server.epoch.subscribe();
            loop {
                let next = self.server.controls.lock().pop_front();
                if let Some(control) = next {
                    return Ok(control);
                }
                tokio::select! {
                    biased;
                    _ = epoch.wait_for(|now| *now != self.epoch) => return Err(self.server.lost()),
                    () = self.server.wake.notified() => {}
                }
            }
        }
        .boxed()
    }
}

impl ShardSearch for Handle {
    fn search(
        &self,
        _: ShardQuery,
        _: tokio::time::Instant,
    ) -> PortFuture<'_, ShardResult, ShardSearchError> {
        futures::future::ready(Err(ShardSearchError::Internal("no test searches".to_owned()))).boxed()
    }
}

impl IndexAdmin for Handle {
    fn stats(&self) -> PortFuture<'_, Vec<ShardStat>, IndexAdminError> {
        futures::future::ready(Ok(Vec::new())).boxed()
    }

    fn resync(&self, shards: Vec<ShardId>) -> PortFuture<'_, Vec<ShardId>, IndexAdminError> {
        futures::future::ready(Ok(shards)).boxed()
    }
}
