//! An index server that is one map, and strict about the protocol.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use futures::FutureExt;
use kerb_geometry::LatLng;
use kerb_location_ingest::LINK_BATCH_ROWS_MAX;
use kerb_ports::{
    Answer, Batch, Control, Error, Frame, IndexAdmin, PositionSink, ReplicationStream, ShardQuery,
    ShardResult, ShardSearch, ShardStat, Slot, SourceRegistration, Update,
};
use kerb_types::{DriverId, DriverStatus, NodeId, ShardId, UpdateVersion, VehicleClass};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

/// What a search would find of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) shard: ShardId,
    pub(crate) position: LatLng,
    pub(crate) update_version: UpdateVersion,
    pub(crate) status: DriverStatus,
    pub(crate) class: VehicleClass,
}

/// All that an index server holds.
#[derive(Debug, Default)]
pub(crate) struct FakeIndex {
    /// It has the view before the ingest node: rows of shards that it does not hold are passed over, not wrong.
    ahead: bool,
    shards: BTreeSet<ShardId>,
    drivers: BTreeMap<DriverId, (NodeId, Slot, Seen)>,
    forgotten: HashMap<DriverId, UpdateVersion>,
    sources: HashMap<NodeId, Source>,
}

#[derive(Debug, Default)]
struct Source {
    profiles: HashMap<Slot, (DriverId, VehicleClass)>,
    rounds: BTreeMap<u64, (BTreeSet<ShardId>, HashSet<DriverId>)>,
    round_last: u64,
}

impl FakeIndex {
    /// A session begins: slots and rounds are its own, drivers stay until a full part says otherwise.
    pub(crate) fn open(&mut self, node: &NodeId) {
        self.sources.insert(node.clone(), Source::default());
    }

    pub(crate) fn hold(&mut self, shards: impl IntoIterator<Item = ShardId>) {
        self.shards = shards.into_iter().collect();
        let shards = &self.shards;
        self.drivers.retain(|_, (_, _, seen)| shards.contains(&seen.shard));
    }

    /// Empties shards, as before a resync.
    pub(crate) fn empty(&mut self, shards: &[ShardId]) {
        self.drivers.retain(|_, (_, _, seen)| !shards.contains(&seen.shard));
    }

    /// Everything that it was told is gone, as by a restart.
    pub(crate) fn lose_memory(&mut self) {
        self.drivers.clear();
        self.forgotten.clear();
    }

    /// What it holds.
    pub(crate) fn content(&self) -> BTreeMap<DriverId, Seen> {
        self.drivers.iter().map(|(id, (_, _, seen))| (id.clone(), *seen)).collect()
    }

    /// Applies a frame. Panics when it breaks the protocol.
    pub(crate) fn apply(&mut self, node: &NodeId, frame: Frame) {
        let source = self.sources.get_mut(node).expect("a session is open");
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
                self.drivers.retain(|id, (of, _, seen)| {
                    of != node || !shards.contains(&seen.shard) || sent.contains(id)
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
        for introduction in batch.slot_bindings {
            let profile = &introduction.profile;
            let source = self.sources.get_mut(node).expect("open");
            let before =
                source.profiles.insert(introduction.slot, (profile.id.clone(), profile.vehicle_class));
            if let Some((other, _)) = before.filter(|(before, _)| *before != profile.id) {
                let owned = self
                    .drivers
                    .get(&other)
                    .is_some_and(|(of, slot, _)| of == node && *slot == introduction.slot);
                assert!(!owned, "{other} still stands under slot {}", introduction.slot);
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
        for forget in batch.evictions {
            if self
                .drivers
                .get(&forget.id)
                .is_some_and(|(_, _, seen)| seen.update_version <= forget.update_version)
            {
                self.drivers.remove(&forget.id);
            }
            let known = self.forgotten.entry(forget.id).or_default();
            *known = (*known).max(forget.update_version);
        }
    }

    fn update(&mut self, node: &NodeId, update: Update) {
        assert_ne!(update.status, DriverStatus::Offline);
        let held = self.shards.contains(&update.shard);
        assert!(held || self.ahead, "shard {} is not held", update.shard);
        let source = self.sources.get_mut(node).expect("open");
        let (id, class) = source.profiles.get(&update.slot).expect("introduced").clone();
        for (_, sent) in source.rounds.values_mut() {
            sent.insert(id.clone());
        }
        let refused =
            self.forgotten.get(&id).is_some_and(|update_version| update.update_version <= *update_version);
        let older = self
            .drivers
            .get(&id)
            .is_some_and(|(of, _, seen)| of != node && seen.update_version > update.update_version);
        if held && !refused && !older {
            let Update { shard, position, update_version, status, .. } = update;
            self.drivers.insert(
                id,
                (node.clone(), update.slot, Seen { shard, position, update_version, status, class }),
            );
        }
    }
}

/// A [`FakeIndex`] behind the ports of an index server, which can be held up, broken and asked for a resync.
#[derive(Debug)]
pub(crate) struct FakeServer {
    pub(crate) node: NodeId,
    pub(crate) index: Mutex<FakeIndex>,
    /// Frames are taken while it is true.
    open_gate: watch::Sender<bool>,
    /// Sessions of before this number are broken.
    epoch: watch::Sender<u64>,
    pub(crate) frames: Mutex<u64>,
    controls: Mutex<VecDeque<Control>>,
    bell: Notify,
}

struct FakeSession {
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
            bell: Notify::new(),
        })
    }

    pub(crate) fn content(&self) -> BTreeMap<DriverId, Seen> {
        self.index.lock().content()
    }

    /// Takes frames or does not.
    pub(crate) fn gate(&self, open: bool) {
        self.open_gate.send_replace(open);
    }

    /// Ends every session.
    pub(crate) fn break_sessions(&self) {
        self.epoch.send_modify(|epoch| *epoch += 1);
    }

    /// Empties shards and asks for them.
    pub(crate) fn ask_refill(&self, shards: Vec<ShardId>) {
        self.index.lock().empty(&shards);
        self.controls.lock().push_back(Control::Resync(shards));
        self.bell.notify_one();
    }

    fn lost(&self) -> Error {
        Error::Unavailable { node: self.node.clone(), reason: "the session is broken".to_owned() }
    }
}

/// The shared handle: a session needs one that lives by itself.
pub(crate) struct Handle(pub(crate) Arc<FakeServer>);

impl PositionSink for Handle {
    fn open(&self, register: SourceRegistration) -> Answer<'_, Box<dyn ReplicationStream>> {
        async move {
            let server = self.0.clone();
            server.index.lock().open(&register.node);
            let epoch = *server.epoch.borrow();
            Ok(Box::new(FakeSession { server, source: register.node, epoch }) as Box<dyn ReplicationStream>)
        }
        .boxed()
    }
}

impl FakeSession {
    async fn pass_gate(&self) -> Result<(), Error> {
        let (mut gate, mut epoch) = (self.server.open_gate.subscribe(), self.server.epoch.subscribe());
        tokio::select! {
            biased;
            _ = epoch.wait_for(|now| *now != self.epoch) => Err(self.server.lost()),
            _ = gate.wait_for(|open| *open) => Ok(()),
        }
    }
}

impl ReplicationStream for FakeSession {
    fn send(&mut self, frame: Frame) -> Answer<'_, ()> {
        async move {
            self.pass_gate().await?;
            *self.server.frames.lock() += 1;
            self.server.index.lock().apply(&self.source, frame);
            Ok(())
        }
        .boxed()
    }

    fn flush(&mut self) -> Answer<'_, ()> {
        self.pass_gate().boxed()
    }

    fn control(&mut self) -> Answer<'_, Control> {
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
                    () = self.server.bell.notified() => {}
                }
            }
        }
        .boxed()
    }
}

impl ShardSearch for Handle {
    fn search(&self, _: ShardQuery, _: tokio::time::Instant) -> Answer<'_, ShardResult> {
        futures::future::ready(Err(Error::Internal("not asked in these tests".to_owned()))).boxed()
    }
}

impl IndexAdmin for Handle {
    fn stats(&self) -> Answer<'_, Vec<ShardStat>> {
        futures::future::ready(Ok(Vec::new())).boxed()
    }

    fn resync(&self, shards: Vec<ShardId>) -> Answer<'_, Vec<ShardId>> {
        futures::future::ready(Ok(shards)).boxed()
    }
}
