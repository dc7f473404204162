//! One driver's entry of the table, its profile included: one cache line, written under its lock and read without it.
//!
//! The readers are the outbound links and the rebuild, which go over millions of entries: they read by version
//! (a sequence lock after Boehm, "Can seqlocks get along with programming language memory models?", 2012), so
//! that the processor overlaps their cache misses, which a lock's atomic read-modify-write would forbid.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use kerb_geometry::LatLng;
use kerb_types::{DriverStatus, Motion, ShardId, UpdateVersion};
use parking_lot::{Mutex, MutexGuard};

use crate::name::Name;
use crate::rate::Due;

/// Stands for a position that was not reported yet. No `LatLng` has these bits.
const NO_POSITION: u64 = u64::MAX;
/// Spins before a reader yields: a writer holds the version for a few stores only.
const SPINS_MAX: u32 = 64;

/// The newest that is known of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Where.
    pub position: LatLng,
    /// When.
    pub update_version: UpdateVersion,
    /// How it moved.
    pub motion: Motion,
    /// Decimeters of 68 % probability, or [`Motion::NOT_KNOWN`].
    pub accuracy_dm: u16,
    /// Doing what.
    pub status: DriverStatus,
    /// The shard of `position`.
    pub shard: ShardId,
    /// In the reverse index, so searchable.
    pub listed: bool,
}

/// What only a writer touches. Bytes alone: with its lock it takes 24.
#[derive(Debug, Default)]
pub(crate) struct Owner {
    /// Whose entry it is.
    pub(crate) name: Name,
    /// What the driver is.
    pub(crate) vehicle_class: u8,
    /// State of the driver's rate limit.
    pub(crate) due: Due,
}

/// 64 bytes.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Entry {
    /// Odd while a writer is at work.
    version: AtomicU32,
    /// Index in the shard's list of the reverse index; guarded by that list's lock.
    pub(crate) place: AtomicU32,
    position: AtomicU64,
    sequence: AtomicU64,
    /// Time 48 bits, signed; the driver's capabilities 16, which the lock guards.
    time: AtomicU64,
    /// Shard 14 bits, status 2, heading 16, accuracy 16, speed 15, listed 1.
    details: AtomicU64,
    owner: Mutex<Owner>,
}

const _: () = assert!(size_of::<Entry>() == 64, "an entry is one cache line");

impl Default for Entry {
    fn default() -> Self {
        Self {
            version: AtomicU32::new(0),
            place: AtomicU32::new(0),
            position: AtomicU64::new(NO_POSITION),
            sequence: AtomicU64::new(0),
            time: AtomicU64::new(0),
            details: AtomicU64::new(0),
            owner: Mutex::default(),
        }
    }
}

impl Entry {
    /// The writer's lock.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Owner> {
        self.owner.lock()
    }

    /// The driver's capabilities, for who holds the lock.
    pub(crate) fn capabilities(&self) -> u16 {
        self.time.load(Ordering::Relaxed) as u16
    }

    /// Replaces them. They share a word with the time, which a reader sees as it was.
    pub(crate) fn set_capabilities(&self, _owner: &mut Owner, capabilities: u16) {
        let time = self.time.load(Ordering::Relaxed) & !u64::from(u16::MAX);
        self.time.store(time | u64::from(capabilities), Ordering::Relaxed);
    }

    /// The newest state; `None` when the driver has not reported yet. Waits for no lock.
    #[inline]
    pub(crate) fn read(&self) -> Option<State> {
        let mut spins = 0;
        loop {
            let before = self.version.load(Ordering::Acquire);
            let words = self.words();
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.version.load(Ordering::Relaxed) == before {
                return decode(words);
            }
            spins += 1;
            if spins % SPINS_MAX == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }

    /// Brings the entry into the cache. Many of these in a row overlap their waits; reads, which branch, hardly do.
    #[inline]
    pub(crate) fn touch(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    /// The state, for who holds the lock: nobody else writes.
    #[inline]
    pub(crate) fn read_locked(&self, _owner: &Owner) -> Option<State> {
        decode(self.words())
    }

    /// Replaces the state. `None`: as if it had never reported.
    #[inline]
    pub(crate) fn write(&self, _owner: &mut Owner, state: Option<&State>) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        if let Some(state) = state {
            self.position.store(state.position.to_bits(), Ordering::Relaxed);
            self.sequence.store(state.update_version.sequence, Ordering::Relaxed);
            let time = pack_time(state.update_version.time_ms) | u64::from(self.capabilities());
            self.time.store(time, Ordering::Relaxed);
            self.details.store(pack(state), Ordering::Relaxed);
        } else {
            self.position.store(NO_POSITION, Ordering::Relaxed);
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

/// Times this far from the epoch, either way: 4,459 years, in milliseconds. A legal time is near now.
const TIME_MAX_MS: i64 = (1 << 47) - 1;

#[inline]
fn pack_time(time_ms: i64) -> u64 {
    (time_ms.clamp(-TIME_MAX_MS, TIME_MAX_MS) << 16).cast_unsigned()
}

/// "Not known" in 15 bits; a speed is at most 20,000 cm/s.
const SPEED_NOT_KNOWN: u64 = 0x7fff;

#[inline]
fn pack(state: &State) -> u64 {
    let speed = u64::from(state.motion.speed_cmps).min(SPEED_NOT_KNOWN);
    u64::from(state.shard.0) << 50
        | (state.status as u64 - 1) << 48
        | u64::from(state.motion.heading_cdeg) << 32
        | u64::from(state.accuracy_dm) << 16
        | speed << 1
        | u64::from(state.listed)
}

#[inline]
fn decode([position, sequence, time, details]: [u64; 4]) -> Option<State> {
    if position == NO_POSITION {
        return None;
    }
    let speed = details >> 1 & SPEED_NOT_KNOWN;
    let speed_cmps = if speed == SPEED_NOT_KNOWN { Motion::NOT_KNOWN } else { speed as u16 };
    Some(State {
        position: LatLng::from_bits(position),
        update_version: UpdateVersion { sequence, time_ms: time.cast_signed() >> 16 },
        motion: Motion { heading_cdeg: (details >> 32) as u16, speed_cmps },
        accuracy_dm: (details >> 16) as u16,
        status: STATUSES[(details >> 48 & 3) as usize],
        shard: ShardId((details >> 50) as u16),
        listed: details & 1 == 1,
    })
}

const STATUSES: [DriverStatus; 4] = DriverStatus::ALL;

#[cfg(test)]
mod tests {
    use super::*;

    fn state(n: u64) -> State {
        State {
            position: LatLng::from_e7(n as i32 % 900_000_000, -(n as i32 % 1_800_000_000)).unwrap(),
            update_version: UpdateVersion { sequence: n, time_ms: n as i64 * 3 },
            motion: Motion { heading_cdeg: (n % 36_000) as u16, speed_cmps: (n % 20_001) as u16 },
            accuracy_dm: (n % 65_536) as u16,
            status: DriverStatus::ALL[(n % 4) as usize],
            shard: ShardId((n % 16_384) as u16),
            listed: n.is_multiple_of(2),
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
                let update_version = |time_ms| UpdateVersion { sequence: 1, time_ms };
                let mut owner = entry.lock();
                entry.write(&mut owner, Some(&State { update_version: update_version(time_ms), ..state(2) }));
                entry.set_capabilities(&mut owner, capabilities);
                assert_eq!(entry.read(), Some(State { update_version: update_version(kept_ms), ..state(2) }));
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
