//! Reads the whole store at the start.

use std::collections::{BTreeMap, VecDeque};

use fjall::Keyspace;
use kerb_ports::Slot;
use kerb_types::DriverProfile;

use super::record::{decode_profile, decode_rows};
use crate::table::DRIVERS_MAX;
use crate::table::entry::DriverState;

/// Everything in a store.
#[derive(Debug, Default)]
pub struct StoreContents {
    /// Drivers by slot, with the newest stored state.
    pub drivers: Vec<(Slot, DriverProfile, Option<DriverState>)>,
    /// Records that were skipped because their checksum is wrong.
    pub corrupt: u64,
    /// The highest number of a commit.
    pub(super) last_commit: u64,
    /// Commits with log records, oldest first: the commit's number and the number of its records.
    pub(super) logged: VecDeque<(u64, u32)>,
}

/// The newest row of each slot so far, with the commit that wrote it.
type NewestRows = Vec<(u64, Option<DriverState>)>;

/// Reads all records. The newest row of a slot is that of the highest commit. Update versions do not order the rows of a
/// slot, because another driver may have got the slot.
pub(super) fn load(profiles: &Keyspace, pages: &Keyspace, log: &Keyspace) -> fjall::Result<StoreContents> {
    let mut contents = StoreContents::default();
    let profiles = load_profiles(profiles, &mut contents)?;
    let end = profiles.keys().next_back().map_or(0, |slot| slot.index() + 1);
    let mut newest: NewestRows = vec![(0, None); end];
    for item in pages.iter() {
        merge_rows(&item.value()?, &mut newest, &mut contents);
    }
    let mut logged: BTreeMap<u64, u32> = BTreeMap::new();
    for item in log.iter() {
        let (key, value) = item.into_inner()?;
        merge_rows(&value, &mut newest, &mut contents);
        if let Some((commit, number)) = key.split_first_chunk()
            && let Ok(number) = <[u8; 4]>::try_from(number)
        {
            let commit = u64::from_be_bytes(*commit);
            contents.last_commit = contents.last_commit.max(commit);
            let records = logged.entry(commit).or_default();
            *records = (*records).max(u32::from_be_bytes(number) + 1);
        }
    }
    contents.logged = logged.into_iter().collect();
    let with_state = |(slot, profile): (Slot, DriverProfile)| (slot, profile, newest[slot.index()].1);
    contents.drivers = profiles.into_iter().map(with_state).collect();
    keep_newest(&mut contents.drivers);
    Ok(contents)
}

/// Reads the profiles by slot.
fn load_profiles(
    profiles: &Keyspace,
    contents: &mut StoreContents,
) -> fjall::Result<BTreeMap<Slot, DriverProfile>> {
    let mut by_slot = BTreeMap::new();
    for item in profiles.iter() {
        let (key, value) = item.into_inner()?;
        let slot = <[u8; 4]>::try_from(&key[..]).map(|bytes| Slot::new(u32::from_be_bytes(bytes)));
        match (slot, decode_profile(&value)) {
            (Ok(slot), Some(profile)) if slot.index() < DRIVERS_MAX => {
                by_slot.insert(slot, profile);
            }
            _ => contents.corrupt += 1,
        }
    }
    Ok(by_slot)
}

/// Keeps one slot for each driver: the one with the newer state. A driver has two after a kill between two commits, if it
/// was retired and came back in another slot.
fn keep_newest(drivers: &mut Vec<(Slot, DriverProfile, Option<DriverState>)>) {
    let update_version = |state: &Option<DriverState>| state.map(|state| state.update_version);
    drivers.sort_by(|(_, a, a_state), (_, b, b_state)| {
        a.id.cmp(&b.id).then(update_version(b_state).cmp(&update_version(a_state)))
    });
    drivers.dedup_by(|(_, later, _), (_, first, _)| later.id == first.id);
}

fn merge_rows(bytes: &[u8], newest: &mut NewestRows, contents: &mut StoreContents) {
    let Some((commit, rows)) = decode_rows(bytes) else {
        contents.corrupt += 1;
        return;
    };
    contents.last_commit = contents.last_commit.max(commit);
    for (slot, state) in rows {
        // A slot without a profile has no driver, so `newest` may lack it.
        if let Some(known) = newest.get_mut(slot.index())
            && known.0 <= commit
        {
            *known = (commit, state);
        }
    }
}
