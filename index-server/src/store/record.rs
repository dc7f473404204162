//! A driver's record: what an update compares and what a found driver is answered with. 32 bytes, so one cache miss.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kerb_types::limits::SHARDS_MAX;
use kerb_types::{Capabilities, DriverProfile, Motion, ShardId, UpdateVersion, VehicleClass};

use crate::sync::{AtomicU32, AtomicU64, Rule, fence, undone};

/// Times that a record can keep: 48 bits of milliseconds, up to the year 10889.
pub(crate) const TIME_END_MS: i64 = 1 << 48;
/// [`Record::place`] of a driver who is in no tree. Entries are counted from block 1.
pub(crate) const NOWHERE: u32 = 0;
/// Slots of all sessions that may name one record.
pub(crate) const REFERENCES_MAX: u32 = (1 << 8) - 1;

/// See the module. The first four words are for readers too; `owner` is the writer's own.
#[derive(Default)]
#[repr(align(32))]
pub(crate) struct Record {
    /// Time in the upper 48 bits, heading in the lower 16.
    time_heading: AtomicU64,
    sequence: AtomicU64,
    /// Block times eight plus the entry in it.
    place: AtomicU32,
    /// Version in the upper half, odd while the record is written; speed in the lower.
    version_speed: AtomicU32,
    /// Shard 14 bits, level of the leaf's cell 6, status 3, watched 1, references 8.
    home: AtomicU32,
    /// Of a driver in a tree: source 16 bits, its epoch 16. Of one who is in none: class 8 bits, capabilities 16, which
    /// otherwise stand in its entry.
    owner: AtomicU32,
}

/// [`Record::home`] taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) shard: ShardId,
    pub(crate) level: u8,
    /// As in the entry, for the writer, who so need not look there.
    pub(crate) status: u8,
    /// Its deadline is among those that the writer minds; never of a driver who is in no tree.
    pub(crate) watched: bool,
    pub(crate) references: u32,
}

/// Who sent a driver's newest state, and in which of its epochs it was last heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) source: u16,
    pub(crate) epoch: u16,
}

/// What a driver is, beside who.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) class: VehicleClass,
    pub(crate) capabilities: Capabilities,
}

impl From<&DriverProfile> for Kind {
    fn from(profile: &DriverProfile) -> Self {
        Self { class: profile.vehicle_class, capabilities: profile.capabilities }
    }
}

/// A driver's state beside its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) update_version: UpdateVersion,
    pub(crate) motion: Motion,
}

impl Record {
    #[inline]
    pub(crate) fn place(&self) -> u32 {
        self.place.load(Acquire)
    }

    #[inline]
    pub(crate) fn set_place(&self, place: u32) {
        self.place.store(place, Release);
    }

    #[inline]
    pub(crate) fn update_version(&self) -> UpdateVersion {
        UpdateVersion { sequence: self.sequence.load(Relaxed), time_ms: self.time_ms() }
    }

    #[inline]
    pub(crate) fn time_ms(&self) -> i64 {
        (self.time_heading.load(Relaxed) >> 16) as i64
    }

    /// May be torn; the version tells, see [`Record::version`].
    #[inline]
    pub(crate) fn state(&self) -> State {
        let time_heading = self.time_heading.load(Relaxed);
        State {
            update_version: UpdateVersion {
                sequence: self.sequence.load(Relaxed),
                time_ms: (time_heading >> 16) as i64,
            },
            motion: Motion {
                heading_cdeg: time_heading as u16,
                speed_cmps: self.version_speed.load(Relaxed) as u16,
            },
        }
    }

    /// The version at the begin of a read; odd while the writer is at it.
    #[inline]
    pub(crate) fn version(&self) -> u32 {
        self.version_speed.load(Acquire) >> 16
    }

    /// The version at the end of a read. Equal to an even one at its begin: nothing was written in between
    /// (Boehm, "Can seqlocks get along with programming language memory models?", 2012: the fence keeps the
    /// loads before it before the load after it).
    #[inline]
    pub(crate) fn version_after(&self) -> u32 {
        if !undone(Rule::VersionFences) {
            fence(Acquire);
        }
        self.version_speed.load(Relaxed) >> 16
    }

    /// Opens a write; only between this and [`Record::end`] do place, position and state change, so that a reader
    /// gets them as one.
    #[inline]
    pub(crate) fn begin(&self) {
        if undone(Rule::OddVersion) {
            return;
        }
        self.version_speed.store(self.version_speed.load(Relaxed).wrapping_add(1 << 16), Relaxed);
        if !undone(Rule::VersionFences) {
            fence(Release);
        }
    }

    /// Stores the state and closes the write.
    #[inline]
    pub(crate) fn end(&self, state: State) {
        let UpdateVersion { sequence, time_ms } = state.update_version;
        let time_heading = (time_ms as u64) << 16 | u64::from(state.motion.heading_cdeg);
        self.time_heading.store(time_heading, Relaxed);
        self.sequence.store(sequence, Relaxed);
        let step = u32::from(!undone(Rule::OddVersion));
        let version = (self.version_speed.load(Relaxed) >> 16).wrapping_add(step);
        self.version_speed.store(version << 16 | u32::from(state.motion.speed_cmps), Release);
    }

    #[inline]
    pub(crate) fn home(&self) -> Home {
        let word = self.home.load(Relaxed);
        Home {
            shard: ShardId((word >> 18) as u16),
            level: (word >> 12 & 63) as u8,
            status: (word >> 9 & 7) as u8,
            watched: word >> 8 & 1 == 1,
            references: word & REFERENCES_MAX,
        }
    }

    #[inline]
    pub(crate) fn set_home(&self, home: Home) {
        debug_assert!(home.references <= REFERENCES_MAX && home.level <= 32 && home.status < 8);
        debug_assert!(home.shard.0 < SHARDS_MAX);
        let word = u32::from(home.shard.0) << 18
            | u32::from(home.level) << 12
            | u32::from(home.status) << 9
            | u32::from(home.watched) << 8
            | home.references;
        self.home.store(word, Relaxed);
    }

    /// Of a driver who is in no tree.
    pub(crate) fn kind(&self) -> Kind {
        let word = self.owner.load(Relaxed);
        Kind { class: VehicleClass((word >> 16) as u8), capabilities: Capabilities(word as u16) }
    }

    /// As [`Record::kind`]; there is no owner from now on.
    pub(crate) fn set_kind(&self, kind: Kind) {
        self.owner.store(u32::from(kind.class.0) << 16 | u32::from(kind.capabilities.0), Relaxed);
    }

    /// Of a driver in a tree.
    #[inline]
    pub(crate) fn owner(&self) -> Owner {
        let word = self.owner.load(Relaxed);
        Owner { source: (word >> 16) as u16, epoch: word as u16 }
    }

    #[inline]
    pub(crate) fn set_owner(&self, owner: Owner) {
        self.owner.store(u32::from(owner.source) << 16 | u32::from(owner.epoch), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_what_they_are_given() {
        assert_eq!(size_of::<Record>(), 32);
        let record = Record::default();
        let state = State {
            update_version: UpdateVersion { sequence: u64::MAX, time_ms: TIME_END_MS - 1 },
            motion: Motion { heading_cdeg: 35_999, speed_cmps: Motion::NOT_KNOWN },
        };
        record.begin();
        assert_eq!(record.version(), 1);
        record.end(state);
        assert_eq!((record.version(), record.state()), (2, state));
        let home = Home {
            shard: ShardId(SHARDS_MAX - 1),
            level: 32,
            status: 7,
            watched: true,
            references: REFERENCES_MAX,
        };
        record.set_home(home);
        assert_eq!(record.home(), home);
        let owner = Owner { source: 7, epoch: u16::MAX };
        record.set_owner(owner);
        assert_eq!(record.owner(), owner);
        let kind = Kind { class: VehicleClass(63), capabilities: Capabilities(u16::MAX) };
        record.set_kind(kind);
        assert_eq!(record.kind(), kind);
    }

    #[test]
    fn the_version_turns_over() {
        let record = Record::default();
        let state = State { update_version: UpdateVersion::default(), motion: Motion::NONE };
        for _ in 0..40_000 {
            record.begin();
            record.end(state);
        }
        assert_eq!(record.version(), 80_000 % 65_536);
        assert_eq!(record.state(), state);
    }
}
