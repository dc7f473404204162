//! The driver table: who is known, and the newest of each. Applying an update is the hot path.
//!
//! It holds no stream, no link and no file: those look at it, and at its marks.

use kerb_ports::{Error, Slot};
use kerb_proto::convert::Report;
use kerb_types::{Capabilities, DriverId, DriverProfile, DriverStatus, ShardId, Sharding, VehicleClass};
use parking_lot::Mutex;

use crate::directory::Directory;
use crate::entry::State;
use crate::held::Held;
use crate::rate::{Pace, RateLimit};
use crate::reverse::ReverseIndex;
use crate::slab::{Mark, Slab};

/// A driver of the table, as a stream holds it: found once, then used for every update.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// Where its entry is.
    pub slot: Slot,
    /// Whose entry it is, which tells when the slot has changed hands.
    pub id: DriverId,
    vehicle_class: VehicleClass,
    capabilities: Capabilities,
}

const _: () = assert!(size_of::<Option<Enrolled>>() == 32, "a gateway's stream holds many");

impl Enrolled {
    fn new(slot: Slot, profile: &DriverProfile) -> Self {
        let DriverProfile { id, vehicle_class, capabilities } = profile.clone();
        Self { slot, id, vehicle_class, capabilities }
    }

    /// The profile with which it was enrolled.
    fn profile(&self) -> DriverProfile {
        let Self { id, vehicle_class, capabilities, .. } = self.clone();
        DriverProfile { id, vehicle_class, capabilities }
    }
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is the newest now; the pace at which it came.
    Newest(Pace),
    /// The same or a newer one was there.
    Late,
    /// It came faster than the limit.
    TooFast,
}

/// The slot belongs to another driver: enrol again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale;

/// All drivers that this node knows.
pub struct DriverTable {
    sharding: Sharding,
    drivers: Directory,
    slab: Slab,
    reverse: ReverseIndex,
    /// Slots given out since somebody last looked. At most one entry a slot.
    newcomers: Mutex<Vec<Slot>>,
    /// Slots that are free once the store has removed their last driver.
    waiting_for_store: Mutex<Vec<Slot>>,
}

impl DriverTable {
    /// An empty table with room for `drivers_max`.
    pub fn new(sharding: Sharding, drivers_max: usize) -> Self {
        Self {
            sharding,
            drivers: Directory::new(),
            slab: Slab::new(drivers_max),
            reverse: ReverseIndex::new(sharding.shards()),
            newcomers: Mutex::default(),
            waiting_for_store: Mutex::default(),
        }
    }

    /// Drivers known.
    pub fn len(&self) -> usize {
        self.drivers.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drivers in the reverse index.
    pub fn searchable(&self) -> usize {
        self.reverse.len()
    }

    /// How space is cut.
    pub fn sharding(&self) -> Sharding {
        self.sharding
    }

    /// Slots are below this number.
    pub fn slots_end(&self) -> Slot {
        self.slab.end()
    }

    /// Finds a driver's entry or makes it, and replaces a profile that differs. `held` runs while the driver cannot
    /// be retired: what it registers is seen by [`DriverTable::retire`].
    ///
    /// [`Error::Overloaded`]: the table is full.
    pub fn enrol(&self, profile: &DriverProfile, held: impl FnOnce(Slot)) -> Result<Enrolled, Error> {
        let new = || {
            let slot = self.slab.allocate()?;
            self.slab.hold(slot).give(profile);
            self.mark_profile(slot);
            self.newcomers.lock().push(slot);
            Ok(slot)
        };
        self.drivers.find_or_add(&self.slab, &profile.id, new, |slot| {
            held(slot);
            if self.slab.hold(slot).set_kind(profile) {
                self.mark_profile(slot);
            }
            Enrolled::new(slot, profile)
        })
    }

    /// The driver's entry as it is now, after [`Stale`]: another stream's profile stands.
    pub fn enrol_again(&self, driver: &Enrolled) -> Result<Enrolled, Error> {
        match self.slot(&driver.id) {
            Some(slot) => Ok(Enrolled { slot, ..driver.clone() }),
            None => self.enrol(&driver.profile(), |_| ()),
        }
    }

    /// The slot of a driver.
    pub fn slot(&self, id: &DriverId) -> Option<Slot> {
        self.drivers.find(&self.slab, id)
    }

    /// The profile in a slot; `None` in a free one.
    pub fn profile(&self, slot: Slot) -> Option<DriverProfile> {
        self.slab.hold(slot).profile()
    }

    /// The newest state in a slot, without waiting for a lock; `None` before the first update.
    #[inline]
    pub fn state(&self, slot: Slot) -> Option<State> {
        self.slab.entry(slot).read()
    }

    /// The newest states in some slots, each as [`DriverTable::state`]. For many slots several times as fast.
    #[inline]
    pub fn states(&self, slots: &[Slot], mut each: impl FnMut(Slot, Option<State>)) {
        self.slab.entries(slots, |slot, entry| each(slot, entry.read()));
    }

    /// Asks for the memory of some slots, which must have been given out or be 0.
    #[inline]
    pub(crate) fn fetch(&self, slots: &[Slot]) {
        if self.slab.end() > 0 {
            let touched = slots.iter().fold(0, |sum, slot| sum ^ self.slab.entry(*slot).touch());
            std::hint::black_box(touched);
        }
    }

    /// Applies an update whose values and time are legal, unless a newer one is there or it came too fast.
    #[inline]
    pub fn apply(
        &self,
        driver: &Enrolled,
        report: &Report,
        now_ms: i64,
        limit: RateLimit,
    ) -> Result<Applied, Stale> {
        let mut held = self.slab.hold(driver.slot);
        if !held.is_of(&driver.id) {
            return Err(Stale);
        }
        let before = held.state();
        if before.is_some_and(|state| report.update_version <= state.update_version) {
            return Ok(Applied::Late);
        }
        let pace = held.pace(limit, now_ms);
        if pace == Pace::TooFast {
            return Ok(Applied::TooFast);
        }
        let as_before = before.map_or(DriverStatus::Available, |state| state.status);
        let status = report.status.unwrap_or(as_before);
        let after = State {
            position: report.position,
            update_version: report.update_version,
            motion: report.motion,
            accuracy_dm: report.accuracy_dm,
            status,
            shard: self.sharding.shard_of(&driver.id, report.position),
            listed: status != DriverStatus::Offline,
        };
        self.replace(driver.slot, &mut held, before.as_ref(), &after);
        Ok(Applied::Newest(pace))
    }

    /// Takes a driver out of the index when `is_gone` says so of its newest state; the driver stays known.
    /// Answers whether it was taken out.
    pub fn unlist_if(&self, slot: Slot, is_gone: impl FnOnce(&State) -> bool) -> bool {
        let mut held = self.slab.hold(slot);
        let Some(before) = held.state() else { return false };
        if !before.listed || !is_gone(&before) {
            return false;
        }
        self.replace(slot, &mut held, Some(&before), &State { listed: false, ..before });
        true
    }

    /// Forgets a driver when `is_over` says so of its newest state, and nobody holds it. Its slot is free once
    /// [`DriverTable::release`] is called.
    pub fn retire(&self, slot: Slot, is_over: impl Fn(Option<&State>) -> bool) -> bool {
        let Some(id) = self.slab.hold(slot).id() else { return false };
        let empty_if_over = || {
            let mut held = self.slab.hold(slot);
            let state = held.state();
            let over = is_over(state.as_ref());
            if over {
                if let Some(state) = state.filter(|state| state.listed) {
                    self.reverse.remove(&self.slab, state.shard, slot);
                }
                held.clear();
            }
            over
        };
        let retired = self.drivers.remove_if(&self.slab, &id, slot, empty_if_over);
        if retired {
            self.mark_profile(slot);
        }
        retired
    }

    /// Gives a retired driver's slot free, once no link names the driver by it.
    pub fn release(&self, slot: Slot) {
        self.slab.release(slot);
    }

    /// As [`DriverTable::release`], but not before the store has removed the driver: a new driver's state must
    /// never stand beside the old one's profile.
    pub(crate) fn release_after_turn(&self, slot: Slot) {
        self.waiting_for_store.lock().push(slot);
    }

    /// The slots of [`DriverTable::release_after_turn`], for the store's turn.
    pub(crate) fn take_waiting_for_store(&self) -> Vec<Slot> {
        std::mem::take(&mut self.waiting_for_store.lock())
    }

    /// Puts stored drivers back. Once, before anything else. Each comes with its slot; slots between are free.
    /// The state's shard is computed anew.
    ///
    /// [`Error::Overloaded`]: a slot is beyond the table's room.
    pub fn restore(&self, stored: Vec<(Slot, DriverProfile, Option<State>)>) -> Result<(), Error> {
        let end = stored.iter().map(|(slot, ..)| slot + 1).max().unwrap_or(0);
        let mut used = vec![false; end as usize];
        for (slot, ..) in &stored {
            used[*slot as usize] = true;
        }
        self.slab.restore(end, |slot| used[slot as usize])?;
        for (slot, profile, state) in stored {
            self.restore_one(slot, &profile, state);
        }
        Ok(())
    }

    fn restore_one(&self, slot: Slot, profile: &DriverProfile, state: Option<State>) {
        let mut held = self.slab.hold(slot);
        held.give(profile);
        if let Some(mut state) = state {
            state.shard = self.sharding.shard_of(&profile.id, state.position);
            if state.listed {
                self.reverse.insert(&self.slab, state.shard, slot);
            }
            held.write(Some(&state));
        }
        drop(held);
        self.drivers.add(&self.slab, &profile.id, slot);
        self.newcomers.lock().push(slot);
    }

    /// Slots of drivers that came since the last call.
    pub(crate) fn take_newcomers(&self) -> Vec<Slot> {
        std::mem::take(&mut self.newcomers.lock())
    }

    /// The slots of the searchable drivers of some shards, from the reverse index alone; in order, because the
    /// entries' memory is read fastest so.
    pub fn slots_in(&self, shards: impl IntoIterator<Item = ShardId>) -> Vec<Slot> {
        self.reverse.collect(self.slots_end(), shards)
    }

    /// What changed.
    pub(crate) fn slab(&self) -> &Slab {
        &self.slab
    }

    /// Moves the slot between the lists of the reverse index, writes the state and marks it.
    fn replace(&self, slot: Slot, held: &mut Held<'_>, before: Option<&State>, after: &State) {
        let from = before.filter(|state| state.listed).map(|state| state.shard);
        let to = after.listed.then_some(after.shard);
        if from != to {
            if let Some(shard) = from {
                self.reverse.remove(&self.slab, shard, slot);
            }
            if let Some(shard) = to {
                self.reverse.insert(&self.slab, shard, slot);
            }
        }
        held.write(Some(after));
        self.slab.mark(Mark::State, slot);
    }

    /// The profile's mark comes first: who sees the state's mark sees the profile's.
    fn mark_profile(&self, slot: Slot) {
        self.slab.mark(Mark::Profile, slot);
        self.slab.mark(Mark::State, slot);
    }
}
