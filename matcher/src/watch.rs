//! Watching a trip: its changes by number, none left out, and between them where its driver is, the newest alone.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use futures::stream::{self, Stream};
use kerb_geometry::LatLng;
use kerb_ports::{Error, Eta};
use kerb_trips::{MarketId, RiderId, TripId, TripStep};
use kerb_types::{DriverId, FieldError};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::mailbox::MarketHandle;
use crate::task::State;

/// News of a watched trip.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchUpdate {
    /// A change of state.
    Change {
        /// From 1, without gaps.
        number: u64,
        /// What changed.
        step: TripStep,
    },
    /// Where the driver is.
    Driver(TrackedPosition),
}

/// Where an assigned driver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedPosition {
    /// Who.
    pub driver: DriverId,
    /// Where.
    pub position: LatLng,
    /// When it was measured, milliseconds since the Unix epoch.
    pub measured_ms: i64,
    /// How long from there to the pickup, or to the drop-off once the rider is in the vehicle.
    pub eta: Eta,
}

/// The newest of a trip. Who comes late sees this and nothing before it.
#[derive(Clone, Debug, Default)]
struct LatestUpdate {
    /// Number of the newest change that was told of.
    number: u64,
    /// Grows when the trip is to be read even without a new number.
    again: u64,
    progress: Option<TrackedPosition>,
}

/// Trips that somebody watches.
pub(crate) struct TripWatches {
    trips: Mutex<HashMap<TripId, watch::Sender<LatestUpdate>, RandomState>>,
    trips_max: usize,
}

impl TripWatches {
    pub(crate) fn new(trips_max: usize) -> Self {
        Self { trips: Mutex::default(), trips_max }
    }

    /// The trip has so many changes now.
    pub(crate) fn changed(&self, trip: &TripId, number: u64) {
        if let Some(latest) = self.trips.lock().get(trip) {
            latest.send_modify(|latest| latest.number = latest.number.max(number));
        }
    }

    /// Where the trip's driver is now.
    pub(crate) fn driver_moved(&self, trip: &TripId, progress: TrackedPosition) {
        if let Some(latest) = self.trips.lock().get(trip) {
            latest.send_modify(|latest| latest.progress = Some(progress));
        }
    }

    /// The market was read from its journal: its trips may have changed untold.
    pub(crate) fn look_again(&self, market: &MarketId) {
        for (_, latest) in self.trips.lock().iter().filter(|(trip, _)| trip.market == *market) {
            latest.send_modify(|latest| latest.again += 1);
        }
    }

    /// The market has ended, and so have its watches.
    pub(crate) fn close(&self, market: &MarketId) {
        self.trips.lock().retain(|trip, _| trip.market != *market);
    }

    /// Somebody watches the trip.
    pub(crate) fn is_watched(&self, trip: &TripId) -> bool {
        self.trips.lock().contains_key(trip)
    }

    fn open(&self, trip: &TripId) -> Result<watch::Receiver<LatestUpdate>, Error> {
        let mut trips = self.trips.lock();
        if let Some(latest) = trips.get(trip) {
            return Ok(latest.subscribe());
        }
        if trips.len() >= self.trips_max {
            return Err(Error::Overloaded { what: "watched trips", limit: self.trips_max });
        }
        let (latest, receiver) = watch::channel(LatestUpdate::default());
        trips.insert(trip.clone(), latest);
        Ok(receiver)
    }

    /// A watcher has gone; the last one takes the entry along. Its receiver is dropped already.
    fn leave(&self, trip: &TripId) {
        let mut trips = self.trips.lock();
        if trips.get(trip).is_some_and(|latest| latest.receiver_count() == 0) {
            trips.remove(trip);
        }
    }
}

/// A watcher of one trip.
struct Watcher {
    rider: RiderId,
    trip: TripId,
    desk: MarketHandle,
    watches: Arc<TripWatches>,
    /// `None` only while it is dropped.
    latest: Option<watch::Receiver<LatestUpdate>>,
    /// Changes that were handed out.
    seen: u64,
    /// Read, and not handed out yet, newest first.
    steps: Vec<TripStep>,
    ended: bool,
    /// What was seen of the trip's newest.
    last: LatestUpdate,
}

/// Watches a rider's own trip, from the change after number `after` on, to its end.
///
/// [`Error::NotFound`] for an unknown trip and for another rider's; [`Error::Invalid`] for a number that has not come yet;
/// [`Error::Overloaded`] when too many are watched. The stream ends with an error when the market stops.
pub(crate) async fn watch(
    watches: Arc<TripWatches>,
    desk: MarketHandle,
    rider: RiderId,
    trip: TripId,
    after: u64,
) -> Result<impl Stream<Item = Result<WatchUpdate, Error>> + Send + 'static, Error> {
    let (asker, asked) = (rider.clone(), trip.clone());
    let look = move |state: &State| Ok(state.market.trip_of(&asker, &asked)?.steps.len() as u64);
    let newest = desk.look(look).await?;
    if after > newest {
        let text = format!("{after}, must be at most {newest}, the newest change");
        return Err(FieldError::new("after_number", text).into());
    }
    // Before the first reading: nothing falls between the two.
    let latest = watches.open(&trip)?;
    let mut watcher = Watcher {
        rider,
        trip,
        desk,
        watches,
        latest: Some(latest),
        seen: after,
        steps: Vec::new(),
        ended: false,
        last: LatestUpdate::default(),
    };
    watcher.read().await?;
    Ok(stream::unfold(Some(watcher), |watcher| async move {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(Some(news)) => Some((Ok(news), Some(watcher))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Watcher {
    async fn next(&mut self) -> Result<Option<WatchUpdate>, Error> {
        loop {
            if let Some(step) = self.steps.pop() {
                self.seen += 1;
                return Ok(Some(WatchUpdate::Change { number: self.seen, step }));
            }
            if self.ended {
                return Ok(None);
            }
            if let Some(progress) = self.wait().await? {
                return Ok(Some(WatchUpdate::Driver(progress)));
            }
        }
    }

    /// Until there is something new: reads the changes, or answers where the driver is.
    async fn wait(&mut self) -> Result<Option<TrackedPosition>, Error> {
        let latest = self.latest.as_mut().expect("it is there until the watcher is dropped");
        latest.changed().await.map_err(|_closed| self.desk.why_closed())?;
        let newest = latest.borrow_and_update().clone();
        let last = std::mem::replace(&mut self.last, newest);
        if self.last.number > self.seen || self.last.again != last.again {
            self.read().await?;
            return Ok(None);
        }
        Ok(self.last.progress.clone().filter(|progress| Some(progress) != last.progress.as_ref()))
    }

    async fn read(&mut self) -> Result<(), Error> {
        let (rider, id, seen) = (self.rider.clone(), self.trip.clone(), self.seen);
        let look = move |state: &State| {
            let trip = state.market.trip_of(&rider, &id)?;
            let seen = usize::try_from(seen).unwrap_or(usize::MAX);
            let steps: Vec<TripStep> = trip.steps.iter().skip(seen).rev().cloned().collect();
            Ok((steps, !trip.state.is_live()))
        };
        (self.steps, self.ended) = self.desk.look(look).await?;
        Ok(())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.latest = None;
        self.watches.leave(&self.trip);
    }
}
