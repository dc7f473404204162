//! A driver's record: what an update compares, and the rest of a search's answer. 32 bytes, so one cache miss.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kerb_types::limits::SHARDS_MAX;
use kerb_types::{Capabilities, DriverProfile, Motion, ShardId, Timestamp, UpdateVersion, VehicleClass};

use super::arena::Element;
use super::indices::{EntryIndex, RecordIndex};
use crate::sync::{AtomicU32, AtomicU64, Rule, fence, undone};

/// End of the times that a record can hold: 48 bits of milliseconds, up to the year 10889.
pub(crate) const TIME_END_MS: i64 = 1 << 48;
/// Maximum number of slots, of all streams, that name one record.
pub(crate) const REFERENCES_MAX: u32 = (1 << 8) - 1;

/// The state of a driver next to its position. Searches read the first four words; only the writer reads `owner`.
#[derive(Default)]
#[repr(align(32))]
pub(crate) struct Record {
    /// Time in the upper 48 bits, heading in the lower 16.
    time_heading: AtomicU64,
    sequence: AtomicU64,
    /// The driver's [`EntryIndex`]. "None" means that the driver is in no tree.
    entry: AtomicU32,
    /// Version in the upper half, odd while the record is written; speed in the lower.
    version_speed: AtomicU32,
    /// Shard 14 bits, level of the leaf's cell 6, status 3, in the expiry index 1, references 8.
    meta: AtomicU32,
    /// For a driver in a tree: source 16 bits, snapshot number 16. For one in no tree: vehicle class 8 bits,
    /// capabilities 16, which otherwise are in the entry.
    owner: AtomicU32,
}

impl Element for Record {
    type Index = RecordIndex;
}

/// The fields of [`Record::meta`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordMeta {
    pub(crate) shard: ShardId,
    /// Level of the cell of the driver's leaf.
    pub(crate) level: u8,
    /// A copy of the entry's status, which saves the writer a cache miss.
    pub(crate) status: u8,
    /// Whether the expiry index tracks the driver. False for a driver in no tree.
    pub(crate) in_expiry_index: bool,
    /// Number of slots that name the record.
    pub(crate) references: u32,
}

/// The writer's number of an ingest node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceIndex(pub(crate) u16);

impl SourceIndex {
    pub(crate) fn as_usize(self) -> usize {
        usize::from(self.0)
    }
}

/// Number of snapshots that a source had begun, modulo 2^16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SnapshotNumber(pub(crate) u16);

impl SnapshotNumber {
    pub(crate) fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Whether this snapshot began before the other. Numbers wrap around, so the shorter way between them decides.
    pub(crate) fn is_before(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0) as i16) < 0
    }
}

/// The source of a driver's newest state, and the source's newest snapshot at its last report of this driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) source: SourceIndex,
    pub(crate) snapshot: SnapshotNumber,
}

/// A driver's vehicle class and capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VehicleKind {
    pub(crate) class: VehicleClass,
    pub(crate) capabilities: Capabilities,
}

impl From<&DriverProfile> for VehicleKind {
    fn from(profile: &DriverProfile) -> Self {
        Self { class: profile.vehicle_class, capabilities: profile.capabilities }
    }
}

/// What a report contains next to position and status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DriverState {
    pub(crate) update_version: UpdateVersion,
    pub(crate) motion: Motion,
}

// The casts of this block cut a field out of a word, whose layout the fields of `Record` describe.
impl Record {
    /// The driver's entry; "none" when the driver is in no tree.
    #[inline]
    pub(crate) fn entry(&self) -> EntryIndex {
        EntryIndex::new(self.entry.load(Acquire))
    }

    #[inline]
    pub(crate) fn set_entry(&self, entry: EntryIndex) {
        // A release: a search that follows the record to the new entry finds the driver there.
        self.entry.store(entry.get(), Release);
    }

    #[inline]
    pub(crate) fn update_version(&self) -> UpdateVersion {
        UpdateVersion { sequence: self.sequence.load(Relaxed), time: self.time() }
    }

    #[inline]
    pub(crate) fn time(&self) -> Timestamp {
        // 48 bits are below the sign bit.
        Timestamp::from_millis((self.time_heading.load(Relaxed) >> 16) as i64)
    }

    /// Reads the state. It may be torn: [`Record::version`] before and [`Record::version_after`] show whether it is.
    #[inline]
    pub(crate) fn state(&self) -> DriverState {
        let time_heading = self.time_heading.load(Relaxed);
        DriverState {
            update_version: UpdateVersion {
                sequence: self.sequence.load(Relaxed),
                time: Timestamp::from_millis((time_heading >> 16) as i64),
            },
            motion: Motion {
                heading_cdeg: time_heading as u16,
                speed_cmps: self.version_speed.load(Relaxed) as u16,
            },
        }
    }

    /// The version before a read; odd while the writer changes the record.
    #[inline]
    pub(crate) fn version(&self) -> u32 {
        self.version_speed.load(Acquire) >> 16
    }

    /// The version after a read. If it equals an even version before the read, nothing changed in between.
    #[inline]
    pub(crate) fn version_after(&self) -> u32 {
        // Keeps the loads of the state before the load of the version (Boehm, "Can seqlocks get along with programming
        // language memory models?", 2012).
        if !undone(Rule::VersionFences) {
            fence(Acquire);
        }
        self.version_speed.load(Relaxed) >> 16
    }

    /// Begins a write. Entry, position and state only change between this call and [`Record::end_write`], so that a
    /// search reads them as one.
    #[inline]
    pub(crate) fn begin_write(&self) {
        if undone(Rule::OddVersion) {
            return;
        }
        self.version_speed.store(self.version_speed.load(Relaxed).wrapping_add(1 << 16), Relaxed);
        // Keeps the odd version before all stores of the write.
        if !undone(Rule::VersionFences) {
            fence(Release);
        }
    }

    /// Stores the state and ends the write.
    #[inline]
    pub(crate) fn end_write(&self, state: DriverState) {
        let UpdateVersion { sequence, time } = state.update_version;
        let time_heading = time.as_millis().cast_unsigned() << 16 | u64::from(state.motion.heading_cdeg);
        self.time_heading.store(time_heading, Relaxed);
        self.sequence.store(sequence, Relaxed);
        let step = u32::from(!undone(Rule::OddVersion));
        let version = (self.version_speed.load(Relaxed) >> 16).wrapping_add(step);
        // A release: the even version comes after all stores of the write.
        self.version_speed.store(version << 16 | u32::from(state.motion.speed_cmps), Release);
    }

    #[inline]
    pub(crate) fn meta(&self) -> RecordMeta {
        let word = self.meta.load(Relaxed);
        RecordMeta {
            shard: ShardId((word >> 18) as u16),
            level: (word >> 12 & 63) as u8,
            status: (word >> 9 & 7) as u8,
            in_expiry_index: word >> 8 & 1 == 1,
            references: word & REFERENCES_MAX,
        }
    }

    #[inline]
    pub(crate) fn set_meta(&self, meta: RecordMeta) {
        debug_assert!(meta.references <= REFERENCES_MAX && meta.level <= 32 && meta.status < 8);
        debug_assert!(meta.shard.0 < SHARDS_MAX);
        let word = u32::from(meta.shard.0) << 18
            | u32::from(meta.level) << 12
            | u32::from(meta.status) << 9
            | u32::from(meta.in_expiry_index) << 8
            | meta.references;
        self.meta.store(word, Relaxed);
    }

    /// The vehicle kind of a driver in no tree.
    pub(crate) fn kind(&self) -> VehicleKind {
        let word = self.owner.load(Relaxed);
        VehicleKind { class: VehicleClass((word >> 16) as u8), capabilities: Capabilities(word as u16) }
    }

    /// Sets the vehicle kind of a driver in no tree. The record has no owner from now on.
    pub(crate) fn set_kind(&self, kind: VehicleKind) {
        self.owner.store(u32::from(kind.class.0) << 16 | u32::from(kind.capabilities.0), Relaxed);
    }

    /// The owner of a driver in a tree.
    #[inline]
    pub(crate) fn owner(&self) -> Owner {
        let word = self.owner.load(Relaxed);
        Owner { source: SourceIndex((word >> 16) as u16), snapshot: SnapshotNumber(word as u16) }
    }

    #[inline]
    pub(crate) fn set_owner(&self, owner: Owner) {
        self.owner.store(u32::from(owner.source.0) << 16 | u32::from(owner.snapshot.0), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_return_what_was_stored() {
        assert_eq!(size_of::<Record>(), 32);
        let record = Record::default();
        let state = DriverState {
            update_version: UpdateVersion {
                sequence: u64::MAX,
                time: Timestamp::from_millis(TIME_END_MS - 1),
            },
            motion: Motion { heading_cdeg: 35_999, speed_cmps: Motion::NOT_KNOWN },
        };
        record.begin_write();
        assert_eq!(record.version(), 1);
        record.end_write(state);
        assert_eq!((record.version(), record.state()), (2, state));
        let meta = RecordMeta {
            shard: ShardId(SHARDS_MAX - 1),
            level: 32,
            status: 7,
            in_expiry_index: true,
            references: REFERENCES_MAX,
        };
        record.set_meta(meta);
        assert_eq!(record.meta(), meta);
        let owner = Owner { source: SourceIndex(7), snapshot: SnapshotNumber(u16::MAX) };
        record.set_owner(owner);
        assert_eq!(record.owner(), owner);
        let kind = VehicleKind { class: VehicleClass(63), capabilities: Capabilities(u16::MAX) };
        record.set_kind(kind);
        assert_eq!(record.kind(), kind);
    }

    #[test]
    fn the_version_wraps_around() {
        let record = Record::default();
        let state = DriverState { update_version: UpdateVersion::default(), motion: Motion::NONE };
        for _ in 0..40_000 {
            record.begin_write();
            record.end_write(state);
        }
        assert_eq!(record.version(), 80_000 % 65_536);
        assert_eq!(record.state(), state);
    }

    #[test]
    fn snapshot_numbers_are_ordered_across_the_wrap() {
        let last = SnapshotNumber(u16::MAX);
        assert!(last.is_before(last.next()) && !last.next().is_before(last) && !last.is_before(last));
    }
}
