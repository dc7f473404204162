//! Executes the commands of a market.

use crate::mailbox::{LocatedDrivers, MarketCommand};
use crate::market::Market;
use crate::task::pending_reply::PendingReply;

/// Executes a command. The decision changes the market at once; its reply waits until the decision is durable.
pub(super) fn execute(command: MarketCommand, market: &mut Market, now_ms: i64) -> PendingReply {
    match command {
        MarketCommand::Request { request, reply } => {
            PendingReply::Trip { decision: market.request(now_ms, request), reply }
        }
        MarketCommand::Cancel { rider, trip, reason, reply } => {
            let decision = market.cancel(now_ms, &rider, &trip, &reason).map(|()| trip);
            PendingReply::Trip { decision, reply }
        }
        MarketCommand::ForceCancel { trip, reason, reply } => {
            let decision = market.force_cancel(now_ms, &trip, &reason).map(|()| trip);
            PendingReply::Trip { decision, reply }
        }
        MarketCommand::SetPaused { paused, reply } => {
            market.set_paused(paused);
            PendingReply::Done { reply }
        }
        MarketCommand::Act { driver, trip, action, reply } => {
            PendingReply::TripState { decision: market.act(now_ms, &driver, &trip, &action), reply }
        }
        MarketCommand::DriverConnected { driver, reply } => {
            PendingReply::Assignment { assignment: market.driver_connected(&driver), reply }
        }
        MarketCommand::DriverDisconnected { driver, reply } => {
            market.driver_disconnected(now_ms, &driver);
            PendingReply::Done { reply }
        }
        MarketCommand::OfferUndeliverable { driver, trip, reply } => {
            market.offer_undeliverable(now_ms, &driver, &trip);
            PendingReply::Done { reply }
        }
        MarketCommand::DriversLocated { located, reply } => {
            update_drivers(market, now_ms, &located);
            PendingReply::Done { reply }
        }
        MarketCommand::Query(query) => PendingReply::Query(query),
    }
}

fn update_drivers(market: &mut Market, now_ms: i64, located: &LocatedDrivers) {
    market.drivers_moved(now_ms, &located.positions);
    for driver in &located.disconnected {
        market.driver_disconnected(now_ms, driver);
    }
    for driver in &located.connected {
        // The driver got the assignment when the stream was opened.
        market.driver_still_connected(driver);
    }
}
