//! Watches of trips: a stream of a trip's changes and of its driver's positions.

mod trip_watches;
mod watcher;

pub use trip_watches::TrackedPosition;
pub(crate) use trip_watches::TripWatches;
pub use watcher::WatchUpdate;
pub(crate) use watcher::watch_trip;
