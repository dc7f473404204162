//! Applies batches, step by step.

use kerb_ports::{Batch, ReplicationError};
use kerb_types::Timestamp;

use super::{Index, STEP_CHANGES};
use crate::replication::source_stream::SourceStream;
use crate::store::indices::RecordIndex;
use crate::write::Writer;
use crate::write::update::resolve;

/// Updates that one step applies.
const STEP_UPDATES: usize = 2_048;

/// How much of a batch is applied.
#[derive(Debug, Default)]
pub struct BatchProgress {
    /// Slot bindings that are applied.
    bound: usize,
    /// The records of all updates, once they are checked.
    records: Option<Vec<RecordIndex>>,
    updated: usize,
    removed: usize,
    evicted: usize,
}

impl Index {
    /// Applies a step of a batch. Returns whether there is more to do.
    pub fn apply(
        &self,
        stream: &mut SourceStream,
        batch: &Batch,
        progress: &mut BatchProgress,
        now: Timestamp,
    ) -> Result<bool, ReplicationError> {
        let mut writer = self.writer.lock();
        writer.sources.check(stream)?;
        let more = self.apply_step(&mut writer, stream, batch, progress, now)?;
        writer.reclaim();
        Ok(more)
    }

    fn apply_step(
        &self,
        writer: &mut Writer,
        stream: &mut SourceStream,
        batch: &Batch,
        progress: &mut BatchProgress,
        now: Timestamp,
    ) -> Result<bool, ReplicationError> {
        if let Some(step) = next_step(&batch.slot_bindings, &mut progress.bound, STEP_CHANGES) {
            writer.bind_slots(stream, step)?;
            return Ok(true);
        }
        // All rows are checked before the first is applied. The slots must be bound for that.
        if progress.records.is_none() {
            for slot in &batch.removals {
                stream.record(*slot)?;
            }
            progress.records = Some(resolve(writer, stream, &batch.updates)?);
        }
        let records = progress.records.as_deref().unwrap_or_default();
        let from = progress.updated;
        if let Some(step) = next_step(&batch.updates, &mut progress.updated, STEP_UPDATES) {
            if !writer.pages.have_room(&self.store, step.len()) {
                let limit = self.store.records.limit();
                return Err(ReplicationError::Overloaded { what: "drivers", limit });
            }
            let counts = writer.update(stream, step, &records[from..progress.updated], now);
            self.metrics.updates_newest.add(counts.newest);
            self.metrics.updates_late.add(counts.late);
            self.metrics.updates_rejected.add(counts.rejected);
            self.metrics.updates_moved.add(counts.moved);
        } else if let Some(step) = next_step(&batch.removals, &mut progress.removed, STEP_CHANGES) {
            self.metrics.drivers_removed.add(writer.remove(stream, step, now)?);
        } else if let Some(step) = next_step(&batch.evictions, &mut progress.evicted, STEP_CHANGES) {
            self.metrics.drivers_removed.add(writer.evict(step, now));
        }
        Ok(progress.updated < batch.updates.len()
            || progress.removed < batch.removals.len()
            || progress.evicted < batch.evictions.len())
    }
}

/// Returns the next elements of a list, at most `step_max`, and counts them as done; `None` at the end of the list.
fn next_step<'a, T>(list: &'a [T], done: &mut usize, step_max: usize) -> Option<&'a [T]> {
    let rest = &list[*done..];
    let step = &rest[..rest.len().min(step_max)];
    *done += step.len();
    (!step.is_empty()).then_some(step)
}
