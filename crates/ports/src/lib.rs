//! The ports at which the services meet: traits, the messages that cross them, their errors, and the conformance
//! suites that every implementation runs.
//!
//! Implementations in this process and remote ones behave alike. Futures are boxed, so that `kerb/src/compose.rs` can
//! choose at run time. Dropping a future cancels the call. This crate does not depend on gRPC, engines or file formats.

pub mod driver_channel;
pub mod driver_events;
pub mod driver_lookup;
pub mod error;
pub mod index_admin;
pub mod membership;
pub mod nearby_search;
pub mod position_sink;
pub mod replication;
pub mod search;
pub mod shard_search;
pub mod travel_times;
pub mod trip_journal;

#[cfg(feature = "conformance")]
pub mod conformance;

use futures::future::BoxFuture;

pub use driver_channel::{DriverChannel, DriverLocation, DriverNotification, TripAssignment};
pub use driver_events::{DriverAction, DriverEvents};
pub use driver_lookup::{DriverLookup, IngestNode};
pub use error::{Detail, Error, ErrorCode, Failure, FromFailure, PortError, convert};
pub use index_admin::{IndexAdmin, IndexServer};
pub use membership::{Membership, Peers};
pub use nearby_search::{NearbyQuery, NearbyResult, NearbyResults, NearbySearch, NearestByEta};
pub use position_sink::{PositionSink, ReplicationStream};
pub use replication::{Batch, Control, Eviction, Frame, Slot, SlotBinding, SourceRegistration, Update};
pub use search::{Cursor, DriverFilter, Neighbor, Search, ShardQuery, ShardResult, ShardStat};
pub use shard_search::ShardSearch;
pub use travel_times::{Drive, Eta, Leg, TravelTimeQuery, TravelTimeTable, TravelTimes};
pub use trip_journal::{TripJournal, TripJournalError};

/// The future of a call to a port whose error is `E`.
pub type PortFuture<'a, T, E> = BoxFuture<'a, Result<T, E>>;

/// The future of a call to a port that has no error enum of its own yet.
pub type Answer<'a, T> = PortFuture<'a, T, Error>;
