//! The handle of a market: sends commands and waits for their replies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kerb_trips::{MarketId, Version};
use kerb_types::NodeId;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::error::MatcherError;
use crate::mailbox::Reply;
use crate::mailbox::command::MarketCommand;
use crate::mailbox::fencing_token::FencingToken;
use crate::mailbox::query::MarketQuery;

/// A handle of a running market. Cheap to clone.
#[derive(Clone)]
pub(crate) struct MarketHandle {
    pub(super) node: NodeId,
    pub(super) market: MarketId,
    pub(super) commands: mpsc::Sender<MarketCommand>,
    pub(super) committed: watch::Receiver<Version>,
    pub(super) fencing: FencingToken,
    pub(super) reply_timeout: Duration,
    pub(super) commands_max: usize,
}

/// The handles of all markets.
pub(crate) type MarketHandles = Arc<BTreeMap<MarketId, MarketHandle>>;

impl MarketHandle {
    /// Sends a command and waits for its reply. `command` gets the reply channel.
    pub(crate) async fn execute<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> MarketCommand,
    ) -> Result<T, MatcherError> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(command(reply)).map_err(|error| match error {
            TrySendError::Full(_) => {
                MatcherError::Overloaded { what: "commands of a market", limit: self.commands_max }
            }
            TrySendError::Closed(_) => self.why_closed(),
        })?;
        match timeout(self.reply_timeout, answer).await {
            Ok(Ok(answer)) => answer,
            // The task dropped the reply channel: the market has stopped.
            Ok(Err(_)) => Err(self.why_closed()),
            Err(_) => {
                let text = format!("market {} has not decided in {:?}", self.market, self.reply_timeout);
                Err(MatcherError::DeadlineExceeded(text))
            }
        }
    }

    /// Sends a query and waits for its reply. `query` gets the reply channel.
    pub(crate) async fn query<T>(
        &self,
        query: impl FnOnce(Reply<T>) -> MarketQuery,
    ) -> Result<T, MatcherError> {
        self.execute(|reply| MarketCommand::Query(query(reply))).await
    }

    /// Returns a receiver of the newest durable version. It closes when the market stops.
    pub(crate) fn committed(&self) -> watch::Receiver<Version> {
        self.committed.clone()
    }

    /// Whether the market has stopped.
    pub(crate) fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    /// Returns the error for a command to a market that has stopped.
    pub(crate) fn why_closed(&self) -> MatcherError {
        let reason = self.fencing.reason().map(str::to_owned);
        let reason = reason.unwrap_or_else(|| format!("market {} is shutting down", self.market));
        MatcherError::Unavailable { node: self.node.clone(), reason }
    }
}
