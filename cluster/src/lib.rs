//! How a process is a member of a cluster: who else is there, where their ports are, and how it serves its own.
//!
//! [`embedded`] is a cluster of one process; [`static_file`] with [`liveness`] and [`remote`] is one of several over
//! gRPC. The services see fleet's `Membership` and `Peers` and cannot tell. [`journal`] keeps trips. This is the only
//! crate that knows engines; it knows no service's insides.

pub mod embedded;
pub mod journal;
pub mod liveness;
pub mod remote;
pub mod server;
pub mod static_file;

pub use embedded::{EmbeddedMembership, LocalPeers};
pub use journal::{FjallJournal, JournalError, MemoryJournal};
pub use liveness::{Liveness, LivenessOptions};
pub use remote::{ChannelOptions, Channels, MatcherDoor, RemotePeers};
pub use server::{Server, ServerOptions};
pub use static_file::{FileError, StaticFile};
