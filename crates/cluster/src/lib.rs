//! How a process is a member of a cluster: which other nodes there are, which of them answer, and where their ports are.
//!
//! [`embedded`] is a cluster of one process. [`static_file`] with [`liveness`] and [`remote`] is one of several over
//! gRPC. The services see the ports `Membership` and `Peers` and cannot tell the two apart. This crate knows no
//! service's insides.

pub mod embedded;
mod health_probe;
pub mod liveness;
pub mod remote;
pub mod static_file;

pub use embedded::{EmbeddedMembership, LocalPeers};
pub use liveness::{Liveness, LivenessOptions};
pub use remote::{DispatchProxy, RemotePeers};
pub use static_file::{FileError, StaticFile};
