//! Searches by travel time, and travel times of a result: the async shell of [`eta_knn`](super::eta_knn). Travel times are
//! computed on blocking threads, at most one per core at a time.

use std::sync::Arc;
use std::thread::available_parallelism;

use kerb_geometry::{Circle, LatLng};
use kerb_ports::{DriverFilter, Eta, TravelTimes};
use kerb_types::run_blocking;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::error::AggregatorError;
use crate::eta::eta_knn::{DriverStarts, NearestByEtaSearch, etas};
use crate::handle::Aggregator;
use crate::merge::Coverage;
use crate::query::{EtaRanking, Query};

/// Share of the remaining time that the search of one ring may take, so that a shard that does not answer leaves time for
/// the travel times of the drivers in other shards.
const RING_TIME_SHARE: f64 = 0.75;

/// Computes travel times on blocking threads.
pub(crate) struct TravelTimer {
    times: Arc<dyn TravelTimes>,
    threads: Arc<Semaphore>,
}

/// A validated query by travel time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EtaQuery {
    /// Only drivers within count; the center is the destination.
    pub(crate) circle: Circle,
    /// Number of drivers to return.
    pub(crate) k: u32,
    /// The drivers that count.
    pub(crate) filter: DriverFilter,
}

impl TravelTimer {
    pub(crate) fn new(times: Arc<dyn TravelTimes>) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { times, threads: Arc::new(Semaphore::new(cores)) }
    }

    /// Computes on a blocking thread; [`AggregatorError::DeadlineExceeded`] if that takes longer than the deadline.
    async fn compute<T: Send + 'static>(
        &self,
        times: Arc<dyn TravelTimes>,
        deadline: Instant,
        compute: impl FnOnce(&dyn TravelTimes) -> T + Send + 'static,
    ) -> Result<T, AggregatorError> {
        let threads = Arc::clone(&self.threads);
        let computing = async move {
            let thread = threads.acquire_owned().await.expect("it is never closed");
            let work = move || {
                // The permit moves into the work: it is held until the work ends, even if the caller has given up.
                let _thread = thread;
                compute(&*times)
            };
            run_blocking(work).await
        };
        match timeout_at(deadline, computing).await {
            Ok(done) => done.map_err(|error| AggregatorError::Internal(format!("no travel times: {error}"))),
            Err(_) => {
                Err(AggregatorError::DeadlineExceeded("travel times were not computed in time".to_owned()))
            }
        }
    }
}

impl Aggregator {
    /// Returns the `k` drivers with the least travel time to a circle's center, as [`Aggregator::find`] does by distance, but
    /// joins no other search.
    ///
    /// [`AggregatorError::DeadlineExceeded`]: no travel time was computed by then.
    pub async fn find_nearest_by_eta(
        &self,
        query: &Query,
        circle: Circle,
        k: u32,
        deadline: Instant,
    ) -> Result<EtaRanking, AggregatorError> {
        let _permit = self.admit()?;
        let filter = query.filter(self.now());
        self.nearest_by_eta(EtaQuery { circle, k, filter }, deadline).await
    }

    /// Returns the travel time from each driver to a point; [`AggregatorError::DeadlineExceeded`] if they were not
    /// computed by then.
    pub(crate) async fn etas(
        &self,
        from: DriverStarts,
        point: LatLng,
        deadline: Instant,
    ) -> Result<Vec<Eta>, AggregatorError> {
        self.etas_by(Arc::clone(&self.timer().times), from, point, deadline).await
    }

    async fn etas_by(
        &self,
        times: Arc<dyn TravelTimes>,
        from: DriverStarts,
        point: LatLng,
        deadline: Instant,
    ) -> Result<Vec<Eta>, AggregatorError> {
        self.timer().compute(times, deadline, move |times| etas(from, point, times)).await
    }

    /// Runs a search by travel time; the result is exact for its coverage unless it states otherwise. Takes no permit of
    /// `searches_max`: the caller bounds the number of searches in flight.
    ///
    /// [`AggregatorError::DeadlineExceeded`]: not even the first ring was timed by then. If a later ring is not, the result
    /// of the rings before is returned as not exact.
    pub(crate) async fn nearest_by_eta(
        &self,
        query: EtaQuery,
        deadline: Instant,
    ) -> Result<EtaRanking, AggregatorError> {
        let timed_max = self.options().timed_drivers_max;
        let mut search = NearestByEtaSearch::new(query.circle, query.k, timed_max);
        // Pinned: speeds may be replaced between two rings, and an order by two sets of speeds is exact for neither.
        let times = Arc::clone(&self.timer().times).pinned();
        let mut coverage = None::<Coverage>;
        while let Some(ring) = search.ring() {
            let until =
                Instant::now() + deadline.saturating_duration_since(Instant::now()).mul_f64(RING_TIME_SHARE);
            let found = self.scatter(ring.clone(), query.filter, until).await;
            let is_first = coverage.is_none();
            coverage.get_or_insert_default().join(found.coverage);
            let from = found.neighbors.iter().collect();
            match self.etas_by(Arc::clone(&times), from, query.circle.center(), deadline).await {
                Ok(etas) => search.read(found.neighbors, &etas, &*times),
                Err(AggregatorError::DeadlineExceeded(_)) if !is_first => break,
                Err(error) => return Err(error),
            }
        }
        let (timed, exact) = search.finish();
        let (neighbors, etas) = timed.into_iter().map(|timed| (timed.neighbor, timed.eta)).unzip();
        Ok(EtaRanking { neighbors, etas, coverage: coverage.unwrap_or_default(), exact })
    }
}
