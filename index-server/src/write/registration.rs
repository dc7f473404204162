//! Registration of drivers: slot bindings, removals and evictions.

use std::sync::Arc;

use kerb_ports::{Eviction, ReplicationError, Slot, SlotBinding};
use kerb_types::{Millis, Timestamp, UpdateVersion};

use super::registry::DriverRegistry;
use super::{Writer, tree};
use crate::replication::source_stream::SourceStream;
use crate::store::entry::Attributes;
use crate::store::indices::RecordIndex;
use crate::store::record::VehicleKind;

impl Writer {
    /// Binds slots of a stream to drivers.
    pub(crate) fn bind_slots(
        &mut self,
        stream: &mut SourceStream,
        bindings: &[SlotBinding],
    ) -> Result<(), ReplicationError> {
        bindings.iter().try_for_each(|binding| self.bind_slot(stream, binding))
    }

    fn bind_slot(
        &mut self,
        stream: &mut SourceStream,
        binding: &SlotBinding,
    ) -> Result<(), ReplicationError> {
        let store = Arc::clone(&self.store);
        let record = self.registry.find_or_add(&store, &binding.profile)?;
        DriverRegistry::add_reference(&store, record)?;
        // The reference is counted before the slot is bound, so a rejected slot must release it.
        let previous =
            stream.bind(binding.slot, record).inspect_err(|_| self.registry.release(&store, record))?;
        stream.pending_kinds.remove(&binding.slot);
        if let Some(previous) = previous {
            self.registry.release(&store, previous);
        }
        self.update_vehicle_kind(stream, record, binding);
        Ok(())
    }

    /// Takes a driver's vehicle kind from the source of its newest state. The kind of another source waits until that
    /// source has the newest state.
    fn update_vehicle_kind(&mut self, stream: &mut SourceStream, index: RecordIndex, binding: &SlotBinding) {
        let record = self.store.records.get(index);
        let kind = VehicleKind::from(&*binding.profile);
        let entry_index = record.entry();
        if entry_index.is_none() {
            record.set_kind(kind);
            return;
        }
        let entry = self.store.entry(entry_index);
        let attributes = entry.attributes();
        if attributes.kind() == kind {
            return;
        }
        if record.owner().source != stream.source {
            stream.pending_kinds.insert(binding.slot, kind);
            return;
        }
        let attributes = Attributes::new(index, kind, attributes.status());
        let shard = record.meta().shard;
        // The summaries come before the entry, see rule 6 of `crate::index`.
        tree::widen_summaries_above(
            &self.store,
            &self.pages,
            shard,
            entry_index,
            entry.position(),
            attributes.summary(),
        );
        entry.set_attributes(attributes);
    }

    /// Removes the drivers of these slots whose newest state is of this stream's source. Returns their number.
    ///
    /// A node that was down meanwhile may return with an older state of such a driver. A tombstone rejects that state
    /// until it is too old anyway.
    pub(crate) fn remove(
        &mut self,
        stream: &SourceStream,
        slots: &[Slot],
        now: Timestamp,
    ) -> Result<u64, ReplicationError> {
        let mut removed = 0;
        for slot in slots {
            let index = stream.record(*slot)?;
            let record = self.store.records.get(index);
            if !record.entry().is_none() && record.owner().source == stream.source {
                let update_version = record.update_version();
                // The removed state itself may return: its node may take the driver back.
                let older = UpdateVersion { time: update_version.time - Millis::new(1), ..update_version };
                let id = self.store.ids.get(index).to_id();
                self.tombstones.add(&id, older, now + self.position_ttl_ms);
                self.deindex(index);
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes these drivers unless their state is newer than the eviction, and rejects older states. Returns the number
    /// of removed drivers.
    pub(crate) fn evict(&mut self, evictions: &[Eviction], now: Timestamp) -> u64 {
        let mut removed = 0;
        for eviction in evictions {
            self.tombstones.add(&eviction.id, eviction.update_version, now + self.position_ttl_ms);
            let Some(index) = self.registry.find(&self.store, &eviction.id) else { continue };
            let record = self.store.records.get(index);
            if !record.entry().is_none() && record.update_version() <= eviction.update_version {
                self.deindex(index);
                removed += 1;
            }
        }
        removed
    }

    /// Releases at most `slots_max` slots of closed streams. Returns whether there are more.
    pub(crate) fn release_closed_streams(&mut self, slots_max: usize) -> bool {
        let store = Arc::clone(&self.store);
        if let Some(slots) = self.closed_stream_slots.last_mut() {
            let rest = slots.len().saturating_sub(slots_max);
            for record in slots.split_off(rest).into_iter().filter(|record| !record.is_none()) {
                self.registry.release(&store, record);
            }
            if rest == 0 {
                self.closed_stream_slots.pop();
            }
        }
        !self.closed_stream_slots.is_empty()
    }
}
