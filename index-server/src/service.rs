//! The service: an [`Index`] with a clock, a membership and the ports of an index server.

use std::sync::Arc;
use std::time::Duration;

use kerb_ports::{
    Answer, Error, IndexAdmin, Membership, PositionSink, ReplicationStream, ShardQuery, ShardResult,
    ShardSearch, ShardStat, SourceRegistration,
};
use kerb_types::{Catalog, Clock, MembershipView, NodeId, Role, ShardId, Sharding, run_blocking};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::index::Index;
use crate::options::Options;
use crate::search::{Effort, Stop};
use crate::session::OpenSession;
use crate::store::epoch::READERS_MAX;

/// Leaves that a search reads on the thread that serves its caller: some 300 µs. A longer one starts again on a
/// thread for long work.
const QUICK_LEAVES_MAX: usize = 1_000;

/// What an index server needs to know and to ask.
pub struct Ports {
    /// This node.
    pub node: NodeId,
    /// As in all processes of the cluster.
    pub sharding: Sharding,
    /// As in all processes of the cluster.
    pub catalog: Catalog,
    /// Who is there, and which shards this node holds.
    pub membership: Arc<dyn Membership>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A running index server; clones are handles of the same one.
#[derive(Clone)]
pub struct IndexServer {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) index: Index,
    pub(crate) clock: Arc<dyn Clock>,
    node: NodeId,
    fingerprint: u64,
    /// Wakes sessions: there may be a wish, or a newer session.
    news: watch::Sender<()>,
    long_searches: Semaphore,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Inner {
    /// [`Error::Unavailable`] once the server is shutting down.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.stop.is_cancelled() {
            let reason = "it is shutting down".to_owned();
            return Err(Error::Unavailable { node: self.node.clone(), reason });
        }
        Ok(())
    }

    async fn take_view(&self, view: &MembershipView) -> Result<(), Error> {
        let held = view.shard_map.shards_of(&self.node);
        let live = view.with_role(Role::LocationIngest).filter(|node| node.live).map(|node| node.id.clone());
        let live: Vec<_> = live.collect();
        let lost = self.index.set_view(&held, &live)?;
        tracing::debug!(held = held.len(), lost = lost.len(), live = live.len(), "took a view");
        for shard in lost {
            self.index.drop_drivers(shard);
            tokio::task::yield_now().await;
        }
        self.news.send_replace(());
        Ok(())
    }
}

impl IndexServer {
    /// Starts the server's own tasks on the current runtime. It holds what the membership's current view says.
    pub async fn start(options: &Options, ports: Ports) -> Result<Self, Error> {
        let Ports { node, sharding, catalog, membership, clock } = ports;
        let inner = Arc::new(Inner {
            index: Index::new(options, sharding, clock.now_ms()),
            clock,
            node,
            fingerprint: sharding.fingerprint(&catalog),
            news: watch::Sender::new(()),
            long_searches: Semaphore::new(options.long_searches_max),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let mut views = membership.watch();
        let view = Arc::clone(&views.borrow_and_update());
        inner.take_view(&view).await?;
        inner.tasks.spawn(follow_views(Arc::clone(&inner), views));
        inner.tasks.spawn(keep_time(Arc::clone(&inner), Duration::from_millis(options.tick_ms.max(1))));
        Ok(Self { inner })
    }

    /// The core, for its counts and its memory.
    pub fn index(&self) -> &Index {
        &self.inner.index
    }

    /// Lets go of drivers who are gone at `now_ms` and of what ended sessions left. The server does it by itself
    /// every [`Options::tick_ms`].
    pub async fn tick(&self, now_ms: i64) {
        tick(&self.inner, now_ms).await;
    }

    /// Ends all sessions and the server's tasks; from now on every call is answered with [`Error::Unavailable`].
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        self.inner.news.send_replace(());
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Cancelled when the server shuts down.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.inner.stop
    }

    /// Runs a task that [`IndexServer::shutdown`] waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn(task);
    }

    fn too_late() -> Error {
        Error::DeadlineExceeded("the shards were not searched in time".to_owned())
    }

    async fn search_within(&self, query: ShardQuery, deadline: Instant) -> Result<ShardResult, Error> {
        self.inner.check_open()?;
        if Instant::now() >= deadline {
            return Err(Self::too_late());
        }
        match self.search_quickly(&query, deadline) {
            Err(Stop::TooLong) => self.search_long(query, deadline).await,
            answer => answer.map_err(error_of),
        }
    }

    fn search_quickly(&self, query: &ShardQuery, deadline: Instant) -> Result<ShardResult, Stop> {
        let late = || Instant::now() >= deadline;
        self.inner.index.search(query, &mut Effort::new(QUICK_LEAVES_MAX, &late))
    }

    async fn search_long(&self, query: ShardQuery, deadline: Instant) -> Result<ShardResult, Error> {
        let permit = self.inner.long_searches.acquire();
        let permit = tokio::time::timeout_at(deadline, permit).await;
        // The semaphore is never closed, so this is the time-out.
        let Ok(Ok(_permit)) = permit else { return Err(Self::too_late()) };
        let inner = Arc::clone(&self.inner);
        // Dropped with this future, when the caller goes away.
        let caller = CancellationToken::new();
        let (gone, _here) = (caller.clone(), caller.drop_guard());
        let search = run_blocking(move || {
            let given_up = || gone.is_cancelled() || inner.stop.is_cancelled() || Instant::now() >= deadline;
            inner.index.search(&query, &mut Effort::new(usize::MAX, &given_up))
        });
        let answer = search.await.map_err(|error| Error::Internal(format!("a search failed: {error}")))?;
        answer.map_err(error_of)
    }
}

fn error_of(stop: Stop) -> Error {
    match stop {
        Stop::Crowded => Error::Overloaded { what: "searches", limit: READERS_MAX },
        Stop::GivenUp => IndexServer::too_late(),
        Stop::TooLong | Stop::Contended => Error::Internal(format!("a search stopped: {stop:?}")),
    }
}

async fn follow_views(inner: Arc<Inner>, mut views: watch::Receiver<Arc<MembershipView>>) {
    while let Some(Ok(())) = inner.stop.run_until_cancelled(views.changed()).await {
        let view = Arc::clone(&views.borrow_and_update());
        if let Err(error) = inner.take_view(&view).await {
            tracing::error!(%error, "a view was not taken");
        }
    }
}

async fn keep_time(inner: Arc<Inner>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while inner.stop.run_until_cancelled(ticks.tick()).await.is_some() {
        tick(&inner, inner.clock.now_ms()).await;
    }
}

async fn tick(inner: &Inner, now_ms: i64) {
    inner.index.turn(now_ms);
    while inner.index.tidy_some(now_ms) {
        tokio::task::yield_now().await;
    }
}

impl PositionSink for IndexServer {
    fn open(&self, register: SourceRegistration) -> Answer<'_, Box<dyn ReplicationStream>> {
        Box::pin(async move {
            self.inner.check_open()?;
            if register.settings_fingerprint != self.inner.fingerprint {
                return Err(Error::Mismatch(format!(
                    "{} and {} run with other classes, capabilities or sharding",
                    register.node, self.inner.node
                )));
            }
            let session = self.inner.index.open(&register.node)?;
            let news = self.inner.news.subscribe();
            // The session before is to hear that it is superseded.
            self.inner.news.send_replace(());
            let session: Box<dyn ReplicationStream> =
                Box::new(OpenSession::new(Arc::clone(&self.inner), session, news));
            Ok(session)
        })
    }
}

impl ShardSearch for IndexServer {
    fn search(&self, query: ShardQuery, deadline: Instant) -> Answer<'_, ShardResult> {
        Box::pin(self.search_within(query, deadline))
    }
}

impl IndexAdmin for IndexServer {
    fn stats(&self) -> Answer<'_, Vec<ShardStat>> {
        Box::pin(async move {
            self.inner.check_open()?;
            Ok(self.inner.index.stats())
        })
    }

    fn resync(&self, shards: Vec<ShardId>) -> Answer<'_, Vec<ShardId>> {
        Box::pin(async move {
            self.inner.check_open()?;
            let shards = self.inner.index.begin_refill(&shards)?;
            // On a task of its own: a caller who goes away must not leave shards that nobody is asked to fill.
            let (inner, emptied) = (Arc::clone(&self.inner), shards.clone());
            let resync = self.inner.tasks.spawn(async move {
                for shard in &emptied {
                    inner.index.drop_drivers(*shard);
                    tokio::task::yield_now().await;
                }
                inner.index.wish(&emptied);
                inner.news.send_replace(());
            });
            resync.await.map_err(|error| Error::Internal(format!("a resync failed: {error}")))?;
            Ok(shards)
        })
    }
}
