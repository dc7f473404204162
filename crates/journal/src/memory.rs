//! A journal in memory. It behaves like the one on disk, but ends with its process.

use std::collections::{BTreeMap, VecDeque};

use futures::FutureExt;
use futures::future::ready;
use kerb_ports::{PortFuture, TripJournal, TripJournalError};
use kerb_trips::{MarketId, Record, Version};
use parking_lot::Mutex;

use crate::key::record_key;
use crate::record::{check_snapshot, decode_record, encode_record, no_such_version};

/// A journal in memory, for tests, for demonstrations without a data directory, and for simulations.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    markets: Mutex<BTreeMap<MarketId, MarketRecords>>,
    truncates: bool,
}

#[derive(Debug, Default)]
struct MarketRecords {
    /// Records up to this version are removed.
    truncated_to: Version,
    /// The records after `truncated_to`, in order, encoded as on disk.
    records: VecDeque<Vec<u8>>,
    snapshot: Option<(Version, Vec<u8>)>,
}

impl MarketRecords {
    /// Returns the newest version.
    fn version(&self) -> Version {
        // A length fits a `Version`, which has 64 bits.
        self.truncated_to + self.records.len() as u64
    }

    /// Removes the records up to this version, which is not beyond the newest one.
    fn truncate(&mut self, version: Version) {
        let count = version - self.truncated_to;
        // At most the number of records, so the cast keeps it.
        self.records.drain(..count as usize);
        self.truncated_to = self.truncated_to.max(version);
    }
}

impl MemoryJournal {
    /// Makes an empty journal that keeps every record, so it grows as long as the process lives.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty journal that removes old records: when a market saves a snapshot, all records up to its previous
    /// snapshot.
    ///
    /// The market's matcher only needs the records after the newest snapshot. The other records are for subscribers that
    /// lag behind. Reading a removed record is [`TripJournalError::Internal`].
    pub fn truncating() -> Self {
        Self { truncates: true, ..Self::default() }
    }

    fn append_now(
        &self,
        market: &MarketId,
        expected: Version,
        record: &Record,
    ) -> Result<Version, TripJournalError> {
        let mut markets = self.markets.lock();
        let current = markets.get(market).map_or(Version::EMPTY, MarketRecords::version);
        if current != expected {
            return Err(TripJournalError::Conflict { market: market.clone(), expected, current });
        }
        let version = current + 1;
        let bytes = encode_record(&record_key(market, Version::new(version.get())), record)?;
        markets.entry(market.clone()).or_default().records.push_back(bytes);
        Ok(Version::new(version.get()))
    }

    fn read_now(
        &self,
        market: &MarketId,
        after: Version,
        max: usize,
        bytes_max: usize,
    ) -> Result<Vec<(Version, Record)>, TripJournalError> {
        let markets = self.markets.lock();
        let Some(stored) = markets.get(market) else { return Ok(Vec::new()) };
        let truncated_to = stored.truncated_to;
        if after < truncated_to {
            let text = format!("market {market}: its records up to version {truncated_to} are removed");
            return Err(TripJournalError::Internal(text));
        }
        let versions = (after + 1).get()..=stored.version().get();
        let (mut records, mut read_bytes) = (Vec::new(), 0);
        for version in versions.map(Version::new).take(max) {
            // Below the number of records, so the cast keeps it.
            let bytes = &stored.records[(version - truncated_to - 1) as usize];
            let record =
                decode_record(&record_key(market, version), bytes).map_err(TripJournalError::Internal)?;
            records.push((version, record));
            read_bytes += bytes.len();
            if read_bytes >= bytes_max {
                break;
            }
        }
        Ok(records)
    }

    fn save_now(
        &self,
        market: &MarketId,
        version: Version,
        snapshot: Vec<u8>,
    ) -> Result<(), TripJournalError> {
        check_snapshot(&snapshot)?;
        let mut markets = self.markets.lock();
        let stored = markets.get_mut(market).filter(|stored| version <= stored.version());
        let stored = stored.ok_or_else(|| no_such_version(version))?;
        // A late snapshot of an older state must not replace a newer one.
        if stored.snapshot.as_ref().is_none_or(|(newest, _)| *newest <= version) {
            let previous = stored.snapshot.replace((version, snapshot));
            if let Some((previous, _)) = previous.filter(|_| self.truncates) {
                stored.truncate(previous);
            }
        }
        Ok(())
    }
}

impl TripJournal for MemoryJournal {
    fn append(
        &self,
        market: MarketId,
        expected: Version,
        record: Record,
    ) -> PortFuture<'_, Version, TripJournalError> {
        async move { self.append_now(&market, expected, &record) }.boxed()
    }

    fn read(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError> {
        self.read_page(market, after, max, usize::MAX)
    }

    fn read_page(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
        bytes_max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError> {
        async move { self.read_now(&market, after, max, bytes_max) }.boxed()
    }

    fn version(&self, market: MarketId) -> PortFuture<'_, Version, TripJournalError> {
        ready(Ok(self.markets.lock().get(&market).map_or(Version::EMPTY, MarketRecords::version))).boxed()
    }

    fn markets(&self) -> PortFuture<'_, Vec<MarketId>, TripJournalError> {
        ready(Ok(self.markets.lock().keys().cloned().collect())).boxed()
    }

    fn save_snapshot(
        &self,
        market: MarketId,
        version: Version,
        snapshot: Vec<u8>,
    ) -> PortFuture<'_, (), TripJournalError> {
        async move { self.save_now(&market, version, snapshot) }.boxed()
    }

    fn snapshot(&self, market: MarketId) -> PortFuture<'_, Option<(Version, Vec<u8>)>, TripJournalError> {
        ready(Ok(self.markets.lock().get(&market).and_then(|stored| stored.snapshot.clone()))).boxed()
    }
}
