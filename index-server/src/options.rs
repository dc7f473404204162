//! What can be set.

use kerb_types::FieldError;
use serde::{Deserialize, Serialize};

/// Settings of an index server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// A driver whose position is older than this, in milliseconds, leaves the index.
    pub position_ttl_ms: i64,
    /// How often gone drivers are looked for, in milliseconds.
    pub tick_ms: u64,
    /// Drivers that this server can hold, counting those that are introduced and not in it now. The memory is
    /// taken as they come, some 80 B for each.
    pub drivers_max: u32,
    /// Long searches that run at the same time, away from the threads that serve connections; further ones wait.
    pub long_searches_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { position_ttl_ms: 60_000, tick_ms: 250, drivers_max: 20_000_000, long_searches_max: 4 }
    }
}

impl Options {
    /// Checks what the types do not.
    pub fn check(&self) -> Result<(), FieldError> {
        let values = [
            ("tick_ms", self.tick_ms),
            ("drivers_max", u64::from(self.drivers_max)),
            ("long_searches_max", self.long_searches_max as u64),
        ];
        match values.into_iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err(FieldError::new(field, "0, must be at least 1")),
            None => Ok(()),
        }
    }
}
