//! Speeds that replace the limits of the streets: from a file, from a stream, from what was learned.
//!
//! [`Layers`] holds all of them, the nearest to the present on top, and gives the times of all arcs for an instant;
//! [`Engine::replace`](crate::engine::Engine::replace) brings them to the searches. [`LiveSpeeds`] does both for a running
//! node, when it is due.

mod file;
mod hour;
mod key;
mod layers;
mod listing;
mod live;
mod speed;
mod table;

pub use file::{SpeedRow, read_rows, read_speeds, write_speeds};
pub use hour::{HOURS, HourOfWeek, UtcOffset};
pub use key::{DirectionName, Segments, UnknownSegment};
pub use layers::{Counts, Layers};
pub use listing::{DirectionListing, listed, write_segments};
pub use live::{LiveSpeeds, SpeedChange, StreamedSpeed};
pub use speed::{SPEED_MAX_KMH, SPEED_MIN_KMH, Speed, SpeedError};
pub use table::SpeedTable;
