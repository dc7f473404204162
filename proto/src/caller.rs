//! The caller of an internal call.

use kerb_types::NodeId;

/// The node that makes an internal call. The server puts it into the extensions of the request once it has verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub NodeId);
