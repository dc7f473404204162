//! Executes the commands of a market.

use kerb_types::Timestamp;

use crate::mailbox::{LocatedDrivers, MarketCommand};
use crate::market::Market;
use crate::task::pending_reply::PendingReply;

/// Executes a command. The decision changes the market at once; its reply waits until the decision is durable.
pub(super) fn execute(command: MarketCommand, market: &mut Market, now: Timestamp) -> PendingReply {
    match command {
        MarketCommand::Request { request, live_in_others, reply } => PendingReply::Trip {
            decision: market.request_across_markets(now, request, live_in_others),
            reply,
        },
        MarketCommand::Cancel { rider, trip, reason, reply } => {
            let decision = market.cancel(now, &rider, &trip, &reason).map(|()| trip);
            PendingReply::Trip { decision, reply }
        }
        MarketCommand::ForceCancel { trip, reason, reply } => {
            let decision = market.force_cancel(now, &trip, &reason).map(|()| trip);
            PendingReply::Trip { decision, reply }
        }
        MarketCommand::SetPaused { paused, reply } => {
            market.set_paused(paused);
            PendingReply::Done { reply }
        }
        MarketCommand::Act { driver, trip, action, reply } => {
            PendingReply::TripState { decision: market.act(now, &driver, &trip, &action), reply }
        }
        MarketCommand::DriverConnected { driver, reply } => {
            PendingReply::Assignment { assignment: market.driver_connected(&driver), reply }
        }
        MarketCommand::DriverDisconnected { driver, reply } => {
            market.driver_disconnected(now, &driver);
            PendingReply::Done { reply }
        }
        MarketCommand::DriverUnavailable { driver, trip, reply } => {
            market.driver_unavailable(now, &driver, &trip);
            PendingReply::Done { reply }
        }
        MarketCommand::OfferUndeliverable { driver, trip, reply } => {
            market.offer_undeliverable(now, &driver, &trip);
            PendingReply::Done { reply }
        }
        MarketCommand::DriversLocated { located, reply } => {
            update_drivers(market, now, &located);
            PendingReply::Done { reply }
        }
        MarketCommand::Query(query) => PendingReply::Query(query),
    }
}

fn update_drivers(market: &mut Market, now: Timestamp, located: &LocatedDrivers) {
    market.drivers_moved(now, &located.positions);
    for driver in &located.disconnected {
        market.driver_disconnected(now, driver);
    }
    for driver in &located.connected {
        // The driver got the assignment when the stream was opened.
        market.driver_still_connected(driver);
    }
}
