//! Between wire types and the fleet's own: `From` towards the wire, `TryFrom` from it.
//!
//! Whatever comes in is checked here, once: a refusal names the path of the field, the value and what would be
//! right. Garbage is an error, never a panic.

mod batch;
mod columns;
mod driver_trip;
mod field;
mod frame;
mod known_driver;
mod public;
mod report;
mod search;
mod stats;
mod task;
mod trip;
mod trip_event;

pub use columns::Columns;
pub use driver_trip::{Act, action_name, action_outcome, action_result};
pub use frame::{FromSink, FromSource};
pub use public::{driver_filter, public_position, public_status, public_travel_source};
pub use report::Report;
pub use trip::{public_receipt, public_state, public_step, public_trip, trip_state};
pub use trip_event::public_event;
