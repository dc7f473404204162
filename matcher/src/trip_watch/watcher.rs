//! A watcher of one trip: a stream of its changes and of its driver's positions.

use std::sync::Arc;

use futures::stream::{self, Stream};
use kerb_trips::{RiderId, TripId, TripStep};
use kerb_types::FieldError;
use tokio::sync::watch;

use crate::error::MatcherError;
use crate::mailbox::{MarketHandle, MarketQuery};
use crate::trip_watch::trip_watches::{LatestUpdate, TrackedPosition, TripWatches};

/// An update of a watched trip.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchUpdate {
    /// The trip changed its state.
    Change {
        /// Number of the change: from 1, without gaps.
        number: u64,
        /// The state after the change, and its reason.
        step: TripStep,
    },
    /// The driver has a new position.
    Driver(TrackedPosition),
}

/// A watcher of one trip.
struct Watcher {
    rider: RiderId,
    trip: TripId,
    market: MarketHandle,
    watches: Arc<TripWatches>,
    /// `None` only while the watcher is dropped.
    latest: Option<watch::Receiver<LatestUpdate>>,
    /// Number of the last change that the stream returned.
    returned: u64,
    /// The changes that were read and not yet returned, newest first.
    unreturned: Vec<TripStep>,
    /// The trip has ended, and all of its changes were read.
    ended: bool,
    /// The latest update that the watcher has handled.
    handled: LatestUpdate,
}

/// Watches a rider's own trip from the change after number `after` to its end.
///
/// [`MatcherError::NotFound`] for an unknown trip and for another rider's; [`MatcherError::Invalid`] for a future
/// number; [`MatcherError::Overloaded`] when too many trips are watched. The stream ends with an error when the market
/// stops.
pub(crate) async fn watch_trip(
    watches: Arc<TripWatches>,
    market: MarketHandle,
    rider: RiderId,
    trip: TripId,
    after: u64,
) -> Result<impl Stream<Item = Result<WatchUpdate, MatcherError>> + Send + 'static, MatcherError> {
    let (own_rider, own_trip) = (rider.clone(), trip.clone());
    let newest =
        market.query(|reply| MarketQuery::ChangeCount { rider: own_rider, trip: own_trip, reply }).await?;
    if after > newest {
        let text = format!("{after}, must be at most {newest}, the newest change");
        return Err(FieldError::new("after_number", text).into());
    }
    // The subscription comes before the first read, so that no change falls between the two.
    let latest = watches.subscribe(&trip)?;
    let mut watcher = Watcher {
        rider,
        trip,
        market,
        watches,
        latest: Some(latest),
        returned: after,
        unreturned: Vec::new(),
        ended: false,
        handled: LatestUpdate::default(),
    };
    watcher.read_changes().await?;
    Ok(stream::unfold(Some(watcher), |watcher| async move {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(Some(update)) => Some((Ok(update), Some(watcher))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }))
}

impl Watcher {
    async fn next(&mut self) -> Result<Option<WatchUpdate>, MatcherError> {
        loop {
            if let Some(step) = self.unreturned.pop() {
                self.returned += 1;
                return Ok(Some(WatchUpdate::Change { number: self.returned, step }));
            }
            if self.ended {
                return Ok(None);
            }
            if let Some(tracked) = self.wait().await? {
                return Ok(Some(WatchUpdate::Driver(tracked)));
            }
        }
    }

    /// Waits for an update. Reads new changes, or returns a new position.
    async fn wait(&mut self) -> Result<Option<TrackedPosition>, MatcherError> {
        let latest = self.latest.as_mut().expect("it exists until the watcher is dropped");
        latest.changed().await.map_err(|_closed| self.market.why_closed())?;
        let newest = latest.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.handled, newest);
        if self.handled.number > self.returned || self.handled.resyncs != before.resyncs {
            self.read_changes().await?;
            return Ok(None);
        }
        Ok(self.handled.tracked.clone().filter(|tracked| Some(tracked) != before.tracked.as_ref()))
    }

    async fn read_changes(&mut self) -> Result<(), MatcherError> {
        let (rider, trip, after) = (self.rider.clone(), self.trip.clone(), self.returned);
        let changes = self.market.query(|reply| MarketQuery::Changes { rider, trip, after, reply }).await?;
        (self.unreturned, self.ended) = (changes.newest_first, changes.ended);
        Ok(())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The receiver goes first, so that the count of receivers is right.
        self.latest = None;
        self.watches.remove_if_unwatched(&self.trip);
    }
}
