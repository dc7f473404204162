//! What all streams and tasks of an ingest node share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use dashmap::DashMap;
use foldhash::quality::RandomState;
use futures::FutureExt;
use kerb_ports::{Answer, DriverLookup, Error, Slot};
use kerb_types::{Catalog, Clock, DriverId, DriverProfile, DriverStatus, KnownDriver, KnownPosition, NodeId};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::counters::Counters;
use crate::desk::Desk;
use crate::dispatch::Links;
use crate::link::Horizon;
use crate::options::Options;
use crate::outbox::Outbox;
use crate::rate::RateLimit;
use crate::table::{DriverTable, Enrolled};
use crate::token::ResumeToken;
use crate::validate::TimeWindow;

/// An ingest node's insides.
pub(crate) struct IngestNode {
    pub(crate) id: NodeId,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: Options,
    pub(crate) driver_limit: RateLimit,
    pub(crate) fleet_limit: RateLimit,
    pub(crate) table: DriverTable,
    pub(crate) links: Links,
    pub(crate) desk: Desk,
    pub(crate) counters: Counters,
    /// A link has too much to send: drivers are asked to report less often.
    pub(crate) overloaded: AtomicBool,
    /// The node is going down: streams end.
    pub(crate) stop: CancellationToken,
    /// Streams that are served.
    pub(crate) streams: TaskTracker,
    open: DashMap<Slot, OpenStream, RandomState>,
    next_stream: AtomicU64,
}

/// A driver's own stream, as the next one of the same driver finds it.
struct OpenStream {
    number: u64,
    outbox: Arc<Outbox>,
}

/// A driver's own stream holds its driver by this.
pub(crate) struct Hold {
    node: Arc<IngestNode>,
    slot: Slot,
    number: u64,
}

impl IngestNode {
    pub(crate) fn new(
        id: NodeId,
        catalog: Arc<Catalog>,
        clock: Arc<dyn Clock>,
        options: Options,
        table: DriverTable,
        desk: Desk,
    ) -> Self {
        Self {
            id,
            catalog,
            clock,
            driver_limit: options.driver_limit(),
            fleet_limit: options.fleet_limit(),
            links: Links::new(table.sharding().shards()),
            table,
            desk,
            options,
            counters: Counters::default(),
            overloaded: AtomicBool::new(false),
            stop: CancellationToken::new(),
            streams: TaskTracker::new(),
            open: DashMap::default(),
            next_stream: AtomicU64::new(0),
        }
    }

    /// The times that a position may have now.
    pub(crate) fn window(&self) -> TimeWindow {
        TimeWindow { now_ms: self.clock.now_ms(), position_ttl_ms: self.options.position_ttl_ms() }
    }

    /// Which drivers belong in the index now.
    pub(crate) fn horizon(&self) -> Horizon {
        let now_ms = self.clock.now_ms();
        Horizon { now_ms, gone_before_ms: now_ms - self.options.position_ttl_ms() }
    }

    /// How often drivers are to report now.
    pub(crate) fn reporting_interval_ms(&self) -> u32 {
        if self.overloaded.load(Ordering::Relaxed) {
            self.options.overload_reporting_interval_ms
        } else {
            self.options.reporting_interval_ms
        }
    }

    /// Enrols the driver of a stream of its own: an older stream of the same driver ends.
    pub(crate) fn connect(
        self: &Arc<Self>,
        profile: &DriverProfile,
        outbox: &Arc<Outbox>,
    ) -> Result<(Enrolled, Hold), Error> {
        let number = self.next_stream.fetch_add(1, Ordering::Relaxed);
        let driver = self.table.enrol(profile, |slot| {
            let newer = OpenStream { number, outbox: outbox.clone() };
            if let Some(older) = self.open.insert(slot, newer) {
                self.counters.superseded.add(1);
                outbox.inherit(&older.outbox);
                let reason = format!("a newer stream of this driver was opened on node {}", self.id);
                older.outbox.end_now(kerb_proto::status::status_of(&Error::Superseded(reason)));
            }
        })?;
        self.counters.streams_open.add(1);
        let hold = Hold { node: self.clone(), slot: driver.slot, number };
        Ok((driver, hold))
    }

    /// Whether a stream of this driver is open.
    pub(crate) fn is_connected(&self, slot: Slot) -> bool {
        self.open.contains_key(&slot)
    }

    /// What waits for the app of this driver, while its stream is open.
    pub(crate) fn open_outbox(&self, slot: Slot) -> Option<Arc<Outbox>> {
        self.open.get(&slot).map(|open| open.outbox.clone())
    }

    /// The driver in this slot brought a token: another node's entry goes when the driver has reported here.
    pub(crate) fn take_token(&self, slot: Slot, token: Option<&ResumeToken>) {
        if let Some(token) = token.filter(|token| token.node != self.id) {
            self.links.expect(slot, token.clone());
        }
    }

    /// What a driver may carry to another node from the moment it is registered here: the node may apply its first update
    /// and go down before the driver hears of it. As new as what is known here, or the token that the driver brought.
    pub(crate) fn resume(&self, driver: &Enrolled, brought: Option<ResumeToken>) -> ResumeToken {
        let known = self.table.state(driver.slot).map(|state| (state.update_version, state.shard));
        let brought = brought.map(|token| (token.update_version, token.shard));
        let (update_version, shard) = known.max(brought).unwrap_or_default();
        ResumeToken { node: self.id.clone(), shard, update_version }
    }

    /// One driver of the table.
    pub(crate) fn known(&self, id: &DriverId) -> Option<KnownDriver> {
        let slot = self.table.slot(id)?;
        let profile = self.table.profile(slot).filter(|profile| profile.id == *id)?;
        let state = self.table.state(slot);
        let alive = |time_ms: i64| time_ms > self.horizon().gone_before_ms;
        Some(KnownDriver {
            profile,
            status: state.map_or(DriverStatus::Offline, |state| state.status),
            connected: self.is_connected(slot),
            searchable: state.is_some_and(|state| state.listed && alive(state.update_version.time_ms)),
            position: state.map(|state| KnownPosition {
                position: state.position,
                update_version: state.update_version,
                motion: state.motion,
                accuracy_dm: state.accuracy_dm,
                shard: state.shard,
            }),
        })
    }
}

impl DriverLookup for IngestNode {
    fn lookup(&self, id: DriverId) -> Answer<'_, Option<KnownDriver>> {
        futures::future::ready(Ok(self.known(&id))).boxed()
    }
}

impl Hold {
    /// Lets the driver go. Answers whether this was its last stream here.
    pub(crate) fn release(self) -> bool {
        self.remove()
    }

    fn remove(&self) -> bool {
        self.node.open.remove_if(&self.slot, |_, open| open.number == self.number).is_some()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.remove();
        self.node.counters.streams_open.sub(1);
    }
}
