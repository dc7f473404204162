//! Locates the drivers of assigned trips at an interval: runs the meters, finds disconnected drivers, and sends positions
//! to the watchers of their trips.

use std::sync::Arc;
use std::time::Duration;

use kerb_ports::{DriverLocation, Leg, TravelTimeQuery, TravelTimes};
use kerb_types::{DriverId, run_blocking};
use tokio::time::{MissedTickBehavior, interval};

use crate::drivers::ingest_nodes::{IngestNodes, LocationReport};
use crate::drivers::plausible_positions::PlausiblePositions;
use crate::error::MatcherError;
use crate::mailbox::{AssignedTrip, LocatedDrivers, MarketCommand, MarketHandle, MarketQuery};
use crate::trip_watch::{TrackedPosition, TripWatches};

/// The driver tracker of one market.
pub(crate) struct DriverTracker {
    pub(crate) market: MarketHandle,
    pub(crate) ingest_nodes: IngestNodes,
    pub(crate) watches: Arc<TripWatches>,
    pub(crate) times: Arc<dyn TravelTimes>,
    pub(crate) interval: Duration,
    pub(crate) positions: PlausiblePositions,
}

impl DriverTracker {
    /// Runs until the market stops.
    pub(crate) async fn run(mut self) {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.market.is_closed() {
            ticks.tick().await;
            if let Err(error) = self.track().await {
                tracing::debug!(%error, "the drivers of assigned trips were not tracked");
            }
        }
    }

    async fn track(&mut self) -> Result<(), MatcherError> {
        let assigned = self.market.query(|reply| MarketQuery::AssignedTrips { reply }).await?;
        if assigned.is_empty() {
            return Ok(());
        }
        let drivers: Vec<_> = assigned.iter().map(|assigned| assigned.driver.clone()).collect();
        let mut report = self.ingest_nodes.locate(&drivers).await;
        self.positions.retain_plausible(&drivers, &mut report.locations);
        self.update_watchers(&assigned, &report.locations).await?;
        let located = located_drivers(drivers, &report);
        self.market.execute(|reply| MarketCommand::DriversLocated { located, reply }).await
    }

    /// Sends the positions to watchers, with the travel time to the next stop. Trips without a watcher need no travel time.
    async fn update_watchers(
        &self,
        assigned: &[AssignedTrip],
        locations: &[Option<DriverLocation>],
    ) -> Result<(), MatcherError> {
        let mut query = TravelTimeQuery::default();
        let mut watched = Vec::new();
        for (assigned, location) in assigned.iter().zip(locations) {
            let position = location.and_then(|location| location.position);
            let Some((position, measured_ms)) = position.filter(|_| self.watches.is_watched(&assigned.trip))
            else {
                continue;
            };
            // The number of watched trips is an option of 32 bits.
            let index = watched.len() as u32;
            query.origins.push(position);
            query.destinations.push(assigned.destination);
            query.legs.push(Leg { origin: index, destination: index });
            watched.push((assigned, position, measured_ms));
        }
        if watched.is_empty() {
            return Ok(());
        }
        let times = Arc::clone(&self.times);
        let table = run_blocking(move || times.table(&query)).await;
        let table = table.map_err(|error| MatcherError::Internal(format!("no travel times: {error}")))?;
        for ((assigned, position, measured_ms), eta) in watched.into_iter().zip(table.etas()) {
            let tracked = TrackedPosition { driver: assigned.driver.clone(), position, measured_ms, eta };
            self.watches.driver_moved(&assigned.trip, tracked);
        }
        Ok(())
    }
}

/// Splits the drivers by connection. A driver without a stream counts as disconnected only if every node has answered.
fn located_drivers(drivers: Vec<DriverId>, report: &LocationReport) -> LocatedDrivers {
    let mut located = LocatedDrivers::default();
    for (driver, location) in drivers.into_iter().zip(&report.locations) {
        if let Some((position, measured_ms)) = location.and_then(|location| location.position) {
            located.positions.push((driver.clone(), position, measured_ms));
        }
        match location {
            Some(DriverLocation { connected: true, .. }) => located.connected.push(driver),
            _ if report.complete => located.disconnected.push(driver),
            _ => {}
        }
    }
    located
}
