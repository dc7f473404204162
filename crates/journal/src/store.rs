//! The open keyspaces of a journal, and the reads from them.
//!
//! After a failed write, the writer opens the engine anew. Readers wait for that, and get an error while it is not open.

use std::collections::BTreeMap;

use fjall::Keyspace;
use kerb_trips::{MarketId, Record, Version};
use parking_lot::RwLock;
use tracing::warn;

use crate::error::JournalError;
use crate::key::record_key;
use crate::record::{decode_record, decode_snapshot};

/// The keyspaces of an open engine. Cheap to clone; the engine only closes when all clones are dropped.
#[derive(Clone)]
pub(super) struct Keyspaces {
    pub(super) records: Keyspace,
    pub(super) snapshots: Keyspace,
}

/// The part of a journal that the readers and the writer thread share.
pub(super) struct JournalStore {
    /// The journal's folder, for messages.
    pub(super) path: String,
    /// `None` while the engine could not be opened anew after a failed write.
    pub(super) keyspaces: RwLock<Option<Keyspaces>>,
    /// The newest durable version of each market that has records. Readers never read beyond it.
    pub(super) versions: RwLock<BTreeMap<MarketId, Version>>,
}

impl JournalStore {
    /// Returns the newest durable version; 0 for a market without records.
    pub(super) fn newest(&self, market: &MarketId) -> Version {
        self.versions.read().get(market).copied().unwrap_or(Version::new(0))
    }

    /// Returns up to `max` durable records after this version, in order. Stops after the record with which they reach
    /// `bytes_max` encoded bytes.
    pub(super) fn read(
        &self,
        market: &MarketId,
        after: Version,
        max: usize,
        bytes_max: usize,
    ) -> Result<Vec<(Version, Record)>, JournalError> {
        // A `usize` fits a `Version`, which has 64 bits.
        let last = (after + max as u64).min(self.newest(market));
        if last <= after {
            return Ok(Vec::new());
        }
        let open = self.keyspaces.read();
        let keyspaces = open.as_ref().ok_or_else(|| JournalError::Closed { path: self.path.clone() })?;
        let mut items = keyspaces.records.range(record_key(market, after + 1)..=record_key(market, last));
        let (mut records, mut bytes) = (Vec::new(), 0);
        for version in ((after + 1).get()..=last.get()).map(Version::new) {
            let (record, record_bytes) = self.decode_item(market, version, items.next())?;
            records.push((version, record));
            bytes += record_bytes;
            if bytes >= bytes_max {
                break;
            }
        }
        Ok(records)
    }

    /// Decodes the next item of a range, and returns its encoded length, too. The item must hold this version, otherwise a
    /// record is missing.
    fn decode_item(
        &self,
        market: &MarketId,
        version: Version,
        item: Option<fjall::Guard>,
    ) -> Result<(Record, usize), JournalError> {
        let gap = || JournalError::Gap { path: self.path.clone(), market: market.clone(), version };
        let damaged = |reason| {
            let (path, market) = (self.path.clone(), market.clone());
            JournalError::Damaged { path, market, version, reason }
        };
        let (key, value) = item.ok_or_else(gap)?.into_inner().map_err(|e| damaged(e.to_string()))?;
        if *key != record_key(market, version) {
            return Err(gap());
        }
        let record = decode_record(&key, &value).map_err(damaged)?;
        Ok((record, value.len()))
    }

    /// Returns the newest snapshot of a market and its version. A damaged snapshot counts as none: the caller then reads
    /// all records, which takes longer and gives the same state.
    pub(super) fn snapshot(&self, market: &MarketId) -> Result<Option<(Version, Vec<u8>)>, JournalError> {
        let key = market.as_str().as_bytes();
        let open = self.keyspaces.read();
        let keyspaces = open.as_ref().ok_or_else(|| JournalError::Closed { path: self.path.clone() })?;
        let read = keyspaces.snapshots.get(key).map_err(|e| e.to_string());
        let decoded = read.and_then(|value| {
            let Some(value) = value else { return Ok(None) };
            decode_snapshot(key, &value).map(|(version, snapshot)| Some((version, snapshot.to_vec())))
        });
        Ok(decoded.unwrap_or_else(|reason| {
            warn!(path = self.path, %market, reason, "a snapshot is damaged; all records are read instead");
            None
        }))
    }
}
