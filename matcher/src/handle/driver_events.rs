//! The matcher as fleet's `DriverEvents`: what drivers do, and whether they are there.

use futures::FutureExt;
use kerb_ports::{Answer, DriverAction, DriverEvents, DriverLocation, DriverNotification, Error};
use kerb_trips::{TripId, TripState};
use kerb_types::DriverId;

use super::Matcher;

impl DriverEvents for Matcher {
    fn act(&self, driver: DriverId, trip: TripId, action: DriverAction) -> Answer<'_, TripState> {
        async move {
            let desk = self.desk_of(&trip)?;
            let decide =
                move |market: &mut crate::market::Market, now_ms| market.act(now_ms, &driver, &trip, &action);
            desk.decide(decide, |_, state| Ok(state)).await
        }
        .boxed()
    }

    fn connected(&self, driver: DriverId) -> Answer<'_, Option<DriverNotification>> {
        async move {
            let Some(trip) = self.0.reservations.of(&driver) else { return Ok(None) };
            let desk = self.desk_of(&trip)?;
            desk.decide(move |market, _| Ok(market.driver_connected(&driver)), |_, news| Ok(news)).await
        }
        .boxed()
    }

    fn disconnected(&self, driver: DriverId) -> Answer<'_, ()> {
        async move {
            let Some(trip) = self.0.reservations.of(&driver) else { return Ok(()) };
            if self.is_connected_elsewhere(&driver).await {
                return Ok(());
            }
            let desk = self.desk_of(&trip)?;
            let decide = move |market: &mut crate::market::Market, now_ms| {
                market.driver_disconnected(now_ms, &driver);
                Ok::<_, Error>(())
            };
            desk.decide(decide, |_, ()| Ok(())).await
        }
        .boxed()
    }
}

impl Matcher {
    /// The stream that ended may not be the driver's only one: a driver who changes nodes opens the new one first.
    async fn is_connected_elsewhere(&self, driver: &DriverId) -> bool {
        let located = self.0.drivers.locations(std::slice::from_ref(driver)).await;
        located.drivers.iter().flatten().any(|DriverLocation { connected, .. }| *connected)
    }
}
