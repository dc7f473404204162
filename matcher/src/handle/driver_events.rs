//! The matcher as the port `DriverEvents`: the actions and the connections of drivers.

use futures::FutureExt;
use kerb_ports::{
    DriverAction, DriverEvents, DriverEventsError, DriverLocation, DriverNotification, PortFuture,
};
use kerb_trips::{TripId, TripState};
use kerb_types::DriverId;

use super::Matcher;
use crate::mailbox::MarketCommand;

impl DriverEvents for Matcher {
    fn act(
        &self,
        driver: DriverId,
        trip: TripId,
        action: DriverAction,
    ) -> PortFuture<'_, TripState, DriverEventsError> {
        async move {
            let market = self.0.market_of(&trip)?;
            Ok(market.execute(|reply| MarketCommand::Act { driver, trip, action, reply }).await?)
        }
        .boxed()
    }

    fn connected(&self, driver: DriverId) -> PortFuture<'_, Option<DriverNotification>, DriverEventsError> {
        async move {
            self.0.reservations.set_reachable(&driver);
            let Some(trip) = self.0.reservations.of(&driver) else { return Ok(None) };
            let market = self.0.market_of(&trip)?;
            Ok(market.execute(|reply| MarketCommand::DriverConnected { driver, reply }).await?)
        }
        .boxed()
    }

    fn unavailable(&self, driver: DriverId, trip: TripId) -> PortFuture<'_, (), DriverEventsError> {
        async move {
            let market = self.0.market_of(&trip)?;
            let command = |reply| MarketCommand::DriverUnavailable { driver, trip, reply };
            Ok(market.execute(command).await?)
        }
        .boxed()
    }

    fn disconnected(&self, driver: DriverId) -> PortFuture<'_, (), DriverEventsError> {
        async move {
            let Some(trip) = self.0.reservations.of(&driver) else { return Ok(()) };
            if self.has_another_stream(&driver).await {
                return Ok(());
            }
            let market = self.0.market_of(&trip)?;
            Ok(market.execute(|reply| MarketCommand::DriverDisconnected { driver, reply }).await?)
        }
        .boxed()
    }
}

impl Matcher {
    /// Whether the driver has another stream: a driver who changes nodes opens the new stream first.
    async fn has_another_stream(&self, driver: &DriverId) -> bool {
        let report = self.0.ingest_nodes.locate(std::slice::from_ref(driver)).await;
        report.locations.iter().flatten().any(|DriverLocation { connected, .. }| *connected)
    }
}
