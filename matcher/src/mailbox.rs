//! The mailbox of a market: commands in, replies out once the decisions are durable.

mod command;
mod fencing_token;
mod market_handle;
mod query;
mod rider_markets;

use std::time::Duration;

use kerb_trips::{MarketId, Version};
use kerb_types::NodeId;
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::MatcherError;

pub(crate) use command::{LocatedDrivers, MarketCommand};
pub(crate) use fencing_token::FencingToken;
pub(crate) use market_handle::{MarketHandle, MarketHandles};
pub use query::MarketReport;
pub(crate) use query::{AssignedTrip, MarketQuery, TripChanges, TripExplanationInput};
pub(crate) use rider_markets::RiderMarkets;

/// The reply channel of a command.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, MatcherError>>;

/// The market's side of its handles.
pub(crate) struct Mailbox {
    pub(crate) commands: mpsc::Receiver<MarketCommand>,
    /// The version of the newest durable record.
    pub(crate) committed: watch::Sender<Version>,
}

impl Mailbox {
    /// Opens the mailbox of a market on `node`. At most `commands_max` commands are queued, and a caller waits for
    /// `reply_timeout`.
    pub(crate) fn open(
        node: NodeId,
        market: MarketId,
        fencing: FencingToken,
        commands_max: usize,
        reply_timeout: Duration,
    ) -> (MarketHandle, Self) {
        let (sender, commands) = mpsc::channel(commands_max);
        let (committed, receiver) = watch::channel(Version::EMPTY);
        let handle = MarketHandle {
            node,
            market,
            commands: sender,
            committed: receiver,
            fencing,
            reply_timeout,
            commands_max,
        };
        (handle, Self { commands, committed })
    }
}
