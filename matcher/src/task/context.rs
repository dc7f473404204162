//! What the tasks of all markets share: ports, rules and intervals.

use std::sync::Arc;
use std::time::Duration;

use kerb_ports::{NearbySearch, TravelTimes, TripJournal, TripJournalError};
use kerb_trips::Record;
use kerb_types::{Clock, NodeId};
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::drivers::NotificationOutbox;
use crate::mailbox::FencingToken;
use crate::market::{Effect, Market, Reservations, Rules};
use crate::metrics::Metrics;
use crate::task::SuspendedMarkets;
use crate::trip_watch::TripWatches;
use crate::window::{WindowPace, WindowRules};

/// What the tasks of all markets share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MarketContext {
    pub(crate) node: NodeId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<dyn TripJournal>,
    pub(crate) search: Arc<dyn NearbySearch>,
    pub(crate) times: Arc<dyn TravelTimes>,
    pub(crate) reservations: Reservations,
    pub(crate) fencing: FencingToken,
    pub(crate) suspended: SuspendedMarkets,
    pub(crate) outbox: Arc<NotificationOutbox>,
    pub(crate) watches: Arc<TripWatches>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) rules: Rules,
    /// The rules of windows that begin from now on.
    pub(crate) window_rules: Arc<Mutex<WindowRules>>,
    /// The length of the windows, before any request.
    pub(crate) window_pace: WindowPace,
    pub(crate) window_requests_max: usize,
    pub(crate) append_timeout: Duration,
    /// Number of changes between two snapshots.
    pub(crate) snapshot_every: usize,
}

impl MarketContext {
    /// Appends the record. Returns its effects once it is durable.
    pub(crate) async fn append(
        &self,
        market: &mut Market,
        record: Record,
    ) -> Result<Vec<Effect>, TripJournalError> {
        let append = self.journal.append(market.id().clone(), market.version(), record);
        let late = |_| Err(TripJournalError::DeadlineExceeded("the journal has not answered".to_owned()));
        let version = timeout(self.append_timeout, append).await.unwrap_or_else(late)?;
        Ok(market.committed(version))
    }
}
