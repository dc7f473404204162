//! The state that all streams and background tasks of an ingest node share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kerb_proto::status::status_of;
use kerb_types::{
    Catalog, Clock, DriverId, DriverProfile, DriverStatus, KnownDriver, KnownPosition, NodeId, Timestamp,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dispatch_client::DispatchClient;
use super::open_streams::{OpenStreamGuard, OpenStreams};
use super::outbox::Outbox;
use super::reserved_drivers::ReservedDrivers;
use super::validate::TimeWindow;
use crate::error::IngestError;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::replication::fanout::Fanout;
use crate::replication::resume_token::ResumeToken;
use crate::table::rate_limit::RateLimit;
use crate::table::{DriverTable, RegisteredDriver};

/// The shared state of an ingest node.
pub(crate) struct StreamContext {
    pub(crate) node_id: NodeId,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: Options,
    /// Rate limit of a driver app.
    pub(crate) driver_limit: RateLimit,
    /// Rate limit of each driver of a gateway.
    pub(crate) fleet_limit: RateLimit,
    pub(crate) table: Arc<DriverTable>,
    pub(crate) fanout: Arc<Fanout>,
    pub(crate) dispatch: DispatchClient,
    pub(crate) metrics: Arc<Metrics>,
    /// An index server is so far behind that drivers are asked to report less often.
    pub(crate) overloaded: AtomicBool,
    /// Cancelled at the shutdown: all streams end.
    pub(crate) stop: CancellationToken,
    /// The tasks of the streams. The shutdown waits for them.
    pub(crate) tasks: TaskTracker,
    pub(crate) open_streams: Arc<OpenStreams>,
    pub(crate) reserved: ReservedDrivers,
}

impl StreamContext {
    pub(crate) fn new(
        node_id: NodeId,
        catalog: Arc<Catalog>,
        clock: Arc<dyn Clock>,
        options: Options,
        table: DriverTable,
        dispatch: DispatchClient,
    ) -> Self {
        let metrics = Arc::new(Metrics::default());
        let table = Arc::new(table.with_order_ending_after(options.order_ends_after()));
        Self {
            node_id,
            catalog,
            clock,
            driver_limit: options.driver_limit(),
            fleet_limit: options.fleet_limit(),
            fanout: Arc::new(Fanout::new(table.sharding().shards())),
            open_streams: Arc::new(OpenStreams::new(Arc::clone(&table), Arc::clone(&metrics))),
            reserved: ReservedDrivers::new(Arc::clone(&table)),
            table,
            dispatch,
            options,
            overloaded: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            metrics,
        }
    }

    /// Returns the measurement times that a position may have now.
    pub(crate) fn window(&self) -> TimeWindow {
        TimeWindow { now: self.clock.now(), position_ttl_ms: self.options.position_ttl_ms() }
    }

    /// Returns the interval at which drivers must report now.
    pub(crate) fn reporting_interval_ms(&self) -> u32 {
        if self.overloaded.load(Ordering::Relaxed) {
            self.options.overload_reporting_interval_ms
        } else {
            self.options.reporting_interval_ms
        }
    }

    /// Registers the driver of a stream. An older stream of the same driver ends.
    pub(crate) fn connect(
        &self,
        profile: &DriverProfile,
        outbox: &Arc<Outbox>,
    ) -> Result<(RegisteredDriver, OpenStreamGuard), IngestError> {
        let number = self.open_streams.next_number();
        let driver = self.table.register(profile, |slot| {
            if let Some(older) = self.open_streams.replace(slot, number, outbox.clone()) {
                outbox.inherit(&older);
                let reason = format!("a newer stream of this driver was opened on node {}", self.node_id);
                older.end_now(status_of(&IngestError::Superseded(reason)));
            }
        })?;
        let guard = self.open_streams.guard(driver.slot, number);
        Ok((driver, guard))
    }

    /// Returns the outbox of this driver, if the driver has an open stream.
    pub(crate) fn outbox(&self, driver: &DriverId) -> Option<Arc<Outbox>> {
        self.open_streams.outbox(self.table.slot(driver)?)
    }

    /// Takes the resume token that the driver brought. The first report here evicts the index entry that the token's node has
    /// left.
    pub(crate) fn take_token(&self, driver: &RegisteredDriver, token: Option<&ResumeToken>) {
        let Some(token) = token else { return };
        self.table.set_last_sequence(driver, token.update_version.sequence);
        if token.node != self.node_id {
            self.fanout.expect_report(driver.slot, token.clone());
        }
    }

    /// Returns the token that a driver gets at its registration. The driver needs one before the first acknowledgement:
    /// this node may apply the first update and go down before it acknowledges.
    ///
    /// The token is as new as the driver's state here, or as the token that the driver brought.
    pub(crate) fn registration_token(
        &self,
        driver: &RegisteredDriver,
        brought: Option<ResumeToken>,
    ) -> ResumeToken {
        let known = self.table.state(driver.slot).map(|state| (state.update_version, state.shard));
        let brought = brought.map(|token| (token.update_version, token.shard));
        let (update_version, shard) = known.max(brought).unwrap_or_default();
        ResumeToken { node: self.node_id.clone(), shard, update_version }
    }

    /// Returns what the table holds of a driver.
    pub(crate) fn known_driver(&self, id: &DriverId) -> Option<KnownDriver> {
        let slot = self.table.slot(id)?;
        // The slot may have changed hands since the look-up.
        let profile = self.table.profile(slot).filter(|profile| profile.id == *id)?;
        let state = self.table.state(slot);
        let now = self.clock.now();
        let expired_before_ms = now - self.options.position_ttl_ms();
        let is_fresh = |time_ms: Timestamp| time_ms > expired_before_ms && !time_ms.is_ahead_of(now);
        Some(KnownDriver {
            profile,
            status: state.map_or(DriverStatus::Offline, |state| state.status),
            connected: self.open_streams.is_connected(slot),
            reserved: self.table.is_reserved(slot),
            searchable: state.is_some_and(|state| state.indexed && is_fresh(state.update_version.time)),
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
