//! The vocabulary of the fleet: ids, drivers, the catalog of vehicle classes and capabilities, sharding, membership,
//! limits, instants and spans of time, clocks, the timing wheel, the filter of
//! implausible positions, metrics and the retry backoff.
//!
//! Ports, gRPC, engines and file formats are in other crates. A value is valid once it exists.

pub mod backoff;
pub mod catalog;
pub mod driver;
pub mod field_error;
pub mod id;
pub mod limits;
pub mod membership;
pub mod metrics;
pub mod path_filter;
pub mod run_blocking;
pub mod sharding;
pub mod time;
pub mod timing_wheel;
pub mod travel_source;

pub use backoff::{Backoff, Jitter};
pub use catalog::{Capabilities, Catalog, ClassSeats, VehicleClass};
pub use driver::{
    DriverProfile, DriverStatus, IndexedStatus, KnownDriver, KnownPosition, Motion, UpdateVersion,
};
pub use field_error::FieldError;
pub use id::{DriverId, NodeId, ShardId};
pub use membership::{MembershipView, Node, Role, ServerIndex, ShardMap};
pub use path_filter::{FixKind, PathFilter};
pub use run_blocking::run_blocking;
pub use sharding::{Partitioning, Sharding};
pub use time::clock::{Clock, ManualClock, RuntimeClock, Stopwatch, SystemClock};
pub use time::{Millis, Timestamp};
pub use timing_wheel::{TimingWheel, WheelAction};
pub use travel_source::TravelSource;
