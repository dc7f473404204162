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

pub use driver_channel::{
    DriverChannel, DriverChannelError, DriverLocation, DriverNotification, TripAssignment,
};
pub use driver_events::{DriverAction, DriverEvents, DriverEventsError};
pub use driver_lookup::{DriverLookup, DriverLookupError, IngestNode};
pub use error::{Detail, ErrorCode, Failure, FromFailure, PortError, convert};
pub use index_admin::{IndexAdmin, IndexAdminError, IndexServer};
pub use membership::{Membership, Peers};
pub use nearby_search::{
    NearbyQuery, NearbyResult, NearbyResults, NearbySearch, NearbySearchError, NearestByEta,
};
pub use position_sink::{PositionSink, ReplicationError, ReplicationStream};
pub use replication::{Batch, Control, Eviction, Frame, Slot, SlotBinding, SourceRegistration, Update};
pub use search::{Cursor, DriverFilter, Neighbor, Search, ShardQuery, ShardResult, ShardStat};
pub use shard_search::{ShardSearch, ShardSearchError};
pub use travel_times::{Drive, Eta, Leg, TravelTimeQuery, TravelTimeTable, TravelTimes, UNREACHABLE_S};
pub use trip_journal::{TripJournal, TripJournalError};

/// The future of a call to a port whose error is `E`.
pub type PortFuture<'a, T, E> = BoxFuture<'a, Result<T, E>>;
