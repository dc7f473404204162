//! A journal in memory that fails when it is told to, and that others write, too.

use std::time::Duration;

use futures::FutureExt;
use kerb_journal::MemoryJournal;
use kerb_ports::{PortFuture, TripJournal, TripJournalError};
use kerb_trips::{MarketId, Record, Version};
use parking_lot::Mutex;

use crate::fakes::node;
use crate::simulated_time::pass;

/// What the journal does with the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Does not write it, and says that it is not reached.
    Lost,
    /// Writes it, and says the same: the outcome is unknown to the caller.
    Unanswered,
    /// Says the same, and writes it when the next record comes.
    Late,
}

/// Another matcher, which writes just before a record of a market comes.
pub(crate) struct Rival {
    /// Whose record comes.
    pub(crate) before: MarketId,
    /// Where the rival writes.
    pub(crate) market: MarketId,
    pub(crate) record: Record,
    /// Before each record, not only before one.
    pub(crate) for_ever: bool,
}

/// A journal in memory that fails when it is told to.
#[derive(Default)]
pub(crate) struct FakeJournal {
    inner: MemoryJournal,
    pub(crate) fault: Mutex<Option<Fault>>,
    pub(crate) rivals: Mutex<Vec<Rival>>,
    /// How long reading a page takes.
    pub(crate) read_time: Mutex<Duration>,
    late: Mutex<Option<(MarketId, Version, Record)>>,
}

impl FakeJournal {
    pub(crate) fn records(&self, market: &MarketId) -> Vec<Record> {
        let read = self.inner.read(market.clone(), 0, usize::MAX).now_or_never().unwrap();
        read.unwrap().into_iter().map(|(_, record)| record).collect()
    }

    /// Writes a record, as whoever knows the newest version.
    pub(crate) async fn write(&self, market: &MarketId, record: Record) {
        let version = self.inner.version(market.clone()).await.unwrap();
        self.inner.append(market.clone(), version, record).await.unwrap();
    }

    /// What others write before a record of this market.
    async fn write_others(&self, market: &MarketId) {
        let rivals = std::mem::take(&mut *self.rivals.lock());
        let (now, later): (Vec<_>, Vec<_>) = rivals.into_iter().partition(|rival| rival.before == *market);
        self.rivals.lock().extend(later);
        for rival in now {
            self.write(&rival.market, rival.record.clone()).await;
            if rival.for_ever {
                self.rivals.lock().push(rival);
            }
        }
        let late = self.late.lock().take();
        if let Some((market, expected, record)) = late {
            // Another one may have been first.
            drop(self.inner.append(market, expected, record).await);
        }
    }

    pub(crate) fn snapshot_version(&self, market: &MarketId) -> Option<Version> {
        let snapshot = self.inner.snapshot(market.clone()).now_or_never().unwrap();
        snapshot.unwrap().map(|(version, _)| version)
    }
}

fn unreachable_engine() -> TripJournalError {
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
            self.write_others(&market).await;
            let fault = self.fault.lock().take();
            if fault == Some(Fault::Late) {
                *self.late.lock() = Some((market, expected, record));
                return Err(unreachable_engine());
            }
            if fault == Some(Fault::Lost) {
                return Err(unreachable_engine());
            }
            let version = self.inner.append(market, expected, record).await?;
            if fault == Some(Fault::Unanswered) { Err(unreachable_engine()) } else { Ok(version) }
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
        self.inner.save_snapshot(market, version, snapshot)
    }

    fn snapshot(&self, market: MarketId) -> PortFuture<'_, Option<(Version, Vec<u8>)>, TripJournalError> {
        self.inner.snapshot(market)
    }
}
