//! The settings of an index server, and their checks.

use kerb_types::{FieldError, Millis};
use serde::{Deserialize, Serialize};

/// Settings of an index server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Milliseconds after which a position is too old and its driver leaves the index.
    pub position_ttl_ms: Millis,
    /// Milliseconds between two searches for expired drivers.
    pub maintenance_interval_ms: u64,
    /// Maximum number of drivers with a record, which includes registered drivers that are not in the index now. Memory
    /// is allocated as they register, some 80 B each.
    pub drivers_max: u32,
    /// Maximum number of long searches at the same time. They run on threads that serve no connections; further ones
    /// wait.
    pub long_searches_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            position_ttl_ms: Millis::new(60_000),
            maintenance_interval_ms: 250,
            drivers_max: 20_000_000,
            long_searches_max: 4,
        }
    }
}

impl Options {
    /// Checks what the types do not guarantee.
    pub fn validate(&self) -> Result<(), FieldError> {
        let values = [
            ("maintenance_interval_ms", self.maintenance_interval_ms == 0),
            ("drivers_max", self.drivers_max == 0),
            ("long_searches_max", self.long_searches_max == 0),
        ];
        match values.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((field, _)) => Err(FieldError::new(field, "0, must be at least 1")),
            None => Ok(()),
        }
    }
}
