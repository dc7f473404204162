//! Identical questions at the same time are asked once.
//!
//! **The rule.** A question joins a flight of an equal key when the flight
//! 1. started at most the *join window* (2 ms by default) before it: the answer misses no position that was visible
//!    longer ago than that, which is far less than the 100 ms for which ingest collects a batch; and
//! 2. ends no later than the question's own deadline. A joiner that has more time than its flight had, and gets a
//!    partial answer, asks for itself: whether it does is the caller's part, see [`Landed::joined`].
//!
//! Otherwise it starts a flight of its own, which is then the one to join.
//!
//! A flight has no task: whoever waits polls it, so it lives as long as anybody waits, and work nobody waits for
//! stops. A flight that panics fails those who wait for it and nobody else. There are never more flights than
//! waiters, which the caller bounds.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use kerb_ports::Error;
use parking_lot::Mutex;
use tokio::time::Instant;

type Flight<V> = BoxFuture<'static, Result<V, Error>>;

/// The flights of one kind of question.
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

/// How an answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed<V> {
    /// The answer.
    pub value: V,
    /// The deadline of the flight that was joined; `None` for one's own.
    pub joined: Option<Instant>,
}

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Flights are joined until `window` after their start; never when it is zero.
    pub fn new(window: Duration) -> Self {
        let flights = Flights { by_key: HashMap::default(), started: 0 };
        Self { window, flights: Arc::new(Mutex::new(flights)) }
    }

    /// The answer to `key`, of a flight that may be joined or of the one that `start` makes.
    pub async fn run<F>(
        &self,
        key: K,
        now: Instant,
        deadline: Instant,
        start: impl FnOnce() -> F,
    ) -> Result<Landed<V>, Error>
    where
        F: Future<Output = V> + Send + 'static,
    {
        if self.window.is_zero() {
            return Ok(Landed { value: guarded(start()).await?, joined: None });
        }
        if let Some((flight, joined)) = self.joinable(&key, now, deadline) {
            return Ok(Landed { value: flight.await?, joined: Some(joined) });
        }
        let value = self.launch(key, now, deadline, start()).await?;
        Ok(Landed { value, joined: None })
    }

    /// Flights that somebody waits for.
    pub fn len(&self) -> usize {
        self.flights.lock().by_key.len()
    }

    /// Nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The flight leaves the lock's scope before it can be dropped: dropping the last hold of one takes the lock.
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
        let entry_of = Landing { key: key.clone(), number, flights: Arc::clone(&self.flights) };
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

/// A panic becomes an answer for those who wait.
async fn guarded<V>(flight: impl Future<Output = V>) -> Result<V, Error> {
    let ended = AssertUnwindSafe(flight).catch_unwind().await;
    ended.map_err(|_payload| Error::Internal("the search panicked".to_owned()))
}

/// Takes a flight off the list when it has ended or nobody waits for it any more.
struct Landing<K: Eq + Hash, V: Clone> {
    key: K,
    number: u64,
    flights: Arc<Mutex<Flights<K, V>>>,
}

impl<K: Eq + Hash, V: Clone> Drop for Landing<K, V> {
    fn drop(&mut self) {
        let by_key = &mut self.flights.lock().by_key;
        if by_key.get(&self.key).is_some_and(|entry| entry.number == self.number) {
            by_key.remove(&self.key);
        }
    }
}
