//! The reassignment cooldown: a driver who lost a trip to a nearer driver keeps the next ones for a while.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use kerb_types::DriverId;

/// When drivers last lost a trip to a nearer driver. Expired entries stay until the next one is added.
#[derive(Default)]
pub(super) struct Cooldowns(HashMap<DriverId, i64, RandomState>);

impl Cooldowns {
    /// Records that the driver lost a trip, and removes expired entries.
    pub(super) fn begin(&mut self, driver: &DriverId, at_ms: i64, cooldown_ms: i64) {
        self.0.retain(|_, lost_ms| at_ms.saturating_sub(*lost_ms) < cooldown_ms);
        let lost_ms = self.0.entry(driver.clone()).or_insert(at_ms);
        *lost_ms = (*lost_ms).max(at_ms);
    }

    /// Whether the driver's last loss is less than the cooldown ago.
    pub(super) fn is_active(&self, driver: &DriverId, now_ms: i64, cooldown_ms: i64) -> bool {
        self.0.get(driver).is_some_and(|lost_ms| now_ms.saturating_sub(*lost_ms) < cooldown_ms)
    }
}
