//! The idempotency keys of trips that are not in the table any more: such a key makes no second trip for a while.

use std::collections::{BTreeSet, HashMap};

use foldhash::quality::RandomState;
use kerb_trips::{IdempotencyKey, RiderId};
use kerb_types::Timestamp;
use serde::{Deserialize, Serialize};

/// A key whose trip has left the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::market) struct UsedKey {
    pub(in crate::market) rider: RiderId,
    pub(in crate::market) key: IdempotencyKey,
    /// Number of the trip that the key requested.
    pub(in crate::market) trip: u64,
    /// Until when the key is kept.
    pub(in crate::market) until_ms: Timestamp,
}

/// The keys of trips that have left the table.
#[derive(Default)]
pub(in crate::market) struct UsedKeys {
    by_key: HashMap<(RiderId, IdempotencyKey), (u64, Timestamp), RandomState>,
    /// The same by the end of their time.
    by_end: BTreeSet<(Timestamp, RiderId, IdempotencyKey)>,
}

impl UsedKeys {
    pub(super) fn add(&mut self, used: UsedKey) {
        let UsedKey { rider, key, trip, until_ms } = used;
        self.by_end.insert((until_ms, rider.clone(), key.clone()));
        self.by_key.insert((rider, key), (trip, until_ms));
    }

    /// Returns the number of the trip that the rider requested with this key.
    pub(in crate::market) fn get(&self, rider: &RiderId, key: &IdempotencyKey) -> Option<u64> {
        self.by_key.get(&(rider.clone(), key.clone())).map(|(trip, _)| *trip)
    }

    /// Forgets the keys whose time is over.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while self.by_end.first().is_some_and(|(until_ms, ..)| *until_ms <= now) {
            if let Some((_, rider, key)) = self.by_end.pop_first() {
                self.by_key.remove(&(rider, key));
            }
        }
    }

    /// Returns all keys, in the order of their ends.
    pub(in crate::market) fn all(&self) -> impl Iterator<Item = UsedKey> {
        self.by_end.iter().map(|(until_ms, rider, key)| UsedKey {
            rider: rider.clone(),
            key: key.clone(),
            trip: self.get(rider, key).unwrap_or_default(),
            until_ms: *until_ms,
        })
    }
}
