//! Drivers that came from another ingest node with a resume token and have not reported here yet.
//!
//! The index entry of the other node stays until the first report here: until a driver is indexed at its new node, its
//! old position is the best one.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use kerb_ports::{Eviction, Slot};
use kerb_types::{Millis, UpdateVersion};

use super::resume_token::ResumeToken;
use crate::table::DriverTable;
use crate::table::entry::DriverState;

/// Resume tokens by slot. At most one for each driver of the table.
#[derive(Debug, Default)]
pub(crate) struct ResumedDrivers {
    tokens: HashMap<Slot, ResumeToken, RandomState>,
}

impl ResumedDrivers {
    /// Expects a report of the driver in this slot that is newer than its token.
    pub(crate) fn expect_report(&mut self, slot: Slot, token: ResumeToken) {
        self.tokens.insert(slot, token);
    }

    /// Drops the token of a slot that another driver may get.
    pub(crate) fn remove_slot(&mut self, slot: Slot) {
        self.tokens.remove(&slot);
    }

    /// Returns the evictions that follow from the newest states of the changed slots.
    pub(crate) fn take_evictions(
        &mut self,
        table: &DriverTable,
        changed: impl Iterator<Item = Slot>,
    ) -> Vec<Eviction> {
        // Hot path: almost no driver changes its node, so the changed slots are not looked at.
        if self.tokens.is_empty() {
            return Vec::new();
        }
        let mut evictions = Vec::new();
        for slot in changed {
            let newer = |token: &ResumeToken| {
                table.state(slot).filter(|state| state.update_version > token.update_version)
            };
            let Some(state) = self.tokens.get(&slot).and_then(newer) else { continue };
            self.tokens.remove(&slot);
            evictions.extend(eviction(table, slot, &state));
        }
        evictions
    }
}

/// Returns the eviction of everything that is older than `state`, in whichever shard it is. The token names the shard of
/// the last acknowledged update, but the other node may have applied later ones.
fn eviction(table: &DriverTable, slot: Slot, state: &DriverState) -> Option<Eviction> {
    let id = table.profile(slot)?.id;
    let just_before =
        UpdateVersion { time: state.update_version.time - Millis::new(1), ..state.update_version };
    Some(Eviction { id, update_version: just_before })
}
