//! Runs identical searches that overlap in time once.
//!
//! **The rule.** A search joins a flight of an equal key if the flight
//! 1. started at most the *join window* (2 ms by default) before: the result misses no position that was visible
//!    longer ago than that, which is far less than the 100 ms for which ingest collects a batch; and
//! 2. ends no later than the search's own deadline. A joiner that has more time than its flight had may run its own
//!    search after a partial result; that is up to the caller, see [`FlightResult::joined`].
//!
//! Otherwise the search starts a flight of its own, which later searches may join.
//!
//! A flight has no task: its waiters poll it, so it ends when the last waiter is dropped. A flight that panics fails its
//! own waiters only. There are never more flights than waiters, which the caller bounds.

mod flight_key;

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::error::AggregatorError;

pub use flight_key::FlightKey;

type Flight<V> = BoxFuture<'static, Result<V, AggregatorError>>;

/// The flights of one kind of search.
pub struct SingleFlight<K, V: Clone> {
    window: Duration,
    flights: Arc<Mutex<Flights<K, V>>>,
}

struct Flights<K, V: Clone> {
    by_key: HashMap<K, Entry<V>, RandomState>,
    started: u64,
}

struct Entry<V: Clone> {
    number: u64,
    started: Instant,
    deadline: Instant,
    flight: WeakShared<Flight<V>>,
}

/// The result of a flight, own or joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlightResult<V> {
    /// The value that the flight returned, cloned for each caller.
    pub value: V,
    /// The deadline of the flight that was joined; `None` for an own flight.
    pub joined: Option<Instant>,
}

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// An empty set of flights. A flight can be joined until `window` after its start; never if `window` is zero.
    pub fn new(window: Duration) -> Self {
        let flights = Flights { by_key: HashMap::default(), started: 0 };
        Self { window, flights: Arc::new(Mutex::new(flights)) }
    }

    /// Joins a flight of `key`, or runs the one that `start` returns.
    pub async fn run<F>(
        &self,
        key: K,
        now: Instant,
        deadline: Instant,
        start: impl FnOnce() -> F,
    ) -> Result<FlightResult<V>, AggregatorError>
    where
        F: Future<Output = V> + Send + 'static,
    {
        if self.window.is_zero() {
            return Ok(FlightResult { value: guarded(start()).await?, joined: None });
        }
        if let Some((flight, joined)) = self.joinable(&key, now, deadline) {
            return Ok(FlightResult { value: flight.await?, joined: Some(joined) });
        }
        let value = self.launch(key, now, deadline, start()).await?;
        Ok(FlightResult { value, joined: None })
    }

    /// Returns the number of flights in the air.
    pub fn len(&self) -> usize {
        self.flights.lock().by_key.len()
    }

    /// Whether no flight is in the air.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a flight to join, and its deadline. The flight leaves the scope of the lock before it can be dropped, because
    /// dropping the last handle of a flight takes the lock again.
    fn joinable(&self, key: &K, now: Instant, deadline: Instant) -> Option<(Shared<Flight<V>>, Instant)> {
        let flights = self.flights.lock();
        let entry = flights.by_key.get(key)?;
        let joins = now.duration_since(entry.started) <= self.window && entry.deadline <= deadline;
        if joins { Some((entry.flight.upgrade()?, entry.deadline)) } else { None }
    }

    fn launch<F>(&self, key: K, started: Instant, deadline: Instant, flight: F) -> Shared<Flight<V>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flights = self.flights.lock();
        flights.started += 1;
        let number = flights.started;
        let entry_of = FlightGuard { key: key.clone(), number, flights: Arc::clone(&self.flights) };
        let shared = async move {
            let _entry_of = entry_of;
            guarded(flight).await
        }
        .boxed()
        .shared();
        let flight = shared.downgrade().expect("a flight that was not polled has not ended");
        flights.by_key.insert(key, Entry { number, started, deadline, flight });
        shared
    }
}

/// Turns a panic of the flight into an error for its waiters.
async fn guarded<V>(flight: impl Future<Output = V>) -> Result<V, AggregatorError> {
    let ended = AssertUnwindSafe(flight).catch_unwind().await;
    ended.map_err(|_payload| AggregatorError::Internal("the search panicked".to_owned()))
}

/// Removes a flight from the list when it has ended or its last waiter is gone.
struct FlightGuard<K: Eq + Hash, V: Clone> {
    key: K,
    number: u64,
    flights: Arc<Mutex<Flights<K, V>>>,
}

impl<K: Eq + Hash, V: Clone> Drop for FlightGuard<K, V> {
    fn drop(&mut self) {
        let by_key = &mut self.flights.lock().by_key;
        if by_key.get(&self.key).is_some_and(|entry| entry.number == self.number) {
            by_key.remove(&self.key);
        }
    }
}
