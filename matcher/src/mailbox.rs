//! A market's door: commands in, answers out once they are durable.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kerb_ports::Error;
use kerb_trips::{MarketId, Trip, TripId, Version};
use kerb_types::NodeId;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::market::Market;
use crate::task::State;

/// Decides, and answers what to say when that is durable.
pub(crate) type Command = Box<dyn FnOnce(&mut State, i64) -> Reply + Send>;
/// Says what a decision came to, in the state in which it is durable, or why it is not known to be.
pub(crate) type Reply = Box<dyn FnOnce(Result<&State, Error>) + Send>;

/// Where a market takes commands. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MarketHandle {
    node: NodeId,
    market: MarketId,
    commands: mpsc::Sender<Command>,
    committed: watch::Receiver<Version>,
    fencing: FencingToken,
    answer_timeout: Duration,
    commands_max: usize,
}

/// The desks of all markets.
pub(crate) type MarketHandles = Arc<BTreeMap<MarketId, MarketHandle>>;

/// Why a matcher's markets take no commands any more: another matcher has taken one of them over. One for all markets.
#[derive(Clone, Default)]
pub(crate) struct FencingToken {
    reason: Arc<OnceLock<String>>,
    token: CancellationToken,
}

impl FencingToken {
    /// Ends all markets; the first reason stands.
    pub(crate) fn because(&self, reason: String) {
        self.reason.get_or_init(|| reason);
        self.token.cancel();
    }

    /// Resolves when the markets are to end.
    pub(crate) async fn cancelled(&self) {
        self.token.cancelled().await;
    }
}

/// A market's side of its desk.
pub(crate) struct Mailbox {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) committed: watch::Sender<Version>,
}

impl MarketHandle {
    /// The desk of a market and its other side.
    pub(crate) fn open(
        node: NodeId,
        market: MarketId,
        fencing: FencingToken,
        commands_max: usize,
        answer_timeout: Duration,
    ) -> (Self, Mailbox) {
        let (sender, commands) = mpsc::channel(commands_max);
        let (committed, receiver) = watch::channel(0);
        let desk = Self {
            node,
            market,
            commands: sender,
            committed: receiver,
            fencing,
            answer_timeout,
            commands_max,
        };
        (desk, Mailbox { commands, committed })
    }

    /// Decides, and answers from the state in which the decision is durable.
    pub(crate) async fn decide<D: Send + 'static, A: Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Market, i64) -> Result<D, Error> + Send + 'static,
        answer: impl FnOnce(&State, D) -> Result<A, Error> + Send + 'static,
    ) -> Result<A, Error> {
        let (reply, answered) = oneshot::channel();
        let command: Command = Box::new(move |state, now_ms| {
            let decided = decide(&mut state.market, now_ms);
            Box::new(move |durable| {
                let said = durable.and_then(|state| answer(state, decided?));
                // A caller who has gone does not want it.
                drop(reply.send(said));
            })
        });
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => {
                Error::Overloaded { what: "commands of a market", limit: self.commands_max }
            }
            TrySendError::Closed(_) => self.why_closed(),
        })?;
        match timeout(self.answer_timeout, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(self.why_closed()),
            Err(_) => {
                let text = format!("market {} has not decided in {:?}", self.market, self.answer_timeout);
                Err(Error::DeadlineExceeded(text))
            }
        }
    }

    /// Looks at what is durable.
    pub(crate) async fn look<A: Send + 'static>(
        &self,
        look: impl FnOnce(&State) -> Result<A, Error> + Send + 'static,
    ) -> Result<A, Error> {
        self.decide(|_, _| Ok(()), |state, ()| look(state)).await
    }

    /// The newest durable version, and every later one; ends with the market.
    pub(crate) fn committed(&self) -> watch::Receiver<Version> {
        self.committed.clone()
    }

    /// The market takes no commands any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    /// What a caller is told who comes too late.
    pub(crate) fn why_closed(&self) -> Error {
        let reason = self.fencing.reason.get().cloned();
        let reason = reason.unwrap_or_else(|| format!("market {} is shutting down", self.market));
        Error::Unavailable { node: self.node.clone(), reason }
    }
}

/// A trip as it is.
pub(crate) fn trip_of(state: &State, id: &TripId) -> Result<Trip, Error> {
    state.market.trip(id).cloned().ok_or_else(|| unknown_trip(id))
}

/// There is no such trip.
pub(crate) fn unknown_trip(id: &TripId) -> Error {
    Error::NotFound { what: "trip", id: id.to_string() }
}
