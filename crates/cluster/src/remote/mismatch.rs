//! The error for a value that a node of this release cannot send.

use kerb_ports::Error;
use kerb_types::{FieldError, NodeId};

/// The other node belongs to the same cluster, so an invalid value means that it runs another release.
pub(super) fn wrong_value(node: &NodeId, error: &FieldError) -> Error {
    Error::Mismatch(format!("{node} answered a wrong value: {error}"))
}
