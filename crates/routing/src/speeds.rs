//! Speeds that replace free flow: from a stream, from a file, and from a learned profile.
//!
//! [`SpeedLayers`] holds all of them in order of precedence and computes the times of all arcs at an instant.
//! [`Engine::replace`](crate::engine::Engine::replace) brings these times to the searches. [`LiveSpeeds`] does both for
//! a running node whenever speeds change.

mod direction_index;
mod file;
mod hour;
mod layers;
mod listing;
mod live;
mod speed;
mod table;

pub use direction_index::{DirectionIndex, DirectionName, UnknownSegment};
pub use file::{SpeedRow, read_rows, read_speeds, write_speeds};
pub use hour::{HOURS, HourOfWeek, UtcOffset};
pub use layers::{LayerCounts, SpeedLayers};
pub use listing::{DirectionListing, list_directions, write_segments};
pub use live::{LiveSpeeds, SpeedChange, StreamedSpeed};
pub use speed::{SPEED_MAX_KMH, SPEED_MIN_KMH, Speed, SpeedError};
pub use table::SpeedTable;
