//! Live speeds of a node's streets: two watched files, streamed rows, and one task that applies them to the travel
//! times while queries run.
//!
//! | file | its job |
//! |---|---|
//! | `options.rs` | the `[roads]` settings |
//! | `service.rs` | starts the tasks and returns the handle |
//! | `handle.rs` | [`StreetSpeeds`]: sets streamed speeds, describes the speeds in force |
//! | `grpc.rs` | `RoadsAdminService` |
//! | `metrics.rs` | counters |
//! | `error.rs` | the error of calls |
//! | `speed_task.rs` | owns all speeds; applies changes and expiries |
//! | `speed_files.rs` | reads the speed file and the profile, and again when they change |
//! | `speed_rows.rs` | turns a wire row into a streamed speed, or into a rejection of its field |
//! | `status.rs` | the speeds in force, for operators |
//! | `peer_nodes.rs` | calls the other nodes that have streets |

mod error;
mod grpc;
mod handle;
mod metrics;
pub mod options;
mod peer_nodes;
mod service;
mod speed_files;
pub mod speed_rows;
mod speed_task;
mod status;

pub use grpc::{Grpc, speed_messages};
pub use handle::StreetSpeeds;
pub use options::RoadsOptions;
pub use peer_nodes::PeerNodes;
pub use speed_files::SpeedFileError;
