//! The options of an ingest node: plain values with defaults.

use std::path::PathBuf;
use std::time::Duration;

use kerb_types::limits::TIME_AHEAD_MAX_MS;
use kerb_types::{FieldError, Millis};
use serde::{Deserialize, Serialize};

use crate::table::DRIVERS_MAX;
use crate::table::rate_limit::RateLimit;

/// Options of an ingest node. Every field has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Folder of the driver table's store. `None`: the table is lost at a restart.
    pub data_dir: Option<PathBuf>,
    /// Maximum drivers in the table.
    pub drivers_max: usize,
    /// A driver that has not reported for this time leaves the index.
    pub position_ttl_ms: u32,
    /// Searches without an age of their own ignore older positions: an app that reports one gets a notice.
    pub stale_after_ms: u32,
    /// A driver that has not reported for this time leaves the table.
    pub retention_s: u32,
    /// Interval at which drivers must report.
    pub reporting_interval_ms: u32,
    /// Interval at which drivers must report while the node is overloaded.
    pub overload_reporting_interval_ms: u32,
    /// The node is overloaded while more changes than this wait for one index server.
    pub overload_pending: usize,
    /// Updates per second that one driver app may send sustained. 0: no limit.
    pub driver_updates_per_s: u32,
    /// Updates that one driver app may send at once.
    pub driver_updates_burst: u32,
    /// Updates per second that a gateway may send sustained for each driver. 0: no limit.
    pub fleet_updates_per_s: u32,
    /// Updates that a gateway may send at once for each driver.
    pub fleet_updates_burst: u32,
    /// Maximum time until a driver app sends its registration; then its stream ends.
    pub register_timeout_ms: u32,
    /// Maximum time in which a driver app reads nothing although messages wait; then its stream ends.
    pub stall_timeout_ms: u32,
    /// Timeout of one call to the matcher.
    pub dispatch_timeout_ms: u32,
    /// Time between two batches to an index server.
    pub batch_interval_ms: u32,
    /// Timeout of one frame to an index server; then its replication stream is opened again.
    pub send_timeout_ms: u32,
    /// Maximum wait before a broken replication stream is opened again.
    pub reconnect_max_ms: u32,
    /// Time between two writes to the store. A kill loses up to this much.
    pub store_interval_ms: u32,
    /// Maximum time at the shutdown for the streams to end, and again for index servers to take the last changes.
    pub drain_timeout_ms: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data_dir: None,
            drivers_max: 16 * 1024 * 1024,
            position_ttl_ms: 60_000,
            stale_after_ms: 15_000,
            retention_s: 24 * 3600,
            reporting_interval_ms: 3_000,
            overload_reporting_interval_ms: 10_000,
            overload_pending: 500_000,
            driver_updates_per_s: 5,
            driver_updates_burst: 20,
            fleet_updates_per_s: 0,
            fleet_updates_burst: 20,
            register_timeout_ms: 10_000,
            stall_timeout_ms: 60_000,
            dispatch_timeout_ms: 5_000,
            batch_interval_ms: 100,
            send_timeout_ms: 30_000,
            reconnect_max_ms: 2_000,
            store_interval_ms: 500,
            drain_timeout_ms: 5_000,
        }
    }
}

impl Options {
    /// Checks the values. The error names the invalid option.
    pub fn validate(&self) -> Result<(), FieldError> {
        if self.drivers_max == 0 || self.drivers_max > DRIVERS_MAX {
            let text = format!("{}, must be 1 to {DRIVERS_MAX}", self.drivers_max);
            return Err(FieldError::new("drivers_max", text));
        }
        let positive = [
            ("position_ttl_ms", self.position_ttl_ms),
            ("retention_s", self.retention_s),
            ("reporting_interval_ms", self.reporting_interval_ms),
            ("overload_reporting_interval_ms", self.overload_reporting_interval_ms),
            ("driver_updates_burst", self.driver_updates_burst),
            ("fleet_updates_burst", self.fleet_updates_burst),
            ("register_timeout_ms", self.register_timeout_ms),
            ("stall_timeout_ms", self.stall_timeout_ms),
            ("dispatch_timeout_ms", self.dispatch_timeout_ms),
            ("batch_interval_ms", self.batch_interval_ms),
            ("send_timeout_ms", self.send_timeout_ms),
            ("reconnect_max_ms", self.reconnect_max_ms),
            ("store_interval_ms", self.store_interval_ms),
            ("drain_timeout_ms", self.drain_timeout_ms),
        ];
        match positive.into_iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err(FieldError::new(field, "0, must be 1 or more")),
            None => Ok(()),
        }
    }

    /// Returns the rate limit of a driver app.
    pub(crate) fn driver_limit(&self) -> RateLimit {
        RateLimit::new(self.driver_updates_per_s, self.driver_updates_burst)
    }

    /// Returns the rate limit of each driver of a gateway.
    pub(crate) fn fleet_limit(&self) -> RateLimit {
        RateLimit::new(self.fleet_updates_per_s, self.fleet_updates_burst)
    }

    pub(crate) fn position_ttl_ms(&self) -> Millis {
        Millis::from(self.position_ttl_ms)
    }

    pub(crate) fn stale_after_ms(&self) -> Millis {
        Millis::from(self.stale_after_ms)
    }

    /// Returns the time after which a silent driver's next update may have any sequence. The driver leaves the index after one
    /// position TTL, and index servers reject its older versions for another. Their clocks may differ.
    pub(crate) fn order_ends_after(&self) -> Millis {
        self.position_ttl_ms() + self.position_ttl_ms() + TIME_AHEAD_MAX_MS
    }

    pub(crate) fn retention_ms(&self) -> Millis {
        Millis::from_secs(i64::from(self.retention_s))
    }
}

/// Converts an option in milliseconds.
pub(crate) fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
