//! A subscription to the events of a market: all events from any position on, in order, without an end.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, Stream};
use kerb_ports::TripJournal;
use kerb_trips::{Change, MarketId, TripEvent, TripId, Version};
use kerb_types::{FieldError, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::error::MatcherError;
use crate::mailbox::{MarketHandle, MarketQuery};

/// Maximum number of records in a page.
const PAGE_RECORDS: usize = 256;
/// A page ends after the record with which it reaches this number of encoded bytes. A subscriber that does not read holds
/// one page.
const PAGE_BYTES: usize = 64 * 1024;

/// The position of an event in its market's journal. Positions are ordered like the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition {
    /// Version of the record.
    pub version: Version,
    /// Index of the change within the record, from 0.
    pub index: u32,
}

/// An event of a trip, with its position in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct JournaledEvent {
    /// Position in the journal.
    pub position: EventPosition,
    /// Time of the record, in milliseconds since the Unix epoch.
    pub at_ms: Timestamp,
    /// The trip that changed.
    pub trip: TripId,
    /// The change of the trip.
    pub event: TripEvent,
}

/// The state of a subscription.
struct Subscriber {
    journal: Arc<dyn TripJournal>,
    handle: MarketHandle,
    market: MarketId,
    committed: watch::Receiver<Version>,
    /// Version of the last record that was read.
    read: Version,
    after: Option<EventPosition>,
    page: VecDeque<JournaledEvent>,
    _permit: OwnedSemaphorePermit,
}

/// Subscribes to every event after `after`, or to all events for `None`.
///
/// [`MatcherError::Invalid`] for a future position. The stream holds `permit`, and ends with an error when the market stops, or when a record
/// cannot be read.
pub(super) async fn subscribe(
    journal: Arc<dyn TripJournal>,
    handle: MarketHandle,
    market: MarketId,
    after: Option<EventPosition>,
    permit: OwnedSemaphorePermit,
) -> Result<impl Stream<Item = Result<JournaledEvent, MatcherError>> + Send + 'static, MatcherError> {
    // The market itself returns its version, which is at least that of every event that the caller has seen.
    let newest = handle.query(|reply| MarketQuery::Version { reply }).await?;
    let version = after.map_or(Version::EMPTY, |after| after.version);
    if version > newest {
        let text = format!("{version}, must be at most {newest}, the newest version of market {market}");
        return Err(FieldError::new("after.version", text).into());
    }
    let committed = handle.committed();
    let read = Version::new(version.get().saturating_sub(1));
    let page = VecDeque::new();
    let subscriber = Subscriber { journal, handle, market, committed, read, after, page, _permit: permit };
    Ok(stream::unfold(Some(subscriber), |subscriber| async move {
        let mut subscriber = subscriber?;
        match subscriber.next().await {
            Ok(event) => Some((Ok(event), Some(subscriber))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Subscriber {
    async fn next(&mut self) -> Result<JournaledEvent, MatcherError> {
        loop {
            if let Some(event) = self.page.pop_front() {
                return Ok(event);
            }
            let read = self.read;
            let newer = self.committed.wait_for(|committed| *committed > read).await;
            let newest = *newer.map_err(|_ended| self.handle.why_closed())?;
            self.read_page(newest).await?;
        }
    }

    /// Reads a page of the records up to `newest`. The journal may hold more, but they may not be durable yet.
    async fn read_page(&mut self, newest: Version) -> Result<(), MatcherError> {
        let records_max = usize::try_from(newest - self.read).map_or(PAGE_RECORDS, |n| n.min(PAGE_RECORDS));
        let records = self.journal.read_page(self.market.clone(), self.read, records_max, PAGE_BYTES);
        let records = records.await?;
        if records.is_empty() {
            let market = &self.market;
            return Err(MatcherError::Internal(format!("market {market} has no record after {}", self.read)));
        }
        for (version, record) in records {
            for (index, change) in (0..).zip(record.changes) {
                let position = EventPosition { version, index };
                if let Change::Trip { trip, event } = change
                    && self.after.is_none_or(|after| position > after)
                {
                    self.page.push_back(JournaledEvent { position, at_ms: record.at_ms, trip, event });
                }
            }
            self.read = version;
        }
        Ok(())
    }
}
