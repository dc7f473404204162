//! Drivers who came from another ingest node with a resume token, until their first report here. Only then may the
//! other node's entry go: until a driver is somewhere else, it is where it was.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use kerb_ports::{Eviction, Slot};
use kerb_types::UpdateVersion;

use crate::entry::State;
use crate::table::DriverTable;
use crate::token::ResumeToken;

/// Tokens by slot; at most one a driver of the table.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    tokens: HashMap<Slot, ResumeToken, RandomState>,
}

impl Elsewhere {
    /// The driver in this slot brought this token.
    pub(crate) fn expect(&mut self, slot: Slot, token: ResumeToken) {
        self.tokens.insert(slot, token);
    }

    /// The slot is given up.
    pub(crate) fn drop_slot(&mut self, slot: Slot) {
        self.tokens.remove(&slot);
    }

    /// What follows from these drivers' newest states: what every index server is to forget.
    pub(crate) fn settle(
        &mut self,
        table: &DriverTable,
        changed: impl Iterator<Item = Slot>,
    ) -> Vec<Eviction> {
        if self.tokens.is_empty() {
            return Vec::new();
        }
        let mut forgets = Vec::new();
        for slot in changed {
            let newer = |token: &ResumeToken| {
                table.state(slot).filter(|state| state.update_version > token.update_version)
            };
            let Some(state) = self.tokens.get(&slot).and_then(newer) else { continue };
            self.tokens.remove(&slot);
            forgets.extend(forget(table, slot, &state));
        }
        forgets
    }
}

/// All that is older than the state here goes, in whichever shard it is: the token names the shard of the last update that
/// was acknowledged, and the other node may have applied later ones.
fn forget(table: &DriverTable, slot: Slot, state: &State) -> Option<Eviction> {
    let id = table.profile(slot)?.id;
    let just_before = UpdateVersion { time_ms: state.update_version.time_ms - 1, ..state.update_version };
    Some(Eviction { id, update_version: just_before })
}
