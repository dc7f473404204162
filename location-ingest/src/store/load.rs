//! Reading the whole store at the start.

use std::collections::{BTreeMap, VecDeque};

use fjall::Keyspace;
use kerb_ports::Slot;
use kerb_types::DriverProfile;

use super::RECORD_ROWS;
use super::record::{decode_profile, decode_rows};
use crate::entry::State;
use crate::options::DRIVERS_MAX;

/// All that a store holds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Drivers by slot, with the newest stored state.
    pub drivers: Vec<(Slot, DriverProfile, Option<State>)>,
    /// Records that are not whole and were passed over.
    pub corrupt: u64,
    /// Highest turn.
    pub(super) turn_max: u64,
    /// Log records, oldest first: turn and number of records.
    pub(super) logged: VecDeque<(u64, u32)>,
}

/// A slot's newest row so far, and the turn that wrote it.
type Newest = Vec<(u64, Option<State>)>;

/// The last row of a slot counts, in the order of turns: slots are given again, so stamps do not order them.
pub(super) fn load(profiles: &Keyspace, pages: &Keyspace, log: &Keyspace) -> fjall::Result<Loaded> {
    let mut loaded = Loaded::default();
    let profiles = load_profiles(profiles, &mut loaded)?;
    let end = profiles.keys().next_back().map_or(0, |slot| *slot as usize + 1);
    let mut newest: Newest = vec![(0, None); end];
    for item in pages.iter() {
        take_rows(&item.value()?, &mut newest, &mut loaded);
    }
    let mut logged: BTreeMap<u64, u32> = BTreeMap::new();
    for item in log.iter() {
        let (key, value) = item.into_inner()?;
        take_rows(&value, &mut newest, &mut loaded);
        if let Some((turn, number)) = key.split_first_chunk()
            && let Ok(number) = <[u8; 4]>::try_from(number)
        {
            let turn = u64::from_be_bytes(*turn);
            loaded.turn_max = loaded.turn_max.max(turn);
            let records = logged.entry(turn).or_default();
            *records = (*records).max(u32::from_be_bytes(number) + 1);
        }
    }
    loaded.logged = logged.into_iter().collect();
    let with_state = |(slot, profile): (Slot, DriverProfile)| (slot, profile, newest[slot as usize].1);
    loaded.drivers = profiles.into_iter().map(with_state).collect();
    keep_newest(&mut loaded.drivers);
    Ok(loaded)
}

/// The profiles by slot.
fn load_profiles(profiles: &Keyspace, loaded: &mut Loaded) -> fjall::Result<BTreeMap<Slot, DriverProfile>> {
    let mut by_slot = BTreeMap::new();
    for item in profiles.iter() {
        let (key, value) = item.into_inner()?;
        let slot = <[u8; 4]>::try_from(&key[..]).map(Slot::from_be_bytes);
        match (slot, decode_profile(&value)) {
            (Ok(slot), Some(profile)) if (slot as usize) < DRIVERS_MAX => {
                by_slot.insert(slot, profile);
            }
            _ => loaded.corrupt += 1,
        }
    }
    Ok(by_slot)
}

/// A driver that was forgotten and came back in another slot has two profiles when the end came between the two
/// commits: the newer state is the driver's.
fn keep_newest(drivers: &mut Vec<(Slot, DriverProfile, Option<State>)>) {
    let update_version = |state: &Option<State>| state.map(|state| state.update_version);
    drivers
        .sort_by(|(_, a, at), (_, b, bt)| a.id.cmp(&b.id).then(update_version(bt).cmp(&update_version(at))));
    drivers.dedup_by(|(_, later, _), (_, first, _)| later.id == first.id);
}

fn take_rows(bytes: &[u8], newest: &mut Newest, loaded: &mut Loaded) {
    let Some((turn, rows)) = decode_rows(bytes) else {
        loaded.corrupt += 1;
        return;
    };
    debug_assert!(rows.len() <= RECORD_ROWS, "records are bounded");
    loaded.turn_max = loaded.turn_max.max(turn);
    for (slot, state) in rows {
        // A slot without a profile has no driver.
        if let Some(known) = newest.get_mut(slot as usize)
            && known.0 <= turn
        {
            *known = (turn, state);
        }
    }
}
