//! The aggregator as a value: built from options and ports, cloned as a handle.
//!
//! It has no task and no port of its own: what it does, its callers' tasks do. So there is nothing to start or to
//! stop, and dropping the last handle is its shutdown.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::Stream;
use futures::future::join_all;
use kerb_ports::{DriverFilter, Error, Membership, Peers, Search, ShardStat, TravelTimes};
use kerb_types::{Catalog, Clock, DriverId, FieldError, MembershipView, NodeId, Role, ShardId, Sharding};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, timeout_at};

use crate::driver_query::{Located, find_driver};
use crate::flight_key::FlightKey;
use crate::metrics::MetricsSnapshot;
use crate::options::Options;
use crate::query::{Found, Query};
use crate::rebuild::{Progress, rebuild};
use crate::scatter::{Engine, Scattering};
use crate::single_flight::SingleFlight;
use crate::travel::Timer;

/// What an aggregator is connected to.
#[derive(Clone)]
pub struct Ports {
    /// Who is there.
    pub membership: Arc<dyn Membership>,
    /// How to reach them.
    pub peers: Arc<dyn Peers>,
    /// The time that decides how old a position is.
    pub clock: Arc<dyn Clock>,
    /// How long ways take.
    pub times: Arc<dyn TravelTimes>,
}

/// A handle of an aggregator. Cheap to clone.
#[derive(Clone)]
pub struct Aggregator(Arc<Inner>);

struct Inner {
    options: Options,
    sharding: Sharding,
    catalog: Catalog,
    peers: Arc<dyn Peers>,
    clock: Arc<dyn Clock>,
    view: watch::Receiver<Arc<MembershipView>>,
    engine: Arc<Engine>,
    flights: SingleFlight<FlightKey, Arc<Found>>,
    searches: Semaphore,
    lookups: Semaphore,
    turn: AtomicUsize,
    /// Where travel times are computed.
    timer: Timer,
}

impl Aggregator {
    /// Checks the options.
    pub fn new(
        options: Options,
        sharding: Sharding,
        catalog: Catalog,
        ports: Ports,
    ) -> Result<Self, FieldError> {
        options.check()?;
        let engine = Arc::new(Engine::new(Arc::clone(&ports.peers), &options));
        Ok(Self(Arc::new(Inner {
            options,
            sharding,
            catalog,
            peers: ports.peers,
            clock: ports.clock,
            view: ports.membership.watch(),
            engine,
            flights: SingleFlight::new(Duration::from_micros(u64::from(options.join_window_us))),
            searches: Semaphore::new(options.searches_max as usize),
            lookups: Semaphore::new(options.lookups_max as usize),
            turn: AtomicUsize::new(0),
            timer: Timer::new(ports.times),
        })))
    }

    /// Answers a search, exactly for what its coverage speaks for, at the deadline at the latest.
    ///
    /// [`Error::Overloaded`]: too many searches are running. A server that does not answer is no error: its shards are
    /// missing from the coverage.
    pub async fn find(&self, query: Query, deadline: Instant) -> Result<Arc<Found>, Error> {
        let inner = &*self.0;
        let metrics = &inner.engine.metrics;
        let _permit = self.admit()?;
        let key = FlightKey::new(&query);
        let start = || inner.scatter(&query, deadline);
        let landed = inner.flights.run(key, Instant::now(), deadline, start).await?;
        let had_less_time = landed.joined.is_some_and(|flight| flight < deadline);
        let found = if had_less_time && !landed.value.coverage.is_complete() && Instant::now() < deadline {
            Arc::new(inner.scatter_alone(&query, deadline).await)
        } else {
            landed.value
        };
        metrics.searches.increment();
        metrics.joined.add(u64::from(landed.joined.is_some()));
        metrics.partial.add(u64::from(!found.coverage.is_complete()));
        Ok(found)
    }

    /// A place among the searches that run.
    pub(crate) fn admit(&self) -> Result<SemaphorePermit<'_>, Error> {
        let inner = &*self.0;
        inner.searches.try_acquire().map_err(|_full| {
            inner.engine.metrics.overloaded.increment();
            Error::Overloaded { what: "searches", limit: inner.options.searches_max as usize }
        })
    }

    /// Where travel times are computed.
    pub(crate) fn timer(&self) -> &Timer {
        &self.0.timer
    }

    /// Answers a search of exactly these drivers, as [`Aggregator::find`] does, but joins no other search and has no
    /// place among `searches_max`: how many there are at one time is the caller's to bound.
    pub(crate) async fn scatter(&self, search: Search, filter: DriverFilter, deadline: Instant) -> Found {
        let inner = &*self.0;
        let scattering = inner.scattering(search, filter, deadline);
        let found = Box::pin(inner.engine.search(scattering)).await;
        inner.engine.metrics.searches.increment();
        inner.engine.metrics.partial.add(u64::from(!found.coverage.is_complete()));
        found
    }

    /// What the fleet knows of a driver: see [`find_driver`].
    pub async fn driver(&self, id: DriverId, deadline: Instant) -> Result<Located, Error> {
        let inner = &*self.0;
        let Ok(_permit) = inner.lookups.try_acquire() else {
            return Err(Error::Overloaded { what: "lookups", limit: inner.options.lookups_max as usize });
        };
        let view = self.view();
        find_driver(&*inner.peers, &view, id, deadline).await
    }

    /// What every index server holds; `None` for one that did not answer within the operator's deadline.
    pub async fn shard_stats(&self) -> (Arc<MembershipView>, Vec<(NodeId, Option<Vec<ShardStat>>)>) {
        let inner = &*self.0;
        let view = self.view();
        let deadline = Instant::now() + Duration::from_millis(u64::from(inner.options.admin_deadline_ms));
        let stats = view.with_role(Role::IndexServer).map(|node| async {
            let answer = match inner.peers.index_server(&node.id) {
                Some(port) => timeout_at(deadline, port.stats()).await.ok().and_then(Result::ok),
                None => None,
            };
            (node.id.clone(), answer)
        });
        let stats = join_all(stats).await;
        (view, stats)
    }

    /// Empties and refills shards of an index server: see [`rebuild`].
    pub async fn rebuild(
        &self,
        node: &NodeId,
        shards: Vec<ShardId>,
    ) -> Result<impl Stream<Item = Result<Progress, Error>> + Send + use<>, Error> {
        let inner = &*self.0;
        let unknown = || Error::NotFound { what: "node", id: node.as_str().to_owned() };
        let server = inner.peers.index_server(node).ok_or_else(unknown)?;
        rebuild(server, shards, Duration::from_millis(u64::from(inner.options.rebuild_poll_ms))).await
    }

    /// The settings.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The classes and capabilities.
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// The clock's time, milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        self.0.clock.now_ms()
    }

    /// Returns what was counted since the start.
    pub fn metrics(&self) -> MetricsSnapshot {
        self.0.engine.metrics.snapshot()
    }

    /// The cluster as it is now.
    pub fn view(&self) -> Arc<MembershipView> {
        Arc::clone(&self.0.view.borrow())
    }
}

impl Inner {
    /// Independent of the handle and of its caller: whoever waits for it drives it.
    fn scatter(&self, query: &Query, deadline: Instant) -> impl Future<Output = Arc<Found>> + Send + use<> {
        let scattering = self.scattering_of(query, deadline);
        let engine = Arc::clone(&self.engine);
        async move { Arc::new(engine.search(scattering).await) }
    }

    async fn scatter_alone(&self, query: &Query, deadline: Instant) -> Found {
        let scattering = self.scattering_of(query, deadline);
        Box::pin(self.engine.search(scattering)).await
    }

    fn scattering_of(&self, query: &Query, deadline: Instant) -> Scattering {
        self.scattering(query.search.clone(), query.filter(self.clock.now_ms()), deadline)
    }

    fn scattering(&self, search: Search, filter: DriverFilter, deadline: Instant) -> Scattering {
        Scattering {
            shards: self.sharding.shards_for(&search.area()),
            search,
            filter,
            view: Arc::clone(&self.view.borrow()),
            turn: self.turn.fetch_add(1, Ordering::Relaxed),
            deadline,
        }
    }
}
