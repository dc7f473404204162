//! Between wire types and the fleet's own: `From` towards the wire, `TryFrom` from it.
//!
//! Whatever comes in is checked here, once: a refusal names the path of the field, the value and what would be
//! right. Garbage is an error, never a panic.

mod batch;
mod columns;
mod field;
mod frame;
mod known_driver;
mod public;
mod report;
mod search;
mod stats;

pub use columns::Columns;
pub use frame::{FromSink, FromSource};
pub use public::{driver_filter, public_position, public_status};
pub use report::Report;
