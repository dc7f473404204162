//! The only mapping of errors to gRPC statuses, and of statuses to errors.
//!
//! | error | status | details |
//! |---|---|---|
//! | `Invalid` | `INVALID_ARGUMENT` | `google.rpc.BadRequest`, one violation per field |
//! | `NotFound` | `NOT_FOUND` | `google.rpc.ResourceInfo` |
//! | `Superseded` | `ABORTED` | |
//! | `Conflict` | `ABORTED` | `google.rpc.ErrorInfo` with `market`, `expected` and `current` |
//! | `Mismatch` | `FAILED_PRECONDITION` | |
//! | `FailedPrecondition` | `FAILED_PRECONDITION` | `google.rpc.ErrorInfo` |
//! | `Overloaded` | `RESOURCE_EXHAUSTED` | `google.rpc.ErrorInfo` with `what` and `limit` |
//! | `DeadlineExceeded` | `DEADLINE_EXCEEDED` | |
//! | `Unavailable` | `UNAVAILABLE` | `google.rpc.ErrorInfo` with `node`, and `google.rpc.RetryInfo` |
//! | `Internal` | `INTERNAL` | |

use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;

use kerb_ports::{Detail, ErrorCode, Failure, FromFailure, PortError};
use kerb_types::{FieldError, NodeId};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of Kerb's errors in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "kerb";
/// The reason in `ErrorInfo` that distinguishes [`ErrorCode::FailedPrecondition`] from [`ErrorCode::Mismatch`].
const PRECONDITION: &str = "FAILED_PRECONDITION";
/// The reason in `ErrorInfo` that distinguishes [`ErrorCode::Conflict`] from [`ErrorCode::Superseded`].
const CONFLICT: &str = "CONFLICT";
/// When a caller of a node that is not available should call again.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Maximum violations in a status. A status travels in HTTP/2 headers, which peers limit (commonly to 16 KiB in all).
const VIOLATIONS_MAX: usize = 16;
/// Maximum bytes of a violation's field or description.
const DESCRIPTION_BYTES_MAX: usize = 256;
/// Maximum bytes of a status message.
const MESSAGE_BYTES_MAX: usize = 1_024;
/// The names that [`ErrorCode::NotFound`] and [`ErrorCode::Overloaded`] carry. A received name that is not in this list
/// becomes `resource`, because an error holds a static string.
const NAMES: [&str; 19] = [
    "actions waiting",
    "appends waiting for the journal",
    "calls that set speeds",
    "commands of a market",
    "driver",
    "node",
    "shard",
    "drivers",
    "drivers of this node",
    "ingest nodes",
    "live trips of the rider",
    "lookups",
    "market",
    "quotes",
    "searches",
    "slots of one driver",
    "trip",
    "waiting requests of the market",
    "watched trips",
];

/// Returns the status of an error of any port or service.
///
/// ```
/// use kerb_types::FieldError;
/// let error = FieldError::new("k", "0, must be 1 to 1000");
/// let status = kerb_proto::status::status_of(&error);
/// assert_eq!(status.code(), tonic::Code::InvalidArgument);
/// assert_eq!(status.message(), "k: 0, must be 1 to 1000");
/// ```
pub fn status_of(error: &impl PortError) -> Status {
    let failure = error.failure();
    let details = details_of(&failure);
    Status::with_error_details(code_of(failure.code), cut(&failure.message, MESSAGE_BYTES_MAX), details)
}

fn code_of(code: ErrorCode) -> Code {
    match code {
        ErrorCode::Invalid => Code::InvalidArgument,
        ErrorCode::NotFound => Code::NotFound,
        ErrorCode::Superseded | ErrorCode::Conflict => Code::Aborted,
        ErrorCode::Mismatch | ErrorCode::FailedPrecondition => Code::FailedPrecondition,
        ErrorCode::Overloaded => Code::ResourceExhausted,
        ErrorCode::DeadlineExceeded => Code::DeadlineExceeded,
        ErrorCode::Unavailable => Code::Unavailable,
        ErrorCode::Internal => Code::Internal,
    }
}

fn details_of(failure: &Failure) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    match &failure.detail {
        Detail::Fields(errors) => {
            for error in errors.iter().take(VIOLATIONS_MAX) {
                let field = cut(&error.field, DESCRIPTION_BYTES_MAX);
                details.add_bad_request_violation(field, cut(&error.description, DESCRIPTION_BYTES_MAX));
            }
        }
        Detail::Resource { what, id } => {
            details.set_resource_info(*what, cut(id, DESCRIPTION_BYTES_MAX), "", "");
        }
        Detail::Limit { what, limit } => {
            let metadata = [("what".to_owned(), (*what).to_owned()), ("limit".to_owned(), limit.to_string())];
            details.set_error_info("OVERLOADED", DOMAIN, metadata);
        }
        Detail::Values(values) => {
            let metadata = values.iter().cloned().collect::<HashMap<_, _>>();
            details.set_error_info(CONFLICT, DOMAIN, metadata);
        }
        Detail::Node { node, reason } => {
            let reason = cut(reason, DESCRIPTION_BYTES_MAX).to_owned();
            let metadata = [("node".to_owned(), node.to_string()), ("reason".to_owned(), reason)];
            details.set_error_info("UNAVAILABLE", DOMAIN, metadata);
            details.set_retry_info(Some(RETRY_DELAY));
        }
        Detail::None if failure.code == ErrorCode::FailedPrecondition => {
            details.set_error_info(PRECONDITION, DOMAIN, HashMap::new());
        }
        Detail::None => {}
    }
    details
}

/// Returns the error of a call to `peer`, as the port's own error.
pub fn error_of<E: FromFailure>(status: &Status, peer: &NodeId) -> E {
    E::from_failure(failure_of(status, peer))
}

/// Returns the error of a call to `peer`, of whatever port.
///
/// A status with a source comes from this side's transport: it could not reach the peer, or the connection broke.
pub fn failure_of(status: &Status, peer: &NodeId) -> Failure {
    let message = status.message();
    match status.code() {
        Code::DeadlineExceeded => Failure::message(ErrorCode::DeadlineExceeded, message),
        // The transport's own timer uses this code.
        Code::Cancelled if is_timeout(status) => Failure::message(ErrorCode::DeadlineExceeded, message),
        Code::Unavailable => unavailable(status, peer),
        Code::Cancelled => Failure::unavailable(peer, message),
        _ if status.source().is_some() => Failure::unavailable(peer, message),
        Code::InvalidArgument | Code::OutOfRange => Failure::invalid(&violations(status)),
        Code::NotFound => not_found(status),
        Code::Aborted => conflict(status).unwrap_or_else(|| Failure::message(ErrorCode::Superseded, message)),
        Code::ResourceExhausted => overloaded(status),
        Code::FailedPrecondition if is_precondition(status) => {
            Failure::message(ErrorCode::FailedPrecondition, message)
        }
        Code::FailedPrecondition | Code::Unimplemented | Code::Unauthenticated | Code::PermissionDenied => {
            Failure::message(ErrorCode::Mismatch, message)
        }
        code => Failure::message(ErrorCode::Internal, &format!("{peer} returned {code:?}: {message}")),
    }
}

fn is_timeout(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    // The timer of the peer's transport leaves only its text.
    status.message() == tonic::TimeoutExpired(()).to_string()
}

fn violations(status: &Status) -> Vec<FieldError> {
    let sent = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    if sent.is_empty() {
        return vec![FieldError::new("request", status.message())];
    }
    sent.into_iter().map(|violation| FieldError::new(violation.field, violation.description)).collect()
}

fn not_found(status: &Status) -> Failure {
    match status.get_details_resource_info() {
        Some(info) => Failure::not_found(known_name(&info.resource_type), &info.resource_name),
        None => Failure::not_found(known_name(""), status.message()),
    }
}

/// Returns the conflict of a status; `None` for a stream that a newer one superseded.
fn conflict(status: &Status) -> Option<Failure> {
    let info =
        status.get_details_error_info().filter(|info| info.domain == DOMAIN && info.reason == CONFLICT)?;
    let detail = Detail::Values(info.metadata.into_iter().collect());
    Some(Failure { code: ErrorCode::Conflict, message: status.message().to_owned(), detail })
}

fn is_precondition(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.domain == DOMAIN && info.reason == PRECONDITION)
}

fn overloaded(status: &Status) -> Failure {
    let metadata = metadata_of(status);
    let limit = metadata.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(0);
    Failure::overloaded(known_name(metadata.get("what").map_or("", String::as_str)), limit)
}

fn unavailable(status: &Status, peer: &NodeId) -> Failure {
    let metadata = metadata_of(status);
    let node = metadata.get("node").and_then(|id| NodeId::new(id).ok());
    let reason = metadata.get("reason").map_or_else(|| status.message(), String::as_str);
    Failure::unavailable(node.as_ref().unwrap_or(peer), reason)
}

fn metadata_of(status: &Status) -> HashMap<String, String> {
    let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN);
    info.map(|info| info.metadata).unwrap_or_default()
}

fn known_name(name: &str) -> &'static str {
    NAMES.into_iter().find(|known| *known == name).unwrap_or("resource")
}

/// Returns the longest prefix of `text` that has at most `bytes_max` bytes and ends at a character boundary.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
