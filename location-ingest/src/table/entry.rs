//! One driver's entry of the table, its profile included: one cache line. Writers lock it; readers do not.
//!
//! The readers are the links and the rebuild, which go over millions of entries. They read by version: a sequence lock
//! (Boehm, "Can seqlocks get along with programming language memory models?", 2012). So the processor overlaps their
//! cache misses, which the atomic read-modify-write of a lock would forbid.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use kerb_geometry::LatLng;
use kerb_types::{DriverStatus, Motion, ShardId, Timestamp, UpdateVersion};
use parking_lot::{Mutex, MutexGuard};

use super::inline_id::InlineId;
use super::rate_limit::DueTime;

/// Stands for "no position yet". No `LatLng` has these bits.
const NO_POSITION: u64 = u64::MAX;
/// Spins before a reader yields. A writer keeps the version odd for a few stores only.
const SPINS_MAX: u32 = 64;

/// The newest state of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverState {
    /// The position that was reported last.
    pub position: LatLng,
    /// Sequence and time of that report.
    pub update_version: UpdateVersion,
    /// Heading and speed of that report.
    pub motion: Motion,
    /// Radius of the 68 % confidence circle in decimeters, or [`Motion::NOT_KNOWN`].
    pub accuracy_dm: u16,
    /// Whether the driver is available, on a trip, on a break or offline.
    pub status: DriverStatus,
    /// The shard of `position`.
    pub shard: ShardId,
    /// Whether the driver is in the reverse index, and so in the index servers.
    pub indexed: bool,
}

/// The fields that only a writer touches: 24 bytes with the lock.
#[derive(Debug, Default)]
pub(crate) struct LockedFields {
    pub(crate) id: InlineId,
    pub(crate) vehicle_class: u8,
    /// State of the driver's rate limit.
    pub(crate) next_due: DueTime,
}

/// An entry of 64 bytes.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Entry {
    /// Odd while a writer replaces the state.
    version: AtomicU32,
    /// Index in the shard's list of the reverse index. That list's lock guards it.
    pub(crate) list_index: AtomicU32,
    position: AtomicU64,
    /// Before the first update: the last sequence that the driver has reported to another node, or 0.
    sequence: AtomicU64,
    /// Time in the upper 48 bits, signed; the driver's capabilities in the lower 16, which the lock guards.
    time: AtomicU64,
    /// Shard 14 bits, status 2, heading 16, accuracy 16, speed 15, indexed 1.
    details: AtomicU64,
    locked: Mutex<LockedFields>,
}

const _: () = assert!(size_of::<Entry>() == 64, "an entry is one cache line");

impl Default for Entry {
    fn default() -> Self {
        Self {
            version: AtomicU32::new(0),
            list_index: AtomicU32::new(0),
            position: AtomicU64::new(NO_POSITION),
            sequence: AtomicU64::new(0),
            time: AtomicU64::new(0),
            details: AtomicU64::new(0),
            locked: Mutex::default(),
        }
    }
}

impl Entry {
    /// Takes the writer's lock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, LockedFields> {
        self.locked.lock()
    }

    /// Returns the driver's capabilities. The caller holds the lock.
    pub(crate) fn capabilities(&self) -> u16 {
        // The lower 16 bits are meant.
        self.time.load(Ordering::Relaxed) as u16
    }

    /// Replaces the capabilities. They share a word with the time, but a reader that comes in between sees the same time
    /// as before, so the version stays.
    pub(crate) fn set_capabilities(&self, _locked: &mut LockedFields, capabilities: u16) {
        let time = self.time.load(Ordering::Relaxed) & !u64::from(u16::MAX);
        self.time.store(time | u64::from(capabilities), Ordering::Relaxed);
    }

    /// Returns the newest state; `None` before the driver's first update. Waits for no lock.
    #[inline]
    pub(crate) fn read(&self) -> Option<DriverState> {
        let mut spins = 0;
        loop {
            let before = self.version.load(Ordering::Acquire);
            let words = self.words();
            // Keeps the loads of the words above from moving below the second load of the version.
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.version.load(Ordering::Relaxed) == before {
                return decode(words);
            }
            spins += 1;
            if spins % SPINS_MAX == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }

    /// Returns the sequence of the newest state, or the last one at another node.
    #[inline]
    pub(crate) fn last_sequence(&self, _locked: &LockedFields) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }

    /// Sets the last sequence at another node. Only legal before the first update: no reader looks at the word then.
    pub(crate) fn set_last_sequence(&self, _locked: &mut LockedFields, sequence: u64) {
        self.sequence.store(sequence, Ordering::Relaxed);
    }

    /// Brings the entry into the cache. Many calls in a row overlap their cache misses; reads, which branch, hardly do.
    #[inline]
    pub(crate) fn prefetch(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    /// Returns the state. The caller holds the lock, so no writer can interfere.
    #[inline]
    pub(crate) fn read_locked(&self, _locked: &LockedFields) -> Option<DriverState> {
        decode(self.words())
    }

    /// Replaces the state. `None` resets it to that before the first update.
    #[inline]
    pub(crate) fn write(&self, _locked: &mut LockedFields, state: Option<&DriverState>) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        // Keeps the stores of the words below from moving above the odd version.
        fence(Ordering::Release);
        if let Some(state) = state {
            self.position.store(state.position.to_bits(), Ordering::Relaxed);
            self.sequence.store(state.update_version.sequence, Ordering::Relaxed);
            let time = pack_time(state.update_version.time) | u64::from(self.capabilities());
            self.time.store(time, Ordering::Relaxed);
            self.details.store(pack(state), Ordering::Relaxed);
        } else {
            self.position.store(NO_POSITION, Ordering::Relaxed);
            self.sequence.store(0, Ordering::Relaxed);
        }
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    #[inline]
    fn words(&self) -> [u64; 4] {
        [
            self.position.load(Ordering::Relaxed),
            self.sequence.load(Ordering::Relaxed),
            self.time.load(Ordering::Relaxed),
            self.details.load(Ordering::Relaxed),
        ]
    }
}

/// The greatest distance from the epoch, in either direction, that 48 bits hold: 4,459 years in milliseconds. Legal times
/// are near the present.
const TIME_MAX_MS: i64 = (1 << 47) - 1;

#[inline]
fn pack_time(time_ms: Timestamp) -> u64 {
    (time_ms.as_millis().clamp(-TIME_MAX_MS, TIME_MAX_MS) << 16).cast_unsigned()
}

/// Stands for "not known" in 15 bits. A speed is at most 20,000 cm/s.
const SPEED_NOT_KNOWN: u64 = 0x7fff;

#[inline]
fn pack(state: &DriverState) -> u64 {
    // Makes the 16-bit "not known" the 15-bit one.
    let speed = u64::from(state.motion.speed_cmps).min(SPEED_NOT_KNOWN);
    u64::from(state.shard.0) << 50
        // Statuses are numbered 1 to 4 and fill 2 bits from 0.
        | (state.status as u64 - 1) << 48
        | u64::from(state.motion.heading_cdeg) << 32
        | u64::from(state.accuracy_dm) << 16
        | speed << 1
        | u64::from(state.indexed)
}

#[inline]
fn decode([position, sequence, time, details]: [u64; 4]) -> Option<DriverState> {
    if position == NO_POSITION {
        return None;
    }
    // The casts below take the field's own bits from the word: none of them loses a bit that `pack` has written.
    let speed = details >> 1 & SPEED_NOT_KNOWN;
    let speed_cmps = if speed == SPEED_NOT_KNOWN { Motion::NOT_KNOWN } else { speed as u16 };
    Some(DriverState {
        position: LatLng::from_bits(position),
        update_version: UpdateVersion { sequence, time: Timestamp::from_millis(time.cast_signed() >> 16) },
        motion: Motion { heading_cdeg: (details >> 32) as u16, speed_cmps },
        accuracy_dm: (details >> 16) as u16,
        status: STATUSES[(details >> 48 & 3) as usize],
        shard: ShardId((details >> 50) as u16),
        indexed: details & 1 == 1,
    })
}

const STATUSES: [DriverStatus; 4] = DriverStatus::ALL;

#[cfg(test)]
mod tests {
    use super::*;

    fn state(n: u64) -> DriverState {
        DriverState {
            position: LatLng::from_e7(n as i32 % 900_000_000, -(n as i32 % 1_800_000_000)).unwrap(),
            update_version: UpdateVersion { sequence: n, time: Timestamp::from_millis(n as i64 * 3) },
            motion: Motion { heading_cdeg: (n % 36_000) as u16, speed_cmps: (n % 20_001) as u16 },
            accuracy_dm: (n % 65_536) as u16,
            status: DriverStatus::ALL[(n % 4) as usize],
            shard: ShardId((n % 16_384) as u16),
            indexed: n.is_multiple_of(2),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let entry = Entry::default();
        assert_eq!(entry.read(), None);
        for n in (0..40_000).step_by(7) {
            let mut wanted = state(n);
            if n % 5 == 0 {
                wanted.motion = Motion::NONE;
            }
            entry.write(&mut entry.lock(), Some(&wanted));
            assert_eq!(entry.read(), Some(wanted));
        }
        entry.write(&mut entry.lock(), None);
        assert_eq!(entry.read(), None);
    }

    #[test]
    fn times_and_capabilities_share_a_word() {
        let entry = Entry::default();
        for (time_ms, kept_ms) in
            [(-1, -1), (1 << 46, 1 << 46), (i64::MAX, TIME_MAX_MS), (i64::MIN, -TIME_MAX_MS)]
        {
            for capabilities in [0, 0xa5a5, u16::MAX] {
                let update_version = |ms| UpdateVersion { sequence: 1, time: Timestamp::from_millis(ms) };
                let mut owner = entry.lock();
                entry.write(
                    &mut owner,
                    Some(&DriverState { update_version: update_version(time_ms), ..state(2) }),
                );
                entry.set_capabilities(&mut owner, capabilities);
                assert_eq!(
                    entry.read(),
                    Some(DriverState { update_version: update_version(kept_ms), ..state(2) })
                );
                assert_eq!(entry.capabilities(), capabilities);
            }
        }
    }

    #[test]
    fn a_reader_sees_whole_states_only() {
        let entry = Entry::default();
        std::thread::scope(|scope| {
            for offset in [0, 1] {
                let entry = &entry;
                scope.spawn(move || {
                    for n in 0..50_000 {
                        entry.write(&mut entry.lock(), Some(&state(n * 2 + offset)));
                    }
                });
            }
            for _ in 0..50_000 {
                if let Some(seen) = entry.read() {
                    assert_eq!(seen, state(seen.update_version.sequence));
                }
            }
        });
    }
}
