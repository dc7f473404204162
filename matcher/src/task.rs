//! One market's task: takes commands, writes what was decided, and only then tells anybody.
//!
//! Commands that came together are written as one record. A record that is not known to be durable throws the market
//! away: it is read again from its journal. When somebody else has written there, another matcher has taken the market
//! over, and all markets of this one end.

mod resync;
mod snapshots;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use kerb_ports::{Error, NearbySearch, TravelTimes, TripJournal, TripJournalError};
use kerb_trips::Record;
use kerb_types::{Clock, NodeId};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::mailbox::{Command, FencingToken, Mailbox, Reply};
use crate::market::{Effect, Market, Reservations, Rules};
use crate::notify::driver_notifier::NotificationOutbox;
use crate::recovery::Recovered;
use crate::watch::TripWatches;
use crate::window::{MatchOutcome, WindowRules};

use windows::LastWindow;

/// Commands that are written as one record, at most.
const COMMANDS_A_RECORD_MAX: usize = 512;
/// The market is looked at this often even when nothing is due: the wall clock may have been set.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two attempts to read the market from its journal.
const RECOVER_PAUSE: Duration = Duration::from_secs(1);

/// A market and what its task remembers beside it.
pub(crate) struct State {
    pub(crate) market: Market,
    /// Windows matched since the start of this process.
    pub(crate) windows: u64,
    pub(crate) last: LastWindow,
}

/// What a market's task works with.
#[derive(Clone)]
pub(crate) struct MarketContext {
    pub(crate) node: NodeId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<dyn TripJournal>,
    pub(crate) search: Arc<dyn NearbySearch>,
    pub(crate) times: Arc<dyn TravelTimes>,
    pub(crate) reservations: Reservations,
    pub(crate) fencing: FencingToken,
    pub(crate) outbox: Arc<NotificationOutbox>,
    pub(crate) watches: Arc<TripWatches>,
    pub(crate) rules: Rules,
    /// Of windows that begin from now on; one for all markets.
    pub(crate) window_rules: Arc<Mutex<WindowRules>>,
    pub(crate) window: Duration,
    pub(crate) window_min: Duration,
    pub(crate) window_requests_max: usize,
    pub(crate) append_timeout: Duration,
    pub(crate) snapshot_every: usize,
}

impl MarketContext {
    /// Writes the record, and answers what is to be told once it is durable.
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

/// The task of one market.
pub(crate) struct MarketTask {
    state: State,
    context: MarketContext,
    counter: Mailbox,
    stop: CancellationToken,
    /// The window under way; one at most.
    matching: JoinSet<Result<MatchOutcome, Error>>,
    /// When the next window begins; `None` while nothing waits.
    window_at: Option<Instant>,
    /// The snapshot under way; one at most.
    saving: JoinSet<()>,
    changes_since_snapshot: usize,
}

/// The task ends: another matcher writes this market, or it was stopped while it had none to go on with.
struct Stopped;

impl MarketTask {
    /// For a market that was read from its journal.
    pub(crate) fn new(
        recovered: Recovered,
        context: MarketContext,
        counter: Mailbox,
        stop: CancellationToken,
    ) -> Self {
        counter.committed.send_replace(recovered.market.version());
        Self {
            state: State { market: recovered.market, windows: 0, last: LastWindow::default() },
            context,
            counter,
            stop,
            matching: JoinSet::new(),
            window_at: None,
            saving: JoinSet::new(),
            changes_since_snapshot: usize::try_from(recovered.replayed).unwrap_or(usize::MAX),
        }
    }

    /// Works until it is stopped or fenced. Who waits for an answer then learns why there is none.
    pub(crate) async fn run(mut self) {
        let mut commands = Vec::with_capacity(COMMANDS_A_RECORD_MAX);
        loop {
            let wake_at = self.wake_at();
            let matched = tokio::select! {
                biased;
                () = self.context.fencing.cancelled() => return,
                () = self.stop.cancelled() => break,
                Some(matched) = self.matching.join_next() => Some(matched),
                count = self.counter.commands.recv_many(&mut commands, COMMANDS_A_RECORD_MAX) => {
                    if count == 0 {
                        break;
                    }
                    None
                }
                () = sleep_until(wake_at) => None,
            };
            let matched = matched.map(|joined| {
                joined.unwrap_or_else(|error| Err(Error::Internal(format!("a window failed: {error}"))))
            });
            if let Err(Stopped) = self.turn(std::mem::take(&mut commands), matched).await {
                return;
            }
            self.begin_window();
        }
        self.save_at_the_end().await;
    }

    /// Decides everything, writes it as one record, and then tells.
    async fn turn(
        &mut self,
        commands: Vec<Command>,
        matched: Option<Result<MatchOutcome, Error>>,
    ) -> Result<(), Stopped> {
        let now_ms = self.context.clock.now_ms();
        if let Some(matched) = matched {
            self.take_window(now_ms, matched);
        }
        let replies: Vec<Reply> =
            commands.into_iter().map(|command| command(&mut self.state, now_ms)).collect();
        self.state.market.tick(now_ms);
        match self.commit(now_ms).await {
            Ok(effects) => {
                for reply in replies {
                    reply(Ok(&self.state));
                }
                self.tell(effects);
                Ok(())
            }
            Err(error) => {
                let answer = self.not_durable(&error);
                for reply in replies {
                    reply(Err(answer.clone()));
                }
                self.begin_again(&error).await
            }
        }
    }

    async fn commit(&mut self, now_ms: i64) -> Result<Vec<Effect>, TripJournalError> {
        let market = &mut self.state.market;
        let Some(record) = market.take_record(now_ms) else { return Ok(Vec::new()) };
        let changes = record.changes.len();
        let effects = self.context.append(market, record).await?;
        self.counter.committed.send_replace(self.state.market.version());
        self.changes_since_snapshot += changes;
        self.save_when_due();
        Ok(effects)
    }

    fn tell(&self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell { driver, news } => self.context.outbox.put(driver, news),
                Effect::Changed { trip } => {
                    let steps = self.state.market.trip(&trip).map_or(0, |trip| trip.steps.len());
                    self.context.watches.changed(&trip, steps as u64);
                }
            }
        }
    }

    /// When there is something to do without a command.
    fn wake_at(&self) -> Instant {
        let now = Instant::now();
        let mut at = now + LOOK_EVERY;
        if let Some(due_ms) = self.state.market.next_due_ms() {
            let in_ms = due_ms.saturating_sub(self.context.clock.now_ms()).max(0).unsigned_abs();
            at = at.min(now + Duration::from_millis(in_ms).min(LOOK_EVERY));
        }
        match self.window_at {
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
