//! Trips: their ids, events and records, and the pure state machine that decides which event is legal when.
//!
//! This crate has no clock, queue or disk. A matcher writes its decisions as a [`Record`] to a journal and applies them by
//! [`Trip::apply`]. Reading the journal again yields the same trips.

pub mod audit;
pub mod event;
mod finite;
pub mod id;
pub mod illegal;
pub mod machine;
mod receipt;
pub mod record;
pub mod request;
pub mod state;
pub mod steps;

pub use audit::{Audit, AuditReport, AuditSummary, Violation, ViolationKind};
pub use event::{CancelledBy, EventKind, ReturnReason, TripEvent};
pub use id::{IdempotencyKey, MarketId, RiderId, TripId};
pub use illegal::{IllegalEvent, IllegalReason};
pub use machine::{Meter, Offer, Outcome, TakeoverOffer, Trip, TripTimes};
pub use record::{Change, Record, Version};
pub use request::{Receipt, RideRequest};
pub use state::TripState;
pub use steps::{StepNote, TripStep};
