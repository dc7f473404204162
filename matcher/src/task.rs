//! The task of a market: executes commands, appends the decisions to the journal, and only then replies and notifies.
//!
//! Commands that arrive together share one record. If the outcome of an append is unknown, the task drops the market and
//! reads it from the journal again; while that is not possible, the market is suspended. If another matcher has written to the journal, it has taken the market over, and all
//! markets of this matcher stop.

mod context;
mod execute;
mod pending_reply;
mod recovery;
mod resync;
mod snapshots;
mod state;
mod suspended_markets;
mod window_schedule;
mod windows;

use std::time::Duration;

use kerb_ports::TripJournalError;
use kerb_types::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::error::MatcherError;
use crate::mailbox::{Mailbox, MarketCommand};
use crate::market::Effect;
use crate::window::MatchOutcome;

pub(crate) use context::MarketContext;
use execute::execute;
pub use recovery::RecoveryError;
pub(crate) use recovery::{RecoveredMarket, take_over};
use state::{LastWindow, MarketState};
pub(crate) use suspended_markets::SuspendedMarkets;
use window_schedule::WindowSchedule;

/// Maximum number of commands that share one record.
const COMMANDS_PER_RECORD_MAX: usize = 512;
/// The timers are checked at least this often, because an operator may set the wall clock.
const TIMER_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The task of one market.
pub(crate) struct MarketTask {
    state: MarketState,
    context: MarketContext,
    mailbox: Mailbox,
    stop: CancellationToken,
    /// The window that is being matched; at most one.
    matching: JoinSet<Result<MatchOutcome, MatcherError>>,
    windows: WindowSchedule,
    /// The snapshot that is being saved; at most one.
    saving: JoinSet<()>,
    changes_since_snapshot: usize,
}

/// The task must end: another matcher has taken the market over, the market cannot be recovered, or the shutdown began
/// during a resync.
struct TaskStop;

impl MarketTask {
    /// The task of a market that was recovered from its journal.
    pub(crate) fn new(
        recovered: RecoveredMarket,
        context: MarketContext,
        mailbox: Mailbox,
        stop: CancellationToken,
    ) -> Self {
        mailbox.committed.send_replace(recovered.market.version());
        Self {
            state: MarketState { market: recovered.market, windows: 0, last: LastWindow::default() },
            windows: WindowSchedule::new(context.window_pace),
            context,
            mailbox,
            stop,
            matching: JoinSet::new(),
            saving: JoinSet::new(),
            changes_since_snapshot: usize::try_from(recovered.replayed).unwrap_or(usize::MAX),
        }
    }

    /// Runs until the market is stopped or fenced. Callers that still wait then get the reason as an error.
    pub(crate) async fn run(mut self) {
        let mut commands = Vec::with_capacity(COMMANDS_PER_RECORD_MAX);
        loop {
            let wake_at = self.wake_at();
            let matched = tokio::select! {
                // A fixed order keeps runs under virtual time equal.
                biased;
                () = self.context.fencing.cancelled() => return,
                () = self.stop.cancelled() => break,
                Some(matched) = self.matching.join_next() => Some(matched),
                count = self.mailbox.commands.recv_many(&mut commands, COMMANDS_PER_RECORD_MAX) => {
                    if count == 0 {
                        break;
                    }
                    None
                }
                () = sleep_until(wake_at) => None,
            };
            let matched = matched.map(|joined| {
                joined
                    .unwrap_or_else(|error| Err(MatcherError::Internal(format!("a window failed: {error}"))))
            });
            if let Err(TaskStop) = self.handle(std::mem::take(&mut commands), matched).await {
                return;
            }
            self.begin_window();
        }
        self.save_final_snapshot().await;
    }

    /// Decides everything that has arrived, appends it as one record, and only then replies and notifies.
    async fn handle(
        &mut self,
        commands: Vec<MarketCommand>,
        matched: Option<Result<MatchOutcome, MatcherError>>,
    ) -> Result<(), TaskStop> {
        let now = self.context.clock.now();
        if let Some(matched) = matched {
            self.finish_window(now, matched);
        }
        self.context.metrics.commands.add(commands.len() as u64);
        let mut replies = Vec::with_capacity(commands.len());
        for command in commands {
            tracing::trace!(market = %self.state.market.id(), command = command.name(), "executed");
            replies.push(execute(command, &mut self.state.market, now));
        }
        self.state.market.run_timers(now);
        match self.commit(now).await {
            Ok(effects) => {
                for reply in replies {
                    reply.send(Ok(&self.state));
                }
                self.publish(effects);
                Ok(())
            }
            Err(error) => {
                let unavailable = self.not_durable(&error);
                for reply in replies {
                    reply.send(Err(unavailable.clone()));
                }
                self.resync(&error).await
            }
        }
    }

    /// Appends the pending record, if there is one. Returns the effects of the decisions.
    async fn commit(&mut self, now: Timestamp) -> Result<Vec<Effect>, TripJournalError> {
        let market = &mut self.state.market;
        let Some(record) = market.take_record(now) else { return Ok(Vec::new()) };
        let changes = record.changes.len();
        let effects = self.context.append(market, record).await?;
        self.context.metrics.records.increment();
        self.mailbox.committed.send_replace(self.state.market.version());
        self.changes_since_snapshot += changes;
        self.save_snapshot_if_due();
        Ok(effects)
    }

    fn publish(&self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Notify { driver, notification } => self.context.outbox.put(driver, notification),
                Effect::TripChanged { trip } => {
                    let steps = self.state.market.trip(&trip).map_or(0, |trip| trip.steps.len());
                    self.context.watches.trip_changed(&trip, steps as u64);
                }
            }
        }
    }

    /// Returns when the task has work without a command: a timer, a window, or the regular check.
    fn wake_at(&self) -> Instant {
        let now = Instant::now();
        let mut at = now + TIMER_CHECK_INTERVAL;
        if let Some(due_ms) = self.state.market.next_due_ms() {
            let remaining = (due_ms - self.context.clock.now()).to_duration();
            at = at.min(now + remaining.min(TIMER_CHECK_INTERVAL));
        }
        match self.windows.at() {
            Some(window_at) if self.matching.is_empty() => at.min(window_at),
            _ => at,
        }
    }
}

impl Drop for MarketTask {
    fn drop(&mut self) {
        self.context.watches.close(self.state.market.id());
    }
}
