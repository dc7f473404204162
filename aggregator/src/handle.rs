//! The handle by which searches, look-ups and operators use an aggregator.

mod rebuild;

use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use futures::future::join_all;
use kerb_ports::{DriverFilter, IndexAdminError, Search, ShardStat};
use kerb_types::{Catalog, DriverId, FieldError, MembershipView, NodeId, Role, ShardId, Sharding, Timestamp};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::driver_query::{LocatedDriver, find_driver};
use crate::error::AggregatorError;
use crate::eta::eta_search::TravelTimer;
use crate::metrics::MetricsSnapshot;
use crate::options::Options;
use crate::query::{Query, SearchResult};
use crate::service::{Ports, Service};
use crate::single_flight::FlightKey;
use rebuild::rebuild;

pub use rebuild::RebuildProgress;

/// A handle of an aggregator. Cheap to clone; all clones share one service.
///
/// An aggregator has no task and no port of its own: its work runs in the tasks of its callers. So there is nothing to
/// start or to stop, and dropping the last handle shuts it down.
#[derive(Clone)]
pub struct Aggregator(Arc<Service>);

impl Aggregator {
    /// Builds an aggregator. The error names the option that is invalid.
    pub fn new(
        options: Options,
        sharding: Sharding,
        catalog: Catalog,
        ports: Ports,
    ) -> Result<Self, FieldError> {
        Ok(Self(Arc::new(Service::new(options, sharding, catalog, ports)?)))
    }

    /// Runs a search and returns the exact result for the shards that its coverage names, at the deadline at the latest.
    /// Joins an identical search in flight where that loses nothing.
    ///
    /// [`AggregatorError::Overloaded`]: too many searches are in flight. A server that does not answer is no error: the
    /// coverage misses its shards.
    pub async fn find(&self, query: Query, deadline: Instant) -> Result<Arc<SearchResult>, AggregatorError> {
        let service = &*self.0;
        let metrics = &service.executor.metrics;
        let _permit = self.admit()?;
        let key = FlightKey::new(&query);
        let start = || service.scatter(&query, deadline);
        let flight = service.flights.run(key, Instant::now(), deadline, start).await?;
        let had_less_time = flight.joined.is_some_and(|flight_deadline| flight_deadline < deadline);
        // A joined flight with less time may be partial where this caller still has time to get the rest.
        let found = if had_less_time && !flight.value.coverage.is_complete() && Instant::now() < deadline {
            Arc::new(service.scatter_alone(&query, deadline).await)
        } else {
            flight.value
        };
        metrics.searches.increment();
        metrics.joined.add(u64::from(flight.joined.is_some()));
        metrics.partial.add(u64::from(!found.coverage.is_complete()));
        Ok(found)
    }

    /// Takes a permit of the searches in flight.
    pub(crate) fn admit(&self) -> Result<SemaphorePermit<'_>, AggregatorError> {
        let service = &*self.0;
        service.searches.try_acquire().map_err(|_full| {
            service.executor.metrics.overloaded.increment();
            AggregatorError::Overloaded { what: "searches", limit: service.options.searches_max as usize }
        })
    }

    /// Waits for a permit of the batches in progress, until the deadline.
    pub(crate) async fn admit_batch(
        &self,
        deadline: Instant,
    ) -> Result<SemaphorePermit<'_>, AggregatorError> {
        let service = &*self.0;
        match timeout_at(deadline, service.batches.acquire()).await {
            Ok(permit) => Ok(permit.expect("it is never closed")),
            Err(_late) => {
                service.executor.metrics.overloaded.increment();
                let limit = service.options.batches_max as usize;
                Err(AggregatorError::Overloaded { what: "batches", limit })
            }
        }
    }

    /// Returns the lane that all batches share.
    pub(crate) fn batch_lane(&self) -> &Arc<Semaphore> {
        &self.0.batch_lane
    }

    /// Computes travel times.
    pub(crate) fn timer(&self) -> &TravelTimer {
        &self.0.timer
    }

    /// Runs a search with exactly this filter, as [`Aggregator::find`] does, but joins no other search and takes no permit
    /// of `searches_max`: the caller bounds the number of searches in flight.
    pub(crate) async fn scatter(
        &self,
        search: Search,
        filter: DriverFilter,
        deadline: Instant,
    ) -> SearchResult {
        let service = &*self.0;
        let request = service.request(search, filter, deadline);
        let found = Box::pin(service.executor.search(request)).await;
        service.executor.metrics.searches.increment();
        service.executor.metrics.partial.add(u64::from(!found.coverage.is_complete()));
        found
    }

    /// Looks up a driver at all ingest nodes: see [`find_driver`].
    pub async fn driver(&self, id: DriverId, deadline: Instant) -> Result<LocatedDriver, AggregatorError> {
        let service = &*self.0;
        let Ok(_permit) = service.lookups.try_acquire() else {
            return Err(AggregatorError::Overloaded {
                what: "lookups",
                limit: service.options.lookups_max as usize,
            });
        };
        let view = self.view();
        find_driver(&*service.peers, &view, id, deadline).await
    }

    /// Returns the shards that each index server holds; `None` for a server that did not answer within `admin_deadline_ms`.
    pub async fn shard_stats(&self) -> (Arc<MembershipView>, Vec<(NodeId, Option<Vec<ShardStat>>)>) {
        let service = &*self.0;
        let view = self.view();
        let deadline = Instant::now() + Duration::from_millis(u64::from(service.options.admin_deadline_ms));
        let stats = view.with_role(Role::IndexServer).map(|node| async {
            let answer = match service.peers.index_server(&node.id) {
                Some(port) => timeout_at(deadline, port.stats()).await.ok().and_then(Result::ok),
                None => None,
            };
            (node.id.clone(), answer)
        });
        let stats = join_all(stats).await;
        (view, stats)
    }

    /// Empties shards of an index server (all of them if the list is empty) and reports how they fill again. Dropping the
    /// stream ends the reports. The resync itself goes on at the index server.
    pub async fn rebuild(
        &self,
        node: &NodeId,
        shards: Vec<ShardId>,
    ) -> Result<impl Stream<Item = Result<RebuildProgress, IndexAdminError>> + Send + use<>, AggregatorError>
    {
        let service = &*self.0;
        let unknown = || AggregatorError::NotFound { what: "node", id: node.as_str().to_owned() };
        let server = service.peers.index_server(node).ok_or_else(unknown)?;
        Ok(rebuild(server, shards, Duration::from_millis(u64::from(service.options.rebuild_poll_ms))).await?)
    }

    /// Returns the shards of the cluster, in order.
    pub(crate) fn all_shards(&self) -> impl Iterator<Item = ShardId> {
        self.0.sharding.all()
    }

    /// Returns the settings.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Returns the vehicle classes and capabilities of the fleet.
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// Returns the clock's time in milliseconds since the Unix epoch.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Returns what was counted since the start.
    pub fn metrics(&self) -> MetricsSnapshot {
        self.0.executor.metrics.snapshot()
    }

    /// Returns the current membership of the cluster.
    pub fn view(&self) -> Arc<MembershipView> {
        Arc::clone(&self.0.view.borrow())
    }
}
