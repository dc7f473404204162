//! Drivers that a resume token moved to another node, or that their node removed: another node's older state must not
//! bring them back.

use std::collections::VecDeque;

use hashbrown::HashMap;
use kerb_types::{DriverId, UpdateVersion};

/// Remembered drivers, at most; the oldest goes first. A whole node's drivers reconnecting are fewer.
const TOMBSTONES_MAX: usize = 1 << 20;

/// Ids with the newest state that is refused, each for a time.
#[derive(Default)]
pub(crate) struct Tombstones {
    refused: HashMap<DriverId, (UpdateVersion, i64), foldhash::fast::RandomState>,
    /// By deadline; an id whose tombstone was renewed stands here again.
    order: VecDeque<(i64, DriverId)>,
}

impl Tombstones {
    /// Refuses states up to `stamp` until `deadline_ms`, which never goes back.
    pub(crate) fn add(&mut self, id: &DriverId, update_version: UpdateVersion, deadline_ms: i64) {
        let entry = self.refused.entry(id.clone()).or_insert((update_version, deadline_ms));
        *entry = (entry.0.max(update_version), deadline_ms);
        self.order.push_back((deadline_ms, id.clone()));
        if self.order.len() > TOMBSTONES_MAX {
            self.drop_first();
        }
    }

    /// Whether this state is refused. A newer one ends the refusal.
    pub(crate) fn refuse(&mut self, id: &DriverId, update_version: UpdateVersion) -> bool {
        match self.refused.get(id) {
            None => false,
            Some((up_to, _)) if update_version <= *up_to => true,
            Some(_) => {
                self.refused.remove(id);
                false
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    /// Drops those whose deadline has come.
    pub(crate) fn expire(&mut self, now_ms: i64) {
        while self.order.front().is_some_and(|(deadline_ms, _)| *deadline_ms <= now_ms) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some((deadline_ms, id)) = self.order.pop_front()
            && self.refused.get(&id).is_some_and(|(_, last_ms)| *last_ms == deadline_ms)
        {
            self.refused.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_refused_until_it_is_newer_or_time_is_up() {
        let update_version = |sequence| UpdateVersion { sequence, time_ms: 0 };
        let (a, b) = (DriverId::new("a").unwrap(), DriverId::new("b").unwrap());
        let mut tombstones = Tombstones::default();
        tombstones.add(&a, update_version(5), 100);
        tombstones.add(&b, update_version(5), 100);
        tombstones.add(&a, update_version(3), 200);
        assert!(tombstones.refuse(&a, update_version(5)));
        assert!(!tombstones.refuse(&b, update_version(6)));
        assert!(!tombstones.refuse(&b, update_version(1)));
        tombstones.expire(100);
        assert!(tombstones.refuse(&a, update_version(5)));
        tombstones.expire(200);
        assert!(tombstones.is_empty());
    }
}
