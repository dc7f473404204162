//! Subscribing to a market's events: from any position, all of them, in order, for ever.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, Stream};
use kerb_ports::{Error, TripJournal};
use kerb_trips::{Change, MarketId, TripEvent, TripId, Version};
use kerb_types::FieldError;
use tokio::sync::watch;

use crate::mailbox::MarketHandle;

/// Records of one page.
const PAGE_RECORDS: usize = 256;

/// Where an event stands in its market: in which record, and where in it. The order is that of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition {
    /// Version of the journal.
    pub version: Version,
    /// Within the record of that version, from 0.
    pub index: u32,
}

/// An event and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct JournaledEvent {
    /// Where.
    pub position: EventPosition,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Of which trip.
    pub trip: TripId,
    /// What.
    pub event: TripEvent,
}

struct Subscriber {
    journal: Arc<dyn TripJournal>,
    desk: MarketHandle,
    market: MarketId,
    committed: watch::Receiver<Version>,
    /// All records up to this one were read.
    read: Version,
    after: Option<EventPosition>,
    page: VecDeque<JournaledEvent>,
}

/// Every event after `after`; all when it is `None`.
///
/// [`Error::Invalid`] for a position that the journal has not reached. The stream ends with an error when the market stops,
/// or when a record cannot be read.
pub(crate) async fn subscribe(
    journal: Arc<dyn TripJournal>,
    desk: MarketHandle,
    market: MarketId,
    after: Option<EventPosition>,
) -> Result<impl Stream<Item = Result<JournaledEvent, Error>> + Send + 'static, Error> {
    // Asked of the market itself, so that the newest version is no older than any event that the caller has seen.
    let newest = desk.look(|state| Ok(state.market.version())).await?;
    let version = after.map_or(0, |after| after.version);
    if version > newest {
        let text = format!("{version}, must be at most {newest}, the newest version of market {market}");
        return Err(FieldError::new("after.version", text).into());
    }
    let committed = desk.committed();
    let read = version.saturating_sub(1);
    let subscriber = Subscriber { journal, desk, market, committed, read, after, page: VecDeque::new() };
    Ok(stream::unfold(Some(subscriber), |subscriber| async move {
        let mut subscriber = subscriber?;
        match subscriber.next().await {
            Ok(event) => Some((Ok(event), Some(subscriber))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Subscriber {
    async fn next(&mut self) -> Result<JournaledEvent, Error> {
        loop {
            if let Some(event) = self.page.pop_front() {
                return Ok(event);
            }
            let read = self.read;
            let newer = self.committed.wait_for(|committed| *committed > read).await;
            let newest = *newer.map_err(|_ended| self.desk.why_closed())?;
            self.read_page(newest).await?;
        }
    }

    /// Only what this matcher knows to be committed: the journal may hold more, which the next turn reads.
    async fn read_page(&mut self, newest: Version) -> Result<(), Error> {
        let records_max = usize::try_from(newest - self.read).map_or(PAGE_RECORDS, |n| n.min(PAGE_RECORDS));
        let records = self.journal.read(self.market.clone(), self.read, records_max).await?;
        if records.is_empty() {
            let market = &self.market;
            return Err(Error::Internal(format!("market {market} has no record after {}", self.read)));
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
