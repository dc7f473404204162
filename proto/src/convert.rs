//! Conversions between wire types and the fleet's own types: `From` to the wire, `TryFrom` from it.
//!
//! `TryFrom` validates every received value once. An error names the path of the field, the value and what would be valid.
//! Arbitrary bytes lead to an error, never to a panic.

mod batch;
mod columns;
mod driver_notification;
mod driver_trip;
mod field;
mod frame;
mod known_driver;
mod polygon;
mod public;
mod report;
mod search;
mod stats;
mod trip;
mod trip_event;

pub use columns::Columns;
pub use driver_trip::{Act, action_name, action_outcome, action_result};
pub use frame::{SinkMessage, SourceMessage};
pub use public::{driver_filter, public_availability, public_position, public_status, public_travel_source};
pub use report::Report;
pub use trip::{public_receipt, public_state, public_step, public_trip, trip_state};
pub use trip_event::public_event;
