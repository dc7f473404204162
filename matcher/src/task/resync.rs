//! What a task does after an append whose outcome is unknown: it reads the market again, or stops if another matcher has
//! taken it over.
//!
//! The first attempt takes milliseconds, and callers wait for it. If it fails, as on a full disk, the market is *suspended*:
//! until an attempt succeeds, commands fail at once, and queries are answered from the last durable state if the journal can
//! be read.

use std::time::Duration;

use kerb_ports::TripJournalError;
use kerb_trips::{MarketId, Version};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::pending_reply::PendingReply;
use super::{COMMANDS_PER_RECORD_MAX, MarketContext, MarketTask, TaskStop};
use crate::error::MatcherError;
use crate::mailbox::{MarketCommand, MarketQuery};
use crate::market::{Market, Rules};
use crate::task::recovery::{RecoveredMarket, recover};

/// Maximum number of own records with an unknown outcome. With more, the task takes them for another matcher's.
const UNKNOWN_RECORDS_MAX: usize = 1_000;
/// Wait between two attempts to read the market from its journal.
const RESYNC_INTERVAL: Duration = Duration::from_secs(1);

/// What the callers of a suspended market get.
struct Suspension {
    begun: bool,
    reason: MatcherError,
    /// Whether the task's state is the last durable one. Before, it has decisions that may not be durable.
    is_durable: bool,
}

/// The result of an attempt to read and fence a market.
enum Attempt {
    Recovered(Box<RecoveredMarket>),
    /// Another matcher has written to the journal.
    Replaced,
    /// A record was written after the reading: the failed append, or another matcher's. The next attempt knows.
    Contested,
    /// No later attempt can succeed: a record is damaged, or the journal has stopped.
    Broken(MatcherError),
    /// A later attempt may succeed. `durable` is the last durable state, if it was read.
    Failed {
        error: MatcherError,
        durable: Option<Box<Market>>,
    },
}

impl Attempt {
    /// The market could not be read.
    fn unread(error: MatcherError) -> Self {
        match error {
            MatcherError::Internal(_) => Self::Broken(error),
            error => Self::Failed { error, durable: None },
        }
    }
}

impl MarketTask {
    /// Returns the error for the callers whose record may not be durable.
    pub(super) fn not_durable(&self, error: &TripJournalError) -> MatcherError {
        let market = self.state.market.id();
        let reason = match error {
            TripJournalError::Conflict { .. } => {
                format!("the journal of market {market} is ahead of this matcher")
            }
            TripJournalError::Unavailable { reason, .. } => {
                format!("the journal of market {market} did not take the decision: {reason}")
            }
            other => format!("the journal of market {market} did not take the decision: {other}"),
        };
        MatcherError::Unavailable { node: self.context.node.clone(), reason }
    }

    /// Returns the error for the callers of a suspended market.
    fn suspended(&self, error: &MatcherError) -> MatcherError {
        let market = self.state.market.id();
        let reason = match error {
            MatcherError::Unavailable { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        let reason = format!("market {market} decides nothing until its journal takes records: {reason}");
        MatcherError::Unavailable { node: self.context.node.clone(), reason }
    }

    /// Reads the market from its journal, and repeats that until it succeeds. If another matcher has taken the market over,
    /// all markets of this matcher stop: none of them would know the other matcher's reservations. They also stop if no
    /// repetition can succeed.
    pub(super) async fn resync(&mut self, error: &TripJournalError) -> Result<(), TaskStop> {
        let id = self.state.market.id().clone();
        self.context.metrics.resyncs.increment();
        tracing::warn!(market = %id, %error, "the market is read again: its last decisions may not be durable");
        // The window in progress started from a state that may not be durable.
        self.matching = JoinSet::new();
        self.windows.stop();
        let mut suspension = Suspension { reason: self.not_durable(error), is_durable: false, begun: false };
        loop {
            match self.attempt(&suspension).await? {
                Attempt::Recovered(recovered) => {
                    self.mailbox.committed.send_replace(recovered.market.version());
                    self.state.market = recovered.market;
                    self.context.watches.resync(&id);
                    if suspension.begun {
                        self.context.suspended.remove(&id);
                        tracing::info!(market = %id, "the market decides again");
                    }
                    return Ok(());
                }
                Attempt::Replaced => {
                    tracing::error!(market = %id, "another matcher has taken the market over: this one stops");
                    self.context.fencing.cancel(format!("another matcher has taken market {id} over"));
                    return Err(TaskStop);
                }
                Attempt::Contested => {}
                Attempt::Broken(error) => {
                    tracing::error!(market = %id, %error, "the market cannot be recovered: this matcher stops");
                    self.context.fencing.cancel(format!("market {id} cannot be recovered: {error}"));
                    return Err(TaskStop);
                }
                Attempt::Failed { error, durable } => {
                    if suspension.begun {
                        tracing::debug!(market = %id, %error, "the market cannot be read and fenced yet");
                    } else {
                        tracing::error!(market = %id, %error, "the market is suspended until its journal takes records");
                        self.context.suspended.add(&id);
                    }
                    suspension.begun = true;
                    suspension.reason = self.suspended(&error);
                    if let Some(durable) = durable {
                        // A record that was not acknowledged may have turned out durable.
                        self.mailbox.committed.send_replace(durable.version());
                        self.state.market = *durable;
                        suspension.is_durable = true;
                    }
                }
            }
            self.run_suspended(sleep(RESYNC_INTERVAL), &suspension).await?;
        }
    }

    /// Attempts to read and fence the market. A suspended market answers its callers meanwhile.
    async fn attempt(&mut self, suspension: &Suspension) -> Result<Attempt, TaskStop> {
        let context = self.context.clone();
        let (id, version, rules) = {
            let market = &self.state.market;
            (market.id().clone(), market.version(), market.rules().clone())
        };
        let attempt = recover_own(context, id, version, rules);
        self.run_suspended(attempt, suspension).await
    }

    /// Runs `work` to its end, and answers the callers of a suspended market meanwhile.
    async fn run_suspended<T>(
        &mut self,
        work: impl Future<Output = T>,
        suspension: &Suspension,
    ) -> Result<T, TaskStop> {
        tokio::pin!(work);
        let mut commands = Vec::new();
        loop {
            tokio::select! {
                // A fixed order keeps runs under virtual time equal.
                biased;
                () = self.context.fencing.cancelled() => return Err(TaskStop),
                () = self.stop.cancelled() => return Err(TaskStop),
                done = &mut work => return Ok(done),
                count = self.mailbox.commands.recv_many(&mut commands, COMMANDS_PER_RECORD_MAX),
                    if suspension.begun =>
                {
                    if count == 0 {
                        return Err(TaskStop);
                    }
                    for command in commands.drain(..) {
                        self.answer_suspended(command, suspension);
                    }
                }
            }
        }
    }

    fn answer_suspended(&mut self, command: MarketCommand, suspension: &Suspension) {
        match command {
            // A suspended market takes no requests, whatever its state says.
            MarketCommand::Query(query @ MarketQuery::AcceptsRequests { .. }) => {
                PendingReply::Query(query).send(Err(suspension.reason.clone()));
            }
            MarketCommand::Query(query) if suspension.is_durable => {
                PendingReply::Query(query).send(Ok(&self.state));
            }
            command => PendingReply::of_rejected(command).send(Err(suspension.reason.clone())),
        }
    }
}

/// Reads the market, and fences it against appends that are still on their way.
async fn recover_own(context: MarketContext, id: MarketId, known: Version, rules: Rules) -> Attempt {
    // Own records after the known version are the failed append, and fences of this function.
    let since = match context.journal.read(id.clone(), known, UNKNOWN_RECORDS_MAX).await {
        Ok(since) => since,
        Err(error) => return Attempt::unread(error.into()),
    };
    let is_own = since.iter().all(|(_, record)| record.matcher == rules.matcher);
    if !is_own || since.len() == UNKNOWN_RECORDS_MAX {
        return Attempt::Replaced;
    }
    let mut recovered = match recover(&context, &id, &rules).await {
        Ok(recovered) => recovered,
        Err(error) => return Attempt::unread(error),
    };
    if recovered.market.version() != known + since.len() as u64 {
        return Attempt::Replaced;
    }
    let fence = recovered.market.fence(context.clock.now());
    match context.append(&mut recovered.market, fence).await {
        Ok(_) => {
            recovered.renew_reservations();
            Attempt::Recovered(Box::new(recovered))
        }
        Err(TripJournalError::Conflict { .. }) => Attempt::Contested,
        Err(TripJournalError::Internal(reason)) => Attempt::Broken(MatcherError::Internal(reason)),
        Err(error) => Attempt::Failed { error: error.into(), durable: Some(Box::new(recovered.market)) },
    }
}
