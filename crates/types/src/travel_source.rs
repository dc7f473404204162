//! What a travel time was computed from.

use serde::{Deserialize, Serialize};

/// What a travel time was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TravelSource {
    /// Great-circle distance, a detour factor and one speed.
    StraightLine,
    /// A road network.
    Roads,
}
