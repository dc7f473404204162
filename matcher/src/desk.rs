//! A market's door: commands in, answers out once they are durable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kerb_fleet::{Error, MarketId, NodeId, Trip, TripId, Version};
use parking_lot::Mutex;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::market::Market;
use crate::task::State;

/// Decides, and answers what to say when that is durable.
pub(crate) type Command = Box<dyn FnOnce(&mut State, i64) -> Reply + Send>;
/// Says what a decision came to, in the state in which it is durable, or why it is not known to be.
pub(crate) type Reply = Box<dyn FnOnce(Result<&State, Error>) + Send>;

/// Where a market takes commands. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    node: NodeId,
    market: MarketId,
    commands: mpsc::Sender<Command>,
    committed: watch::Receiver<Version>,
    closed: Closed,
    answer_timeout: Duration,
    commands_max: usize,
}

/// The desks of all markets.
pub(crate) type Desks = Arc<BTreeMap<MarketId, Desk>>;

/// Why a market takes no commands any more.
#[derive(Clone, Default)]
pub(crate) struct Closed(Arc<Mutex<Option<String>>>);

impl Closed {
    pub(crate) fn because(&self, reason: String) {
        *self.0.lock() = Some(reason);
    }
}

/// A market's side of its desk.
pub(crate) struct Counter {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) committed: watch::Sender<Version>,
    pub(crate) closed: Closed,
}

impl Desk {
    /// The desk of a market and its other side.
    pub(crate) fn open(
        node: NodeId,
        market: MarketId,
        commands_max: usize,
        answer_timeout: Duration,
    ) -> (Self, Counter) {
        let (sender, commands) = mpsc::channel(commands_max);
        let (committed, receiver) = watch::channel(0);
        let closed = Closed::default();
        let desk = Self {
            node,
            market,
            commands: sender,
            committed: receiver,
            closed: closed.clone(),
            answer_timeout,
            commands_max,
        };
        (desk, Counter { commands, committed, closed })
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

    /// What a caller is told who comes too late.
    pub(crate) fn why_closed(&self) -> Error {
        let reason = self.closed.0.lock().clone();
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
