//! Registration of drivers: slot bindings, removals and evictions.

use std::sync::Arc;

use kerb_ports::{Error, Eviction, Slot, SlotBinding};
use kerb_types::{DriverStatus, UpdateVersion};

use super::registry::Registry;
use super::session::Session;
use super::{Writer, tree};
use crate::store::page::Traits;
use crate::store::record::{Kind, NOWHERE};

impl Writer {
    /// Gives slots their drivers.
    pub(crate) fn introduce(&mut self, session: &mut Session, new: &[SlotBinding]) -> Result<(), Error> {
        new.iter().try_for_each(|introduction| self.introduce_one(session, introduction))
    }

    fn introduce_one(&mut self, session: &mut Session, new: &SlotBinding) -> Result<(), Error> {
        let store = Arc::clone(&self.store);
        let number = self.registry.find_or_add(&store, &new.profile)?;
        Registry::refer(&store, number)?;
        // The reference stands before the name, so a refused name must not keep it.
        let before = session.name(new.slot, number).inspect_err(|_| self.registry.release(&store, number))?;
        session.pending.remove(&new.slot);
        if let Some(before) = before {
            self.registry.release(&store, before);
        }
        self.change_kind(session, number, new);
        Ok(())
    }

    /// The newest state's source says what a driver is; another's word waits until it has the newest.
    fn change_kind(&mut self, session: &mut Session, number: u32, new: &SlotBinding) {
        let record = self.store.records.get(number);
        let (place, kind) = (record.place(), Kind::from(&*new.profile));
        if place == NOWHERE {
            record.set_kind(kind);
            return;
        }
        let entry = self.store.entry(place);
        let traits = entry.traits();
        if traits.kind() == kind {
            return;
        }
        if record.owner().source != session.source {
            session.pending.insert(new.slot, kind);
            return;
        }
        let status = DriverStatus::from_number(traits.status_number());
        let status = status.expect("an entry's status came from a status");
        let traits = Traits::new(number, kind, status);
        let shard = record.home().shard;
        tree::announce(&self.store, &self.pages, shard, place, entry.position(), traits.kinds());
        entry.set_traits(traits);
    }

    /// Removes the drivers of these slots as far as this session's source has their newest state.
    ///
    /// A node that was down meanwhile may come back with an older state of such a driver: it is refused for as long
    /// as it is not too old anyway.
    pub(crate) fn remove(&mut self, session: &Session, slots: &[Slot], now_ms: i64) -> Result<u64, Error> {
        let mut removed = 0;
        for slot in slots {
            let number = session.record(*slot)?;
            let record = self.store.records.get(number);
            if record.place() != NOWHERE && record.owner().source == session.source {
                let update_version = record.update_version();
                let older = UpdateVersion { time_ms: update_version.time_ms - 1, ..update_version };
                let id = self.store.ids.get(number).to_id();
                self.tombstones.add(&id, older, now_ms + self.position_ttl_ms);
                self.unplace(number);
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes these drivers unless their state is newer, and refuses the older states that may still come.
    pub(crate) fn forget(&mut self, evictions: &[Eviction], now_ms: i64) -> u64 {
        let mut removed = 0;
        for forget in evictions {
            self.tombstones.add(&forget.id, forget.update_version, now_ms + self.position_ttl_ms);
            let Some(number) = self.registry.find(&self.store, &forget.id) else { continue };
            let record = self.store.records.get(number);
            if record.place() != NOWHERE && record.update_version() <= forget.update_version {
                self.unplace(number);
                removed += 1;
            }
        }
        removed
    }

    /// Lets go of the slots of a session that has ended, at most so many; whether there are more.
    pub(crate) fn release_orphans(&mut self, slots_max: usize) -> bool {
        let store = Arc::clone(&self.store);
        if let Some(slots) = self.orphans.last_mut() {
            let rest = slots.len().saturating_sub(slots_max);
            for number in slots.split_off(rest).into_iter().filter(|number| *number != 0) {
                self.registry.release(&store, number);
            }
            if rest == 0 {
                self.orphans.pop();
            }
        }
        !self.orphans.is_empty()
    }
}
