//! The batches of replication streams: rows in memory, columns on the wire. This is a hot path, because every position of
//! the fleet takes it. A row needs no allocation, and each column is reserved once.

use std::sync::Arc;

use kerb_ports::{Batch, Eviction, Slot, SlotBinding, Update};
use kerb_types::limits::BATCH_ROWS_MAX;
use kerb_types::{DriverProfile, FieldError, Motion, Timestamp, UpdateVersion};

use super::field::{
    HEADING_MAX_CDEG, SPEED_MAX_CMPS, at, at_most, capabilities, driver_id, each, indexed_status, invalid,
    invalid_measure, invalid_position, invalid_shard, measure, position, shard, vehicle_class,
};
use crate::internal::v1;

impl From<&Batch> for v1::Batch {
    fn from(batch: &Batch) -> Self {
        let updates = &batch.updates;
        // Both directions wrap, so the difference of any two times survives.
        let base_time_ms = updates.first().map_or(0, |first| first.update_version.time.as_millis());
        Self {
            slot_bindings: batch.slot_bindings.iter().map(Into::into).collect(),
            slot: updates.iter().map(|u| u.slot.get()).collect(),
            shard: updates.iter().map(|u| u32::from(u.shard.0)).collect(),
            position: updates.iter().map(|u| u.position.to_bits()).collect(),
            base_time_ms,
            time_offset_ms: updates
                .iter()
                .map(|u| u.update_version.time.as_millis().wrapping_sub(base_time_ms))
                .collect(),
            sequence: updates.iter().map(|u| u.update_version.sequence).collect(),
            heading_cdeg: updates.iter().map(|u| u32::from(u.motion.heading_cdeg)).collect(),
            speed_cmps: updates.iter().map(|u| u32::from(u.motion.speed_cmps)).collect(),
            status: updates.iter().map(|u| u32::from(u.status as u8)).collect(),
            removed_slot: batch.removals.iter().map(|slot| slot.get()).collect(),
            evictions: batch.evictions.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::Batch> for Batch {
    type Error = FieldError;

    fn try_from(wire: v1::Batch) -> Result<Self, FieldError> {
        at_most("slot_bindings", wire.slot_bindings.len(), BATCH_ROWS_MAX)?;
        at_most("removed_slot", wire.removed_slot.len(), BATCH_ROWS_MAX)?;
        at_most("evictions", wire.evictions.len(), BATCH_ROWS_MAX)?;
        Ok(Self {
            updates: updates(&wire)?,
            slot_bindings: each("slot_bindings", wire.slot_bindings)?,
            evictions: each("evictions", wire.evictions)?,
            removals: wire.removed_slot.into_iter().map(Slot::new).collect(),
        })
    }
}

fn updates(wire: &v1::Batch) -> Result<Vec<Update>, FieldError> {
    let rows = wire.slot.len();
    at_most("slot", rows, BATCH_ROWS_MAX)?;
    let lengths = [
        ("shard", wire.shard.len()),
        ("position", wire.position.len()),
        ("time_offset_ms", wire.time_offset_ms.len()),
        ("sequence", wire.sequence.len()),
        ("heading_cdeg", wire.heading_cdeg.len()),
        ("speed_cmps", wire.speed_cmps.len()),
        ("status", wire.status.len()),
    ];
    if let Some((field, length)) = lengths.into_iter().find(|(_, length)| *length != rows) {
        return Err(invalid(
            field,
            format_args!("{length} elements"),
            format_args!("{rows}, as many as in slot"),
        ));
    }
    let mut updates = Vec::with_capacity(rows);
    for i in 0..rows {
        match update(wire, i) {
            Some(update) => updates.push(update),
            None => return Err(row_error(wire, i)),
        }
    }
    Ok(updates)
}

/// Converts row `i`; `None` for an invalid value. All columns have the same length.
#[inline]
fn update(wire: &v1::Batch, i: usize) -> Option<Update> {
    Some(Update {
        slot: Slot::new(wire.slot[i]),
        shard: shard(wire.shard[i])?,
        position: position(wire.position[i])?,
        update_version: UpdateVersion {
            sequence: wire.sequence[i],
            time: Timestamp::from_millis(wire.base_time_ms.wrapping_add(wire.time_offset_ms[i])),
        },
        motion: Motion {
            heading_cdeg: measure(wire.heading_cdeg[i], HEADING_MAX_CDEG)?,
            speed_cmps: measure(wire.speed_cmps[i], SPEED_MAX_CMPS)?,
        },
        status: indexed_status(wire.status[i])?,
    })
}

/// Returns the error of row `i`, for which [`update`] returned `None`.
#[cold]
fn row_error(wire: &v1::Batch, i: usize) -> FieldError {
    if shard(wire.shard[i]).is_none() {
        invalid_shard(at("shard", i), wire.shard[i])
    } else if position(wire.position[i]).is_none() {
        invalid_position(at("position", i), wire.position[i])
    } else if measure(wire.heading_cdeg[i], HEADING_MAX_CDEG).is_none() {
        invalid_measure(at("heading_cdeg", i), wire.heading_cdeg[i], HEADING_MAX_CDEG)
    } else if measure(wire.speed_cmps[i], SPEED_MAX_CMPS).is_none() {
        invalid_measure(at("speed_cmps", i), wire.speed_cmps[i], SPEED_MAX_CMPS)
    } else {
        invalid(at("status", i), wire.status[i], "1, 2, 3, 5 or 6: an offline driver is removed, not updated")
    }
}

impl From<&SlotBinding> for v1::SlotBinding {
    fn from(binding: &SlotBinding) -> Self {
        let profile = &binding.profile;
        Self {
            slot: binding.slot.get(),
            driver_id: profile.id.as_str().to_owned(),
            vehicle_class: u32::from(profile.vehicle_class.0),
            capabilities: u32::from(profile.capabilities.0),
        }
    }
}

impl TryFrom<v1::SlotBinding> for SlotBinding {
    type Error = FieldError;

    fn try_from(wire: v1::SlotBinding) -> Result<Self, FieldError> {
        let profile = DriverProfile {
            id: driver_id("driver_id", &wire.driver_id)?,
            vehicle_class: vehicle_class(wire.vehicle_class)?,
            capabilities: capabilities(wire.capabilities)?,
        };
        Ok(Self { slot: Slot::new(wire.slot), profile: Arc::new(profile) })
    }
}

impl From<&Eviction> for v1::Eviction {
    fn from(eviction: &Eviction) -> Self {
        let UpdateVersion { sequence, time } = eviction.update_version;
        Self { driver_id: eviction.id.as_str().to_owned(), sequence, time_ms: time.as_millis() }
    }
}

impl TryFrom<v1::Eviction> for Eviction {
    type Error = FieldError;

    fn try_from(wire: v1::Eviction) -> Result<Self, FieldError> {
        let update_version =
            UpdateVersion { sequence: wire.sequence, time: Timestamp::from_millis(wire.time_ms) };
        Ok(Self { id: driver_id("driver_id", &wire.driver_id)?, update_version })
    }
}
