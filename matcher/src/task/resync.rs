//! What a task does after an append whose outcome is unknown: it reads the market again, or stops if another matcher has
//! taken it over.

use std::time::Duration;

use kerb_ports::TripJournalError;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{MarketTask, TaskStop};
use crate::error::MatcherError;
use crate::task::recovery::{RecoveredMarket, recover};

/// Maximum number of own records with an unknown outcome. With more, the task takes them for another matcher's.
const UNKNOWN_RECORDS_MAX: usize = 1_000;
/// Wait between two attempts to read the market from its journal.
const RESYNC_INTERVAL: Duration = Duration::from_secs(1);

impl MarketTask {
    /// Returns the error for the callers whose record may not be durable.
    pub(super) fn not_durable(&self, error: &TripJournalError) -> MatcherError {
        let market = self.state.market.id();
        let reason = match error {
            TripJournalError::Conflict { .. } => {
                format!("the journal of market {market} is ahead of this matcher")
            }
            other => format!("the journal of market {market} did not take the decision: {other}"),
        };
        MatcherError::Unavailable { node: self.context.node.clone(), reason }
    }

    /// Reads the market from its journal, and repeats that until it succeeds. If another matcher has taken the market over,
    /// all markets of this matcher stop: none of them would know the other matcher's reservations.
    pub(super) async fn resync(&mut self, error: &TripJournalError) -> Result<(), TaskStop> {
        let id = self.state.market.id().clone();
        self.context.metrics.resyncs.increment();
        tracing::warn!(market = %id, %error, "the market is read again: its last decisions may not be durable");
        // The window in progress started from a state that may not be durable.
        self.matching = JoinSet::new();
        self.windows.stop();
        loop {
            match self.recover_own().await {
                Ok(Some(recovered)) => {
                    self.mailbox.committed.send_replace(recovered.market.version());
                    self.state.market = recovered.market;
                    self.context.watches.resync(&id);
                    return Ok(());
                }
                Ok(None) => {
                    tracing::error!(market = %id, "another matcher has taken the market over: this one stops");
                    self.context.fencing.cancel(format!("another matcher has taken market {id} over"));
                    return Err(TaskStop);
                }
                Err(error) => tracing::error!(market = %id, %error, "the market cannot be read and fenced"),
            }
            tokio::select! {
                // A fixed order keeps runs under virtual time equal.
                biased;
                () = self.context.fencing.cancelled() => return Err(TaskStop),
                () = self.stop.cancelled() => return Err(TaskStop),
                () = sleep(RESYNC_INTERVAL) => {}
            }
        }
    }

    /// Reads the market, and fences it against appends that are still on their way. `None` if another matcher has written
    /// to the journal.
    async fn recover_own(&self) -> Result<Option<RecoveredMarket>, MatcherError> {
        let (journal, market) = (&self.context.journal, &self.state.market);
        let (id, known) = (market.id(), market.version());
        // Own records after the known version are the failed append, and fences of this function.
        let since = journal.read(id.clone(), known, UNKNOWN_RECORDS_MAX).await?;
        let is_own = since.iter().all(|(_, record)| record.matcher == market.rules().matcher);
        if !is_own || since.len() == UNKNOWN_RECORDS_MAX {
            return Ok(None);
        }
        let mut recovered = recover(&self.context, id, market.rules()).await?;
        if recovered.market.version() != known + since.len() as u64 {
            return Ok(None);
        }
        let fence = recovered.market.fence(self.context.clock.now());
        self.context.append(&mut recovered.market, fence).await?;
        recovered.renew_reservations();
        Ok(Some(recovered))
    }
}
