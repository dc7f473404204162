//! Travel times of what was found, and searches by them: the async shell of `soonest`. Times are computed on threads for
//! long work, as many at one time as there are cores.

use std::sync::Arc;
use std::thread::available_parallelism;

use kerb_geometry::{Circle, LatLng};
use kerb_ports::{DriverFilter, Error, Eta, TravelTimes};
use kerb_types::run_blocking;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::gather::Coverage;
use crate::query::{Query, Ranked};
use crate::service::Aggregator;
use crate::soonest::{Soonest, etas};

/// Of the time that is left, so much goes to each ring of drivers at most: a shard that does not answer leaves time to
/// compute the ways of those who were found elsewhere.
const RING_SHARE: f64 = 0.75;

/// Where travel times are computed.
pub(crate) struct Timer {
    times: Arc<dyn TravelTimes>,
    threads: Arc<Semaphore>,
}

/// A search by travel time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SoonestOf {
    /// Who is in it; its centre is the point.
    pub(crate) circle: Circle,
    /// How many.
    pub(crate) k: u32,
    /// Which.
    pub(crate) filter: DriverFilter,
}

impl Timer {
    pub(crate) fn new(times: Arc<dyn TravelTimes>) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { times, threads: Arc::new(Semaphore::new(cores)) }
    }

    /// Computes on a thread for long work; [`Error::DeadlineExceeded`] when it has not ended by then.
    async fn compute<T: Send + 'static>(
        &self,
        times: Arc<dyn TravelTimes>,
        deadline: Instant,
        compute: impl FnOnce(&dyn TravelTimes) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let threads = Arc::clone(&self.threads);
        let computing = async move {
            let thread = threads.acquire_owned().await.expect("it is never closed");
            let work = move || {
                // Held until the work ends, also when nobody waits for it any more.
                let _thread = thread;
                compute(&*times)
            };
            run_blocking(work).await
        };
        match timeout_at(deadline, computing).await {
            Ok(done) => done.map_err(|error| Error::Internal(format!("no travel times: {error}"))),
            Err(_) => Err(Error::DeadlineExceeded("travel times were not computed in time".to_owned())),
        }
    }
}

impl Aggregator {
    /// Answers the `k` soonest at a circle's centre, as [`Aggregator::find`] answers a search, but joins no other one.
    ///
    /// [`Error::DeadlineExceeded`]: no travel time was known by then.
    pub async fn find_soonest(
        &self,
        query: &Query,
        circle: Circle,
        k: u32,
        deadline: Instant,
    ) -> Result<Ranked, Error> {
        let _permit = self.admit()?;
        let filter = query.filter(self.now_ms());
        self.soonest_of(SoonestOf { circle, k, filter }, deadline).await
    }

    /// The time of each place's way to a point; [`Error::DeadlineExceeded`] when they were not computed by then.
    pub(crate) async fn etas(
        &self,
        from: Vec<LatLng>,
        point: LatLng,
        deadline: Instant,
    ) -> Result<Vec<Eta>, Error> {
        self.etas_by(Arc::clone(&self.timer().times), from, point, deadline).await
    }

    async fn etas_by(
        &self,
        times: Arc<dyn TravelTimes>,
        from: Vec<LatLng>,
        point: LatLng,
        deadline: Instant,
    ) -> Result<Vec<Eta>, Error> {
        self.timer().compute(times, deadline, move |times| etas(from, point, times)).await
    }

    /// The soonest ones, exactly for what the coverage speaks for and unless the answer says otherwise. Has no place among
    /// `searches_max`: how many there are at one time is the caller's to bound.
    ///
    /// [`Error::DeadlineExceeded`]: not even the first ring was timed by then. When a later one is not, what is known is
    /// answered, as not exact.
    pub(crate) async fn soonest_of(&self, search: SoonestOf, deadline: Instant) -> Result<Ranked, Error> {
        let timed_max = self.options().timed_drivers_max;
        let mut soonest = Soonest::new(search.circle, search.k, timed_max);
        // Speeds may be replaced between two rings: an order by both would be of neither.
        let times = Arc::clone(&self.timer().times).pinned();
        let mut coverage = None::<Coverage>;
        while let Some(ring) = soonest.ring() {
            let until =
                Instant::now() + deadline.saturating_duration_since(Instant::now()).mul_f64(RING_SHARE);
            let found = self.scatter(ring.clone(), search.filter, until).await;
            let is_first = coverage.is_none();
            coverage.get_or_insert_default().join(found.coverage);
            let from = found.hits.iter().map(|hit| hit.position).collect();
            match self.etas_by(Arc::clone(&times), from, search.circle.center(), deadline).await {
                Ok(etas) => soonest.read(found.hits, &etas, &*times),
                Err(Error::DeadlineExceeded(_)) if !is_first => break,
                Err(error) => return Err(error),
            }
        }
        let (timed, exact) = soonest.finish();
        let (hits, etas) = timed.into_iter().map(|timed| (timed.hit, timed.eta)).unzip();
        Ok(Ranked { hits, etas, coverage: coverage.unwrap_or_default(), exact })
    }
}
