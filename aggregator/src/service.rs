//! The state that all handles of an aggregator share, and how it starts a search.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use kerb_ports::{DriverFilter, Membership, Peers, Search, TravelTimes};
use kerb_types::{Catalog, Clock, FieldError, MembershipView, Sharding};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::eta::eta_search::TravelTimer;
use crate::options::Options;
use crate::query::{Query, SearchResult};
use crate::scatter::{Executor, ScatterRequest};
use crate::single_flight::{FlightKey, SingleFlight};

/// The ports that an aggregator depends on.
#[derive(Clone)]
pub struct Ports {
    /// The nodes of the cluster and the shard map.
    pub membership: Arc<dyn Membership>,
    /// Clients of the index servers and the ingest nodes.
    pub peers: Arc<dyn Peers>,
    /// The clock that decides how old a position is.
    pub clock: Arc<dyn Clock>,
    /// Travel times between positions.
    pub times: Arc<dyn TravelTimes>,
}

pub(crate) struct Service {
    pub(crate) options: Options,
    pub(crate) sharding: Sharding,
    pub(crate) catalog: Catalog,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) view: watch::Receiver<Arc<MembershipView>>,
    pub(crate) executor: Arc<Executor>,
    pub(crate) flights: SingleFlight<FlightKey, Arc<SearchResult>>,
    /// Permits of the searches in flight.
    pub(crate) searches: Semaphore,
    /// One permit for each task of a batch that may run at a time, so that a small search never waits for many of them.
    pub(crate) batch_lane: Arc<Semaphore>,
    /// Permits of the batches in progress.
    pub(crate) batches: Semaphore,
    /// Permits of the driver look-ups in flight.
    pub(crate) lookups: Semaphore,
    /// Rotates over equally good replicas.
    rotation: AtomicUsize,
    pub(crate) timer: TravelTimer,
}

impl Service {
    /// Validates the options and builds the state.
    pub(crate) fn new(
        options: Options,
        sharding: Sharding,
        catalog: Catalog,
        ports: Ports,
    ) -> Result<Self, FieldError> {
        options.validate()?;
        let executor = Arc::new(Executor::new(Arc::clone(&ports.peers), &options));
        Ok(Self {
            options,
            sharding,
            catalog,
            peers: ports.peers,
            clock: ports.clock,
            view: ports.membership.watch(),
            executor,
            flights: SingleFlight::new(Duration::from_micros(u64::from(options.join_window_us))),
            searches: Semaphore::new(options.searches_max as usize),
            batch_lane: Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))),
            batches: Semaphore::new(options.batches_max as usize),
            lookups: Semaphore::new(options.lookups_max as usize),
            rotation: AtomicUsize::new(0),
            timer: TravelTimer::new(ports.times),
        })
    }

    /// Starts a search whose future borrows neither the handle nor the caller, so that joined callers can share it.
    pub(crate) fn scatter(
        &self,
        query: &Query,
        deadline: Instant,
    ) -> impl Future<Output = Arc<SearchResult>> + Send + use<> {
        let request = self.request_of(query, deadline);
        let executor = Arc::clone(&self.executor);
        async move { Arc::new(executor.search(request).await) }
    }

    /// Runs a search for one caller alone.
    pub(crate) async fn scatter_alone(&self, query: &Query, deadline: Instant) -> SearchResult {
        let request = self.request_of(query, deadline);
        // Boxed: the future of a search is large, and its callers' futures would each contain it.
        Box::pin(self.executor.search(request)).await
    }

    fn request_of(&self, query: &Query, deadline: Instant) -> ScatterRequest {
        self.request(query.search.clone(), query.filter(self.clock.now()), deadline)
    }

    pub(crate) fn request(&self, search: Search, filter: DriverFilter, deadline: Instant) -> ScatterRequest {
        // After the deadline no shard is searched, so finding out which ones matter would be work for nothing.
        let is_late = Instant::now() >= deadline;
        let shards =
            if is_late { self.sharding.all().collect() } else { self.sharding.shards_for(&search.area()) };
        ScatterRequest {
            shards,
            search,
            filter,
            view: Arc::clone(&self.view.borrow()),
            // Relaxed: the number only spreads load, and no other memory depends on it.
            rotation: self.rotation.fetch_add(1, Ordering::Relaxed),
            deadline,
        }
    }
}
