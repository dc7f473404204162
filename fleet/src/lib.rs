//! The vocabulary of the fleet: ids, drivers, positions, trips, shards, questions and errors, and the ports at
//! which the services meet.
//!
//! Nothing here knows gRPC, an engine or a file format. Values are valid once made.

pub mod batch;
pub mod catalog;
pub mod clock;
pub mod dispatch;
pub mod driver;
pub mod error;
pub mod id;
pub mod limits;
pub mod membership;
pub mod ports;
pub mod search;
pub mod sharding;
pub mod trip;
pub mod wheel;
pub mod work;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use batch::{Batch, Control, Forget, Frame, Introduction, Slot, SourceHello, Update};
pub use catalog::{Capabilities, Catalog, VehicleClass};
pub use clock::{Clock, ManualClock, RuntimeClock, Stopwatch, SystemClock};
pub use dispatch::{
    Drive, DriverAction, DriverNews, DriverTask, Eta, Leg, NearAnswer, NearAnswers, NearQuestion, SoonAnswer,
    Table, TableQuestion, TravelSource, Whereabouts,
};
pub use driver::{DriverCard, DriverStatus, KnownDriver, KnownPosition, Motion, Stamp};
pub use error::{Error, ErrorCode, FieldError};
pub use id::{DriverId, NodeId, ShardId};
pub use membership::{MembershipView, Node, Role, ShardMap};
pub use ports::{
    Answer, DriverChannel, DriverDesk, DriverLookup, IndexAdmin, IndexServer, IngestNode, Membership,
    NearbySearch, Peers, PositionSession, PositionSink, ShardSearch, TravelTimes, TripJournal,
};
pub use search::{Cursor, DriverFilter, Hit, Search, ShardAnswer, ShardQuestion, ShardStat};
pub use sharding::{Partitioning, Sharding};
pub use trip::{
    Asked, Audit, AuditReport, AuditSummary, CancelledBy, Change, EventKind, IdempotencyKey, IllegalEvent,
    IllegalReason, MarketId, Meter, Offer, Outcome, Receipt, Record, ReturnReason, RideRequest, RiderId,
    Step, StepNote, Trip, TripEvent, TripId, TripState, TripTimes, Version, Violation, Wrong,
};
pub use wheel::Wheel;
pub use work::long_work;
