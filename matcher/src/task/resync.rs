//! When a record is not known to be durable: the market is read again, or another matcher has it now.

use kerb_ports::{Error, TripJournalError};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{MarketTask, RECOVER_PAUSE, Stopped};
use crate::recovery::{Recovered, recover};

/// Records of this task whose outcome it does not know, at most: with more, it takes them for another matcher's.
const UNKNOWN_RECORDS_MAX: usize = 1_000;

impl MarketTask {
    /// What the callers of a record are told that is not known to be durable.
    pub(super) fn not_durable(&self, error: &TripJournalError) -> Error {
        let market = self.state.market.id();
        let reason = match error {
            TripJournalError::Conflict { .. } => {
                format!("the journal of market {market} is ahead of this matcher")
            }
            other => format!("the journal of market {market} did not take the decision: {other}"),
        };
        Error::Unavailable { node: self.context.node.clone(), reason }
    }

    /// Reads the market from its journal, however long it takes; or ends, when another matcher writes it, and with it all
    /// markets of this matcher: what the other one promises from now on, none of them would know.
    pub(super) async fn begin_again(&mut self, error: &TripJournalError) -> Result<(), Stopped> {
        let id = self.state.market.id().clone();
        tracing::warn!(market = %id, %error, "the market is read again: its last decisions may not be durable");
        // A window that is under way was asked by a state that counts no more.
        self.matching = JoinSet::new();
        self.window_at = None;
        loop {
            match self.read_again().await {
                Ok(Some(recovered)) => {
                    self.counter.committed.send_replace(recovered.market.version());
                    self.state.market = recovered.market;
                    self.context.watches.look_again(&id);
                    return Ok(());
                }
                Ok(None) => {
                    tracing::error!(market = %id, "another matcher has taken the market over: this one stops");
                    self.context.fencing.because(format!("another matcher has taken market {id} over"));
                    return Err(Stopped);
                }
                Err(error) => tracing::error!(market = %id, %error, "the market cannot be read and fencing"),
            }
            tokio::select! {
                () = sleep(RECOVER_PAUSE) => {}
                () = self.stop.cancelled() => return Err(Stopped),
                () = self.context.fencing.cancelled() => return Err(Stopped),
            }
        }
    }

    /// The market as the journal has it, and as it stays: a fence keeps out what may still be on its way. `None` when
    /// anybody else has written it.
    async fn read_again(&self) -> Result<Option<Recovered>, Error> {
        let (journal, market) = (&self.context.journal, &self.state.market);
        let (id, known) = (market.id(), market.version());
        // Own ones are those whose outcome was not known: the record that failed, and fences from here.
        let since = journal.read(id.clone(), known, UNKNOWN_RECORDS_MAX).await?;
        let is_own = since.iter().all(|(_, record)| record.matcher == market.rules().matcher);
        if !is_own || since.len() == UNKNOWN_RECORDS_MAX {
            return Ok(None);
        }
        let mut recovered = recover(&self.context, id, market.rules()).await?;
        let again = &mut recovered.market;
        if again.version() != known + since.len() as u64 {
            return Ok(None);
        }
        let fence = again.fence(self.context.clock.now_ms());
        self.context.append(again, fence).await?;
        recovered.renew_reservations();
        Ok(Some(recovered))
    }
}
