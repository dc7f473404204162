//! Trips: which driver is sent to which request, and what becomes of it.
//!
//! Everything that decides is pure: `assign` gives drivers to requests, `market` decides about trips, `window` joins the
//! two. Around them is an async shell: one task a market writes each decision to the journal before anybody is told of
//! it.
//!
//! This crate knows no index and no engine: candidates, drivers and the journal are reached through fleet's ports.

mod desk;
mod drivers;
pub mod error;
pub mod events;
pub mod explain;
mod follow;
pub mod grpc;
pub mod market;
pub mod markets;
pub mod options;
pub mod quote;
mod recover;
pub mod service;
mod task;
mod teller;
pub mod validate;
pub mod watch;
pub mod window;

pub use error::StartError;
pub use events::{EventPosition, JournalledEvent};
pub use explain::Explanation;
pub use options::Options;
pub use quote::{Quote, QuoteRequest};
pub use service::{MarketReport, Matcher, Ports};
pub use watch::{Progress, WatchNews};
