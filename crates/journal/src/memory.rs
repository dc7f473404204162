//! A journal in memory: all that the one on disk does, but for being there after the end of the process.

use std::collections::{BTreeMap, VecDeque};

use futures::FutureExt;
use futures::future::ready;
use kerb_ports::{PortFuture, TripJournal, TripJournalError};
use kerb_trips::{MarketId, Record, Version};
use kerb_types::FieldError;
use parking_lot::Mutex;

use crate::key::record_key;
use crate::record::{check_snapshot, decode_record, encode_record};

/// A journal in memory, for tests, for demonstrations without a data directory, and for simulations.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    markets: Mutex<BTreeMap<MarketId, Market>>,
    evictions: bool,
}

#[derive(Debug, Default)]
struct Market {
    /// Up to this version, records are forgotten.
    forgotten: Version,
    /// The ones after it, as they would be on disk.
    records: VecDeque<Vec<u8>>,
    snapshot: Option<(Version, Vec<u8>)>,
}

impl Market {
    fn version(&self) -> Version {
        self.forgotten + self.records.len() as Version
    }

    /// Forgets the records up to this version, which are there.
    fn forget(&mut self, version: Version) {
        let count = version.saturating_sub(self.forgotten);
        self.records.drain(..count as usize);
        self.forgotten += count;
    }
}

impl MemoryJournal {
    /// Without records. It keeps every one, so it grows as long as the process lives.
    pub fn new() -> Self {
        Self::default()
    }

    /// Without records. A market's records are forgotten from its second snapshot after them on: its matcher needs none
    /// before the last snapshot, and who subscribes from the start on has as many again to fall behind. To read one that
    /// is forgotten is [`TripJournalError::Internal`].
    pub fn forgetting() -> Self {
        Self { evictions: true, ..Self::default() }
    }

    fn append_now(
        &self,
        market: &MarketId,
        expected: Version,
        record: &Record,
    ) -> Result<Version, TripJournalError> {
        let mut markets = self.markets.lock();
        let current = markets.get(market).map_or(0, Market::version);
        if current != expected {
            return Err(TripJournalError::Conflict { market: market.clone(), expected, current });
        }
        let version = current + 1;
        let bytes = encode_record(&record_key(market, version), record)?;
        markets.entry(market.clone()).or_default().records.push_back(bytes);
        Ok(version)
    }

    fn read_now(
        &self,
        market: &MarketId,
        after: Version,
        max: usize,
    ) -> Result<Vec<(Version, Record)>, TripJournalError> {
        let markets = self.markets.lock();
        let Some(market_now) = markets.get(market) else { return Ok(Vec::new()) };
        let forgotten = market_now.forgotten;
        if after < forgotten {
            let text = format!("market {market}: its records up to version {forgotten} are forgotten");
            return Err(TripJournalError::Internal(text));
        }
        let versions = after.saturating_add(1)..=market_now.version();
        let read = versions.take(max).map(|version| {
            let bytes = &market_now.records[(version - forgotten - 1) as usize];
            let record =
                decode_record(&record_key(market, version), bytes).map_err(TripJournalError::Internal)?;
            Ok((version, record))
        });
        read.collect()
    }

    fn save_now(
        &self,
        market: &MarketId,
        version: Version,
        snapshot: Vec<u8>,
    ) -> Result<(), TripJournalError> {
        check_snapshot(&snapshot)?;
        let mut markets = self.markets.lock();
        let market_now = markets.get_mut(market).filter(|market| version <= market.version());
        let market_now = market_now.ok_or_else(|| no_such_version(version))?;
        if market_now.snapshot.as_ref().is_none_or(|(newest, _)| *newest <= version) {
            let before = market_now.snapshot.replace((version, snapshot));
            if let Some((before, _)) = before.filter(|_| self.evictions) {
                market_now.forget(before);
            }
        }
        Ok(())
    }
}

/// The refusal of a snapshot that is ahead of its records.
pub(super) fn no_such_version(version: Version) -> FieldError {
    FieldError::new("snapshot.version", format!("{version}, must be a version that was appended"))
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
        async move { self.read_now(&market, after, max) }.boxed()
    }

    fn version(&self, market: MarketId) -> PortFuture<'_, Version, TripJournalError> {
        ready(Ok(self.markets.lock().get(&market).map_or(0, Market::version))).boxed()
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
        ready(Ok(self.markets.lock().get(&market).and_then(|market| market.snapshot.clone()))).boxed()
    }
}
