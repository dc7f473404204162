//! The error for a value that a node of this release cannot send.

use kerb_ports::{ErrorCode, Failure, FromFailure};
use kerb_types::{FieldError, NodeId};

/// The other node belongs to the same cluster, so an invalid value means that it runs another release.
pub(super) fn wrong_value<E: FromFailure>(node: &NodeId, error: &FieldError) -> E {
    let message = format!("{node} answered a wrong value: {error}");
    E::from_failure(Failure::message(ErrorCode::Mismatch, &message))
}
