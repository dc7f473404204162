//! A trip: its words, and the pure machine that says what may happen to it when.
//!
//! Nothing here has a clock, a queue or a disk. A matcher decides, writes its decisions as a [`Record`] to a journal,
//! and makes them so by [`Trip::apply`]; whoever reads the journal again comes to the same trips.

pub mod audit;
pub mod event;
pub mod id;
pub mod illegal;
pub mod machine;
pub mod record;
pub mod request;
pub mod state;
pub mod steps;

pub use audit::{Audit, AuditReport, AuditSummary, Violation, Wrong};
pub use event::{CancelledBy, EventKind, ReturnReason, TripEvent};
pub use id::{IdempotencyKey, MarketId, RiderId, TripId};
pub use illegal::{IllegalEvent, IllegalReason};
pub use machine::{Asked, Meter, Offer, Outcome, Trip, TripTimes};
pub use record::{Change, Record, Version};
pub use request::{Receipt, RideRequest};
pub use state::TripState;
pub use steps::{Step, StepNote};
