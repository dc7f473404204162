//! Trips: which driver is sent to which request, and what becomes of it.
//!
//! Everything that decides is pure: `assign` gives drivers to requests, `market` decides about trips, `window` joins the
//! two. Around them is an async shell: one task a market writes each decision to the journal before anybody is told of
//! it.
//!
//! This crate knows no index and no engine: candidates, drivers and the journal are reached through fleet's ports.

mod driver_tracker;
pub mod error;
pub mod explain;
pub mod grpc;
mod handle;
mod mailbox;
pub mod market;
pub mod markets;
mod notify;
pub mod options;
pub mod quote;
mod recovery;
pub mod service;
pub mod subscription;
mod task;
pub mod watch;
pub mod window;

pub use error::StartError;
pub use explain::Explanation;
pub use handle::{MarketReport, Matcher, Ports};
pub use options::Options;
pub use quote::{Quote, QuoteRequest};
pub use subscription::{EventPosition, JournaledEvent};
pub use watch::{TrackedPosition, WatchUpdate};
