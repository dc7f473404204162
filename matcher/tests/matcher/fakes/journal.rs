//! A journal in memory with scripted faults and scripted records of rival matchers.

use std::time::Duration;

use futures::FutureExt;
use kerb_journal::MemoryJournal;
use kerb_ports::{PortFuture, TripJournal, TripJournalError};
use kerb_trips::{MarketId, Record, Version};
use parking_lot::Mutex;

use crate::fakes::node;
use crate::fakes::simulated_time::pass;

/// A fault of the next append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Does not write the record, and returns `Unavailable`.
    Lost,
    /// Writes the record, and returns `Unavailable`: the outcome is unknown to the caller.
    Unanswered,
    /// Returns `Unavailable`, and writes the record before the next one.
    Late,
}

/// A record of another matcher, written just before a record of this matcher.
pub(crate) struct Rival {
    /// Market of this matcher's record.
    pub(crate) before: MarketId,
    /// Market of the rival's record.
    pub(crate) market: MarketId,
    pub(crate) record: Record,
    /// Written before each record, not only before one.
    pub(crate) repeats: bool,
}

/// A journal in memory with scripted faults.
#[derive(Default)]
pub(crate) struct FakeJournal {
    inner: MemoryJournal,
    pub(crate) fault: Mutex<Option<Fault>>,
    /// Every append and snapshot fails without a write, as on a full disk.
    pub(crate) is_full: Mutex<bool>,
    /// Every append fails for good.
    pub(crate) is_broken: Mutex<bool>,
    pub(crate) rivals: Mutex<Vec<Rival>>,
    /// Duration of reading a page.
    pub(crate) read_time: Mutex<Duration>,
    late: Mutex<Option<(MarketId, Version, Record)>>,
}

impl FakeJournal {
    pub(crate) fn records(&self, market: &MarketId) -> Vec<Record> {
        let read = self.inner.read(market.clone(), Version::new(0), usize::MAX).now_or_never().unwrap();
        read.unwrap().into_iter().map(|(_, record)| record).collect()
    }

    /// Writes a record under the newest version.
    pub(crate) async fn write(&self, market: &MarketId, record: Record) {
        let version = self.inner.version(market.clone()).await.unwrap();
        self.inner.append(market.clone(), version, record).await.unwrap();
    }

    /// Writes the records that are due before a record of this market.
    async fn write_others(&self, market: &MarketId) {
        let rivals = std::mem::take(&mut *self.rivals.lock());
        let (now, later): (Vec<_>, Vec<_>) = rivals.into_iter().partition(|rival| rival.before == *market);
        self.rivals.lock().extend(later);
        for rival in now {
            self.write(&rival.market, rival.record.clone()).await;
            if rival.repeats {
                self.rivals.lock().push(rival);
            }
        }
        let late = self.late.lock().take();
        if let Some((market, expected, record)) = late {
            // A rival's record may already have this version.
            drop(self.inner.append(market, expected, record).await);
        }
    }

    pub(crate) fn snapshot_version(&self, market: &MarketId) -> Option<Version> {
        let snapshot = self.inner.snapshot(market.clone()).now_or_never().unwrap();
        snapshot.unwrap().map(|(version, _)| version)
    }
}

fn unavailable() -> TripJournalError {
    TripJournalError::Unavailable { node: node("engine"), reason: "scripted".to_owned() }
}

impl TripJournal for FakeJournal {
    fn append(
        &self,
        market: MarketId,
        expected: Version,
        record: Record,
    ) -> PortFuture<'_, Version, TripJournalError> {
        async move {
            if *self.is_broken.lock() {
                return Err(TripJournalError::Internal("scripted".to_owned()));
            }
            if *self.is_full.lock() {
                return Err(unavailable());
            }
            self.write_others(&market).await;
            let fault = self.fault.lock().take();
            if fault == Some(Fault::Late) {
                *self.late.lock() = Some((market, expected, record));
                return Err(unavailable());
            }
            if fault == Some(Fault::Lost) {
                return Err(unavailable());
            }
            let version = self.inner.append(market, expected, record).await?;
            if fault == Some(Fault::Unanswered) { Err(unavailable()) } else { Ok(version) }
        }
        .boxed()
    }

    fn read(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError> {
        async move {
            let read_time = *self.read_time.lock();
            if !read_time.is_zero() {
                pass(read_time).await;
            }
            self.inner.read(market, after, max).await
        }
        .boxed()
    }

    fn version(&self, market: MarketId) -> PortFuture<'_, Version, TripJournalError> {
        self.inner.version(market)
    }

    fn markets(&self) -> PortFuture<'_, Vec<MarketId>, TripJournalError> {
        self.inner.markets()
    }

    fn save_snapshot(
        &self,
        market: MarketId,
        version: Version,
        snapshot: Vec<u8>,
    ) -> PortFuture<'_, (), TripJournalError> {
        if *self.is_full.lock() {
            return std::future::ready(Err(unavailable())).boxed();
        }
        self.inner.save_snapshot(market, version, snapshot)
    }

    fn snapshot(&self, market: MarketId) -> PortFuture<'_, Option<(Version, Vec<u8>)>, TripJournalError> {
        self.inner.snapshot(market)
    }
}
