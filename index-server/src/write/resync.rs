//! Fills and empties shards: snapshots, resyncs, and what a new membership view changes.

use std::sync::Arc;

use kerb_ports::ReplicationError;
use kerb_types::ShardId;

use super::{Writer, tree};
use crate::replication::coverage::{FillId, ViewChange};
use crate::replication::source_stream::{OpenSnapshot, SourceStream};
use crate::store::indices::EntryIndex;
use crate::store::record::{RecordMeta, SnapshotNumber, SourceIndex};

impl Writer {
    /// Begins a snapshot of these shards.
    pub(crate) fn snapshot_begin(
        &mut self,
        stream: &mut SourceStream,
        round: u64,
        shards: &[ShardId],
    ) -> Result<(), ReplicationError> {
        let count = self.sharding.shards();
        if let Some(shard) = shards.iter().find(|shard| shard.0 >= count) {
            return Err(ReplicationError::Mismatch(format!("shard {shard}, must be below {count}")));
        }
        let shards: Vec<_> = shards.iter().map(|shard| (*shard, self.coverage.fill(*shard))).collect();
        let not_held = shards.iter().filter(|(_, fill)| fill.is_none()).map(|(shard, _)| *shard);
        let not_held: Vec<_> = not_held.collect();
        let number = self.sources.begin_snapshot(stream);
        stream.begin_snapshot(round, OpenSnapshot { number, shards })?;
        stream.sent_too_early.extend(not_held);
        stream.sent_too_early.sort_unstable();
        stream.sent_too_early.dedup();
        Ok(())
    }

    /// Completes a snapshot for one shard: removes the drivers of this source that it has not sent since the snapshot
    /// began. Returns their number.
    pub(crate) fn complete_snapshot(
        &mut self,
        source: SourceIndex,
        snapshot: SnapshotNumber,
        shard: ShardId,
        fill: FillId,
    ) -> u64 {
        let store = Arc::clone(&self.store);
        let mut absent = Vec::new();
        tree::for_each_driver(&store, shard, |attributes| {
            let owner = store.records.get(attributes.record()).owner();
            if owner.source == source && owner.snapshot.is_before(snapshot) {
                absent.push(attributes.record());
            }
        });
        for record in &absent {
            self.deindex(*record);
        }
        self.coverage.finish(shard, source, fill);
        store.shard(shard).set_covered(self.coverage.is_covered(shard));
        absent.len() as u64
    }

    /// Applies a membership view. The lost shards are uncovered from now on; the caller must call
    /// [`Writer::drop_drivers`] for them.
    pub(crate) fn set_view(&mut self, held: &[ShardId], live: Vec<SourceIndex>) -> ViewChange {
        let change = self.coverage.set_view(held, live);
        self.publish_coverage();
        change
    }

    /// Requests the shards again that the stream's source sent before this server held them, and that it holds by now.
    pub(crate) fn request_early_shards(&mut self, stream: &mut SourceStream) {
        let (held, early) = stream.sent_too_early.iter().partition(|shard| self.coverage.holds(**shard));
        stream.sent_too_early = early;
        let held: Vec<ShardId> = held;
        self.sources.request_resync_from(stream, &held);
    }

    /// Marks a shard as empty and uncovered; the caller must call [`Writer::drop_drivers`].
    pub(crate) fn begin_resync(&mut self, shard: ShardId) {
        self.coverage.empty(shard);
        self.store.shard(shard).set_covered(false);
    }

    /// Drops all drivers of a shard.
    pub(crate) fn drop_drivers(&mut self, shard: ShardId) {
        let store = Arc::clone(&self.store);
        let mut dropped = Vec::new();
        tree::clear(&store, &mut self.pages, shard, |attributes| dropped.push(attributes));
        for attributes in dropped {
            let index = attributes.record();
            let record = store.records.get(index);
            record.set_entry(EntryIndex::NONE);
            record.set_kind(attributes.kind());
            record.set_meta(RecordMeta { in_expiry_index: false, ..record.meta() });
            self.registry.free_if_unused(&store, index);
        }
        store.shard(shard).set_covered(self.coverage.is_covered(shard));
    }
}
