//! Makes a process a member of a cluster: the list of nodes, which of them are live, and the ports of the other nodes.
//!
//! [`embedded`] is a cluster of one process. [`static_file`], [`liveness`] and [`remote`] are a cluster of several
//! processes over gRPC. The services only see the ports `Membership` and `Peers`, so both kinds look the same to them. This
//! crate does not depend on any service.

pub mod embedded;
mod health_probe;
pub mod liveness;
pub mod remote;
pub mod static_file;

pub use embedded::{EmbeddedMembership, LocalPeers};
pub use liveness::{Liveness, LivenessOptions};
pub use remote::{DispatchProxy, RemotePeers};
pub use static_file::{FileError, StaticFile};
