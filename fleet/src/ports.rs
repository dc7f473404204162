//! The traits at which services meet. A caller cannot tell an implementation in this process from a remote one.
//!
//! Futures are boxed, so that the choice can be made at run time. Dropping a future cancels the call.

use std::sync::Arc;

use futures::future::BoxFuture;
use kerb_spatial::LatLng;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::batch::{Control, Frame, SourceHello};
use crate::dispatch::{
    Drive, DriverAction, DriverNews, NearAnswers, NearQuestion, SoonAnswer, Table, TableQuestion, Whereabouts,
};
use crate::driver::KnownDriver;
use crate::error::Error;
use crate::id::{DriverId, NodeId, ShardId};
use crate::membership::MembershipView;
use crate::search::{ShardAnswer, ShardQuestion, ShardStat};
use crate::trip::{MarketId, Record, TripId, TripState, Version};

/// What a port's call comes to.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// Ingest → index server: takes an ingest node's positions. Soft state: nothing is durable, and a session that
/// breaks is opened again with the full part first.
pub trait PositionSink: Send + Sync {
    /// Opens a session. A second session of the same node supersedes the first.
    ///
    /// [`Error::Mismatch`]: the settings' fingerprints differ. [`Error::Unavailable`]: not reached.
    fn open(&self, hello: SourceHello) -> Answer<'_, Box<dyn PositionSession>>;
}

/// An open session. Frames are applied in order, each as a whole.
pub trait PositionSession: Send {
    /// Hands over a frame; resolves when the sink has taken it, which a slow sink delays: the bound of the queue
    /// is the session's. Any error ends the session; [`Error::Mismatch`] means that the frame broke the protocol,
    /// [`Error::Superseded`] that a newer session of this node is open.
    fn send(&mut self, frame: Frame) -> Answer<'_, ()>;

    /// Resolves when every frame sent so far is visible to searches.
    fn flush(&mut self) -> Answer<'_, ()>;

    /// The sink's next wish. Cancel-safe: a dropped call loses no wish.
    fn control(&mut self) -> Answer<'_, Control>;
}

/// Aggregator → index server: exact answers of shards.
pub trait ShardSearch: Send + Sync {
    /// Answers for all covered shards of the question before the deadline; the others are named in the answer.
    ///
    /// [`Error::DeadlineExceeded`], [`Error::Unavailable`], [`Error::Overloaded`]: ask a replica.
    fn search(&self, question: ShardQuestion, deadline: Instant) -> Answer<'_, ShardAnswer>;
}

/// Operator → index server.
pub trait IndexAdmin: Send + Sync {
    /// What each held shard holds.
    fn stats(&self) -> Answer<'_, Vec<ShardStat>>;

    /// Empties these shards (all when the list is empty) and asks every open session for its part again. Until
    /// it has come the shards are not covered. Answers the shards; [`Error::Invalid`] for one that is not held.
    fn refill(&self, shards: Vec<ShardId>) -> Answer<'_, Vec<ShardId>>;
}

/// All that an index server offers.
pub trait IndexServer: PositionSink + ShardSearch + IndexAdmin {}

impl<T: PositionSink + ShardSearch + IndexAdmin> IndexServer for T {}

/// Aggregator → ingest node: the driver table.
pub trait DriverLookup: Send + Sync {
    /// What the node knows; `None` when it does not know the driver.
    fn lookup(&self, id: DriverId) -> Answer<'_, Option<KnownDriver>>;
}

/// Matcher → ingest node: the streams of its drivers.
pub trait DriverChannel: Send + Sync {
    /// Puts news before the driver. False: no stream of this driver is open at this node.
    fn tell(&self, driver: DriverId, news: DriverNews) -> Answer<'_, bool>;

    /// What the node knows of each of `drivers`, in their order; `None` for one that it does not know.
    fn whereabouts(&self, drivers: Vec<DriverId>) -> Answer<'_, Vec<Option<Whereabouts>>>;
}

/// All that an ingest node offers.
pub trait IngestNode: DriverLookup + DriverChannel {}

impl<T: DriverLookup + DriverChannel> IngestNode for T {}

/// Ingest node → matcher: what drivers do, and whether they are there.
pub trait DriverDesk: Send + Sync {
    /// A driver acts on a trip. Answers where the trip stands once that is durable.
    ///
    /// [`Error::NotFound`]: no such trip. [`Error::FailedPrecondition`]: the trip does not take it, or is another
    /// driver's. [`Error::Unavailable`], [`Error::Overloaded`], [`Error::DeadlineExceeded`]: the outcome is unknown, send
    /// it again.
    fn act(&self, driver: DriverId, trip: TripId, action: DriverAction) -> Answer<'_, TripState>;

    /// A stream of the driver was opened. Answers what the driver is to know, if anything.
    fn connected(&self, driver: DriverId) -> Answer<'_, Option<DriverNews>>;

    /// The driver's last stream at a node ended.
    fn disconnected(&self, driver: DriverId) -> Answer<'_, ()>;
}

/// Matcher → aggregator: candidates around many points at once.
pub trait NearbySearch: Send + Sync {
    /// Answers each question, in their order, at the deadline at the latest. What a shard did not answer in time is
    /// missing from the answer, and said by `complete`.
    fn nearest(&self, questions: Vec<NearQuestion>, deadline: Instant) -> Answer<'_, NearAnswers>;

    /// As [`NearbySearch::nearest`], of those within the radius who need the least time to the point.
    ///
    /// [`Error::DeadlineExceeded`]: no travel time was known by then.
    fn soonest(&self, question: NearQuestion, deadline: Instant) -> Answer<'_, SoonAnswer>;
}

/// Matcher and aggregator → travel times. Computed by the caller's thread: a call for many legs belongs on one for long
/// work. Times may be replaced between two calls; what one call answers is of one set of times, and so is all that a
/// [`TravelTimes::pinned`] value answers.
pub trait TravelTimes: Send + Sync {
    /// The times as they are now, for who asks several questions that belong together. Not to be kept: they grow old.
    fn pinned(self: Arc<Self>) -> Arc<dyn TravelTimes>;

    /// The time of each leg, in their order.
    fn table(&self, question: &TableQuestion) -> Table;

    /// The way between two places. It takes as long as the leg between them.
    fn drive(&self, from: LatLng, to: LatLng) -> Drive;

    /// How far off, in a straight line, one can be and still come to `to` in less than `within_s` seconds; metres. No leg
    /// to there that begins farther away takes less than that. Not smaller for a longer time.
    fn reach_m(&self, to: LatLng, within_s: u32) -> f64;
}

/// All → engine: who is there.
pub trait Membership: Send + Sync {
    /// The current view and every change of it. Views may be skipped, never reordered.
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>>;
}

/// Where the other nodes' ports are. Cheap: connections are made on first use and kept.
pub trait Peers: Send + Sync {
    /// An index server of the view; `None` for an unknown one.
    fn index_server(&self, node: &NodeId) -> Option<Arc<dyn IndexServer>>;

    /// An ingest node of the view; `None` for an unknown one.
    fn ingest_node(&self, node: &NodeId) -> Option<Arc<dyn IngestNode>>;

    /// A matcher of the view; `None` for an unknown one.
    fn matcher(&self, node: &NodeId) -> Option<Arc<dyn DriverDesk>>;
}

/// Matcher → engine: the trips of each market, as one sequence of records that only grows.
///
/// A market's matcher is whoever appended last: a matcher that was paused, cut off or replaced does not know the newest
/// version, so it cannot append, and promises nobody anything. Nothing else is needed for that, no lease and no clock.
pub trait TripJournal: Send + Sync {
    /// Appends the record when `expected` is the market's newest version, and answers the new one, which is
    /// `expected + 1`, once the record is durable and can be read.
    ///
    /// Nothing was written: [`Error::Conflict`] names the newest version; [`Error::Overloaded`]: too many wait;
    /// [`Error::Invalid`]: the record is too large, or has a number that is not finite. On any other error, and when
    /// the future was dropped, it may have been: read, to find out, before the next append.
    fn append(&self, market: MarketId, expected: Version, record: Record) -> Answer<'_, Version>;

    /// The records after version `after`, in order and without a gap: `max` of them, or as many as there are.
    ///
    /// [`Error::Internal`]: a record is missing or damaged. It is never passed over, and no wrong one is answered.
    fn read(&self, market: MarketId, after: Version, max: usize) -> Answer<'_, Vec<(Version, Record)>>;

    /// The newest version; 0 for a market without records.
    fn version(&self, market: MarketId) -> Answer<'_, Version>;

    /// The markets that have records, in order.
    fn markets(&self) -> Answer<'_, Vec<MarketId>>;

    /// Keeps what a matcher makes of all records up to `version`, in its own bytes. Only a shortcut: the records are
    /// kept too. Replaces the snapshot of an older or the same version; a newer one stays.
    ///
    /// [`Error::Invalid`]: there is no such version yet, or the snapshot is too large.
    fn save_snapshot(&self, market: MarketId, version: Version, snapshot: Vec<u8>) -> Answer<'_, ()>;

    /// The newest snapshot, and which records it holds; `None` also for one that cannot be read.
    fn snapshot(&self, market: MarketId) -> Answer<'_, Option<(Version, Vec<u8>)>>;
}
