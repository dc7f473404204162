//! The source of a travel time.

use serde::{Deserialize, Serialize};

/// The source of a travel time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TravelSource {
    /// Great-circle distance, a detour factor and one speed.
    StraightLine,
    /// A road network.
    Roads,
}
