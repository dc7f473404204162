//! The `[roads]` settings.

use std::fmt::Display;
use std::path::PathBuf;

use kerb_types::FieldError;
use serde::{Deserialize, Serialize};

/// The upper limit of `snap_max_m` in meters.
const SNAP_MAX_M: f64 = 10_000.0;
/// The largest offset of a local time from UTC in minutes.
const UTC_OFFSET_MAX_MIN: i16 = 840;
/// The upper limit of `speed_lifetime_max_ms`: 30 days in milliseconds.
const LIFETIME_MAX_MS: u32 = 2_592_000_000;

/// `[roads]`: travel times on real streets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoadsOptions {
    /// The road network that `kerb roads import` wrote. If unset, travel times are straight lines over a speed. A
    /// relative path starts in the working directory.
    pub file: Option<PathBuf>,
    /// The largest distance from a position to its street, in meters. Positions farther from every street are off the
    /// map and have straight-line travel times.
    pub snap_max_m: f64,
    /// A file of speeds, which override those of the profile. The node reads it again when it changes.
    pub speeds: Option<PathBuf>,
    /// A profile of speeds by hour of the week, as `kerb roads learn` writes it. The node reads it again
    /// when it changes.
    pub profile: Option<PathBuf>,
    /// The offset of the profile's local time from UTC in minutes: -840 to 840, positive to the east.
    pub utc_offset_min: i16,
    /// The lifetime in milliseconds of a streamed speed whose row does not state one.
    pub speed_lifetime_ms: u32,
    /// The longest lifetime of a streamed speed in milliseconds: at most 30 days.
    pub speed_lifetime_max_ms: u32,
}

impl Default for RoadsOptions {
    fn default() -> Self {
        Self {
            file: None,
            snap_max_m: 300.0,
            speeds: None,
            profile: None,
            utc_offset_min: 0,
            speed_lifetime_ms: 900_000,
            speed_lifetime_max_ms: 86_400_000,
        }
    }
}

impl RoadsOptions {
    /// Checks the values and returns every error.
    pub fn validate(&self) -> Vec<FieldError> {
        let snap = within("snap_max_m", self.snap_max_m, 1.0, SNAP_MAX_M);
        let offset = within("utc_offset_min", self.utc_offset_min, -UTC_OFFSET_MAX_MIN, UTC_OFFSET_MAX_MIN);
        let lifetime_max_ms = self.speed_lifetime_max_ms;
        let lifetime_max = within("speed_lifetime_max_ms", lifetime_max_ms, 1, LIFETIME_MAX_MS);
        let lifetime = within("speed_lifetime_ms", self.speed_lifetime_ms, 1, lifetime_max_ms);
        let without_roads = [("speeds", &self.speeds), ("profile", &self.profile)].map(|(field, path)| {
            let path = path.as_ref().filter(|_| self.file.is_none())?;
            Some(FieldError::new(field, format!("{}, needs a road network: roads.file", path.display())))
        });
        [snap, offset, lifetime_max, lifetime].into_iter().chain(without_roads).flatten().collect()
    }
}

fn within<T: Copy + PartialOrd + Display>(
    field: &'static str,
    value: T,
    min: T,
    max: T,
) -> Option<FieldError> {
    let is_right = min <= value && value <= max;
    (!is_right).then(|| FieldError::new(field, format!("{value}, must be {min} to {max}")))
}
