//! Takes the positions of drivers, keeps each driver's newest state in a table and on disk, and replicates the table to the
//! index servers. It answers no search.
//!
//! The core (table, reverse index, link states, rate limits, tokens, records) is synchronous and pure. The streams and the
//! links' tasks are a thin asynchronous shell.

mod error;
mod grpc;
mod handle;
mod metrics;
mod options;
mod replication;
mod service;
mod store;
mod stream;
mod table;

pub use error::IngestError;
pub use grpc::IngestGrpc;
pub use handle::IngestHandle;
pub use metrics::{Metrics, MetricsSnapshot};
pub use options::Options;
pub use replication::eviction_queue::EVICTIONS_MAX;
pub use replication::fanout::{Fanout, LinkChanges};
pub use replication::handover::{HANDOVER_MAX_MS, HANDOVER_MS, Handover, Tick};
pub use replication::link_state::{Horizon, LINK_BATCH_ROWS_MAX, LinkState};
pub use replication::replication_link::ReplicationLink;
pub use replication::resume_token::ResumeToken;
pub use service::{LocationIngest, Ports, StartError};
pub use store::record;
pub use store::{FlushSummary, Store, StoreContents, StoreError};
pub use stream::fleet_stream::{FleetStream, HANDLES_MAX, REJECTIONS_NAMED_MAX};
pub use stream::local_driver_stream::LocalDriverStream;
pub use stream::outbox::OutboxStream;
pub use table::entry::DriverState;
pub use table::expiry::{EXPIRY_TICK_MS, Expiry};
pub use table::rate_limit::{Pace, RateLimit};
pub use table::update::{StaleSlot, UpdateOutcome, UpdateResult};
pub use table::update_order::{SEQUENCE_START_MAX, SEQUENCE_STEP_MAX};
pub use table::{DriverTable, RegisteredDriver};
