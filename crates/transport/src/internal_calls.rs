//! Admits calls to the internal services of a node: those of listed nodes that know the secret of the cluster.
//!
//! A call carries the caller's name, the time, and an HMAC-SHA256 over both, the called node and the method. So the secret
//! itself is never sent, and a signature is of no use for another method, another node, or later. It does not cover the
//! messages, and nothing is encrypted.
//!
//! Both sides are in one place each: [`NodeChannel`] signs every internal call, and the server checks every call by its
//! path, before any service sees it.

mod callers;
mod node_channel;
mod secret;
mod signature;
mod verifier;

pub use callers::callers_of;
pub use node_channel::NodeChannel;
pub use secret::{ClusterSecret, SECRET_BYTES_MAX, SECRET_BYTES_MIN, SecretError};
pub use signature::Signer;
pub use verifier::Verifier;

/// The start of the path of every internal call.
pub(crate) const INTERNAL_PREFIX: &str = "/kerb.internal.";

/// Which internal calls a server takes.
#[derive(Clone, Default)]
pub enum InternalCalls {
    /// None: the node is no member of a cluster.
    #[default]
    Refused,
    /// Those of the cluster's nodes.
    Verified(std::sync::Arc<Verifier>),
    /// All, without a name of the caller. For tests of single services.
    Trusted,
}
