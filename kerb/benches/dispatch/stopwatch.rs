//! Ports that measure time: from the query for a window's candidates until its offers are durable.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use kerb_ports::{
    NearbyQuery, NearbyResults, NearbySearch, NearbySearchError, NearestByEta, PortFuture, TripJournal,
    TripJournalError,
};
use kerb_trips::{Change, MarketId, Record, TripEvent, Version};
use tokio::sync::watch;
use tokio::time::Instant;

/// The measurement of a window whose offers are durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowTiming {
    pub(crate) requests: usize,
    pub(crate) offers: usize,
    /// Time from the query for candidates until the record is durable.
    pub(crate) time: Duration,
    /// The part of `time` that the journal took.
    pub(crate) append: Duration,
}

/// Measures windows and publishes the newest measurement.
pub(crate) struct Stopwatch {
    began: watch::Sender<Option<(Instant, usize)>>,
    newest: watch::Sender<Option<WindowTiming>>,
}

impl Stopwatch {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { began: watch::Sender::new(None), newest: watch::Sender::new(None) })
    }

    /// Returns a receiver of the newest measurement.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<WindowTiming>> {
        self.newest.subscribe()
    }

    fn end(&self, offers: usize, append: Duration) {
        let Some((began, requests)) = *self.began.borrow() else { return };
        self.newest.send_replace(Some(WindowTiming { requests, offers, time: began.elapsed(), append }));
    }
}

/// A search that starts the measurement.
pub(crate) struct TimedSearch<S>(pub(crate) S, pub(crate) Arc<Stopwatch>);

impl<S: NearbySearch> NearbySearch for TimedSearch<S> {
    fn nearest(
        &self,
        queries: Vec<NearbyQuery>,
        deadline: Instant,
    ) -> PortFuture<'_, NearbyResults, NearbySearchError> {
        self.1.began.send_replace(Some((Instant::now(), queries.len())));
        self.0.nearest(queries, deadline)
    }

    fn nearest_by_eta(
        &self,
        query: NearbyQuery,
        deadline: Instant,
    ) -> PortFuture<'_, NearestByEta, NearbySearchError> {
        self.0.nearest_by_eta(query, deadline)
    }
}

/// A journal that ends the measurement.
pub(crate) struct TimedJournal<J>(pub(crate) J, pub(crate) Arc<Stopwatch>);

impl<J: TripJournal> TripJournal for TimedJournal<J> {
    fn append(
        &self,
        market: MarketId,
        expected: Version,
        record: Record,
    ) -> PortFuture<'_, Version, TripJournalError> {
        let is_offer =
            |change: &&Change| matches!(change, Change::Trip { event: TripEvent::Offered { .. }, .. });
        let offers = record.changes.iter().filter(is_offer).count();
        async move {
            let began = Instant::now();
            let version = self.0.append(market, expected, record).await?;
            if offers > 0 {
                self.1.end(offers, began.elapsed());
            }
            Ok(version)
        }
        .boxed()
    }

    fn read(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError> {
        self.0.read(market, after, max)
    }

    fn version(&self, market: MarketId) -> PortFuture<'_, Version, TripJournalError> {
        self.0.version(market)
    }

    fn markets(&self) -> PortFuture<'_, Vec<MarketId>, TripJournalError> {
        self.0.markets()
    }

    fn save_snapshot(
        &self,
        market: MarketId,
        version: Version,
        snapshot: Vec<u8>,
    ) -> PortFuture<'_, (), TripJournalError> {
        self.0.save_snapshot(market, version, snapshot)
    }

    fn snapshot(&self, market: MarketId) -> PortFuture<'_, Option<(Version, Vec<u8>)>, TripJournalError> {
        self.0.snapshot(market)
    }
}
