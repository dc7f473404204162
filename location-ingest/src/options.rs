//! The settings of an ingest node: plain values with defaults.

use std::path::PathBuf;
use std::time::Duration;

use kerb_types::FieldError;
use serde::{Deserialize, Serialize};

use crate::rate::RateLimit;

/// Settings of an ingest node. Every field has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where the driver table is kept across restarts. None: nowhere.
    pub data_dir: Option<PathBuf>,
    /// Drivers in the table, at most.
    pub drivers_max: usize,
    /// A driver silent for so long leaves the index.
    pub position_ttl_ms: u32,
    /// A driver silent for so long is forgotten.
    pub retention_s: u32,
    /// How often drivers are asked to report.
    pub reporting_interval_ms: u32,
    /// How often they are asked to report while the node is overloaded.
    pub overload_reporting_interval_ms: u32,
    /// The node is overloaded while an index server has more changes than this to wait for.
    pub overload_pending: usize,
    /// Sustained updates a second that are taken from one driver. 0: no limit.
    pub driver_updates_per_s: u32,
    /// Updates that one driver may send at once.
    pub driver_updates_burst: u32,
    /// The same rate for each driver of a gateway. 0: no limit.
    pub fleet_updates_per_s: u32,
    /// The same burst for each driver of a gateway.
    pub fleet_updates_burst: u32,
    /// A driver's stream that has not said register by then is ended.
    pub register_timeout_ms: u32,
    /// A driver's stream whose client has read nothing for so long is ended.
    pub stall_timeout_ms: u32,
    /// A matcher that takes longer than this for one call is not waited for.
    pub dispatch_timeout_ms: u32,
    /// Time between two batches to an index server.
    pub batch_interval_ms: u32,
    /// An index server that takes longer than this for one frame is given up and connected again.
    pub send_timeout_ms: u32,
    /// An index server is connected again after a break within this time at the latest.
    pub reconnect_max_ms: u32,
    /// Time between two writes to the store: what a kill can lose.
    pub store_interval_ms: u32,
    /// At the shutdown, how long index servers have for what is left.
    pub drain_timeout_ms: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data_dir: None,
            drivers_max: 16 * 1024 * 1024,
            position_ttl_ms: 60_000,
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

/// Slots are 32-bit numbers; so many drivers take 8 GiB of entries.
pub(crate) const DRIVERS_MAX: usize = 1 << 27;

impl Options {
    /// Checks what the type does not.
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

    pub(crate) fn driver_limit(&self) -> RateLimit {
        RateLimit::new(self.driver_updates_per_s, self.driver_updates_burst)
    }

    pub(crate) fn fleet_limit(&self) -> RateLimit {
        RateLimit::new(self.fleet_updates_per_s, self.fleet_updates_burst)
    }

    pub(crate) fn position_ttl_ms(&self) -> i64 {
        i64::from(self.position_ttl_ms)
    }

    pub(crate) fn retention_ms(&self) -> i64 {
        i64::from(self.retention_s) * 1_000
    }
}

/// A setting in milliseconds.
pub(crate) fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}
