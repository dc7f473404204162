//! Looks for the drivers under way, again and again: their meters run, who has gone is missed, and who watches sees them.

use std::sync::Arc;
use std::time::Duration;

use kerb_geometry::LatLng;
use kerb_ports::{DriverLocation, Error, Leg, TravelTimeQuery, TravelTimes};
use kerb_trips::{TripId, TripState};
use kerb_types::{DriverId, run_blocking};
use tokio::time::{MissedTickBehavior, interval};

use crate::mailbox::MarketHandle;
use crate::notify::ingest_nodes::{IngestNodes, LocatedDrivers};
use crate::task::State;
use crate::watch::{TrackedPosition, TripWatches};

/// What one market's following works with.
pub(crate) struct DriverTracker {
    pub(crate) desk: MarketHandle,
    pub(crate) drivers: IngestNodes,
    pub(crate) watches: Arc<TripWatches>,
    pub(crate) times: Arc<dyn TravelTimes>,
    pub(crate) every: Duration,
}

/// A driver under way.
struct Assigned {
    driver: DriverId,
    trip: TripId,
    /// Where the driver is to go.
    target: LatLng,
}

impl DriverTracker {
    /// Follows as long as the market goes on.
    pub(crate) async fn run(self) {
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.desk.is_closed() {
            ticks.tick().await;
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "drivers under way were not looked for");
            }
        }
    }

    async fn look(&self) -> Result<(), Error> {
        let assigned = self.desk.look(|state| Ok(assigned(state))).await?;
        if assigned.is_empty() {
            return Ok(());
        }
        let drivers: Vec<_> = assigned.iter().map(|assigned| assigned.driver.clone()).collect();
        let located = self.drivers.locations(&drivers).await;
        self.show(&assigned, &located.drivers).await?;
        let seen = Seen::of(drivers, &located);
        self.desk
            .decide(
                move |market, now_ms| {
                    market.drivers_moved(now_ms, &seen.positions);
                    seen.away.iter().for_each(|driver| market.driver_disconnected(now_ms, driver));
                    for driver in &seen.back {
                        // What it is to know was answered when its stream was opened.
                        market.driver_still_connected(driver);
                    }
                    Ok(())
                },
                |_, ()| Ok(()),
            )
            .await
    }

    /// Shows those who watch where their drivers are. A trip that nobody watches is not timed.
    async fn show(&self, assigned: &[Assigned], located: &[Option<DriverLocation>]) -> Result<(), Error> {
        let mut query = TravelTimeQuery::default();
        let mut shown = Vec::new();
        for (assigned, locations) in assigned.iter().zip(located) {
            let position = locations.and_then(|locations| locations.position);
            let Some((position, measured_ms)) = position.filter(|_| self.watches.is_watched(&assigned.trip))
            else {
                continue;
            };
            let place = shown.len() as u32;
            query.origins.push(position);
            query.destinations.push(assigned.target);
            query.legs.push(Leg { origin: place, destination: place });
            shown.push((assigned, position, measured_ms));
        }
        if shown.is_empty() {
            return Ok(());
        }
        let times = Arc::clone(&self.times);
        let timed = run_blocking(move || times.table(&query)).await;
        let table = timed.map_err(|error| Error::Internal(format!("ways were not timed: {error}")))?;
        for ((assigned, position, measured_ms), eta) in shown.into_iter().zip(table.etas()) {
            let progress = TrackedPosition { driver: assigned.driver.clone(), position, measured_ms, eta };
            self.watches.driver_moved(&assigned.trip, progress);
        }
        Ok(())
    }
}

fn assigned(state: &State) -> Vec<Assigned> {
    let assigned = state.market.assigned().map(|(driver, trip)| {
        let request = &trip.request;
        let target = if trip.state == TripState::OnTrip { request.dropoff } else { request.pickup };
        Assigned { driver: driver.clone(), trip: trip.id.clone(), target }
    });
    let mut assigned: Vec<_> = assigned.collect();
    // The market knows no order of its drivers; what is decided of them is to have one.
    assigned.sort_unstable_by_key(|assigned| assigned.trip.number);
    assigned
}

/// What a look came to.
struct Seen {
    positions: Vec<(DriverId, LatLng, i64)>,
    away: Vec<DriverId>,
    back: Vec<DriverId>,
}

impl Seen {
    /// Who is not connected is away only when every node has answered.
    fn of(drivers: Vec<DriverId>, located: &LocatedDrivers) -> Self {
        let mut seen = Self { positions: Vec::new(), away: Vec::new(), back: Vec::new() };
        for (driver, locations) in drivers.into_iter().zip(&located.drivers) {
            if let Some((position, measured_ms)) = locations.and_then(|locations| locations.position) {
                seen.positions.push((driver.clone(), position, measured_ms));
            }
            match locations {
                Some(DriverLocation { connected: true, .. }) => seen.back.push(driver),
                _ if located.complete => seen.away.push(driver),
                _ => {}
            }
        }
        seen
    }
}
