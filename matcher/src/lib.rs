//! The matcher: assigns drivers to ride requests, and owns each trip to its end.
//!
//! `market` decides about trips, and `window` assigns drivers to requests; neither does I/O. An async shell runs them:
//! `task` is the one task of a market, which appends each decision to the journal before any client sees it. `mailbox`
//! carries commands to the task, `drivers` connects it with the ingest nodes, `trip_watch` and
//! `handle::event_subscription` stream its changes.
//!
//! The crate depends on no other service: it reaches drivers, travel times and the journal through the traits of
//! `kerb_ports`.

mod drivers;
mod error;
pub mod explain;
pub mod grpc;
mod handle;
mod mailbox;
pub mod market;
mod metrics;
pub mod options;
pub mod quote;
mod service;
mod task;
mod trip_watch;
pub mod window;

pub use error::MatcherError;
pub use explain::Explanation;
pub use handle::{EventPosition, JournaledEvent, Matcher};
pub use mailbox::MarketReport;
pub use metrics::MetricsSnapshot;
pub use options::Options;
pub use quote::{Quote, QuoteRequest};
pub use service::{Ports, StartError};
pub use task::RecoveryError;
pub use trip_watch::{TrackedPosition, WatchUpdate};
