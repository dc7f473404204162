//! The one place where an error becomes a gRPC status, and a status an error again.
//!
//! | error | status | details |
//! |---|---|---|
//! | `Invalid` | `INVALID_ARGUMENT` | `google.rpc.BadRequest`, a violation a field |
//! | `NotFound` | `NOT_FOUND` | `google.rpc.ResourceInfo` |
//! | `Superseded` | `ABORTED` | |
//! | `Conflict` | `ABORTED` | `google.rpc.ErrorInfo` with `market`, `expected` and `current` |
//! | `Mismatch` | `FAILED_PRECONDITION` | |
//! | `FailedPrecondition` | `FAILED_PRECONDITION` | `google.rpc.ErrorInfo` |
//! | `Overloaded` | `RESOURCE_EXHAUSTED` | `google.rpc.ErrorInfo` with `what` and `limit` |
//! | `DeadlineExceeded` | `DEADLINE_EXCEEDED` | |
//! | `Unavailable` | `UNAVAILABLE` | `google.rpc.ErrorInfo` with `node` |
//! | `Internal` | `INTERNAL` | |

use std::collections::HashMap;
use std::error::Error as _;

use kerb_ports::{Error, ErrorCode};
use kerb_trips::MarketId;
use kerb_types::{FieldError, NodeId};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Names whose errors these are, in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "kerb";
/// The reason in it of [`Error::FailedPrecondition`]: what tells it from a mismatch.
const PRECONDITION: &str = "FAILED_PRECONDITION";
/// A status travels in HTTP/2 headers, which peers bound (commonly 16 KiB in all): so many violations at most,
const VIOLATIONS_MAX: usize = 16;
/// each of so many bytes at most,
const DESCRIPTION_BYTES_MAX: usize = 256;
/// and a message of so many bytes at most.
const MESSAGE_BYTES_MAX: usize = 1_024;
/// What [`Error::NotFound`] and [`Error::Overloaded`] name; a client knows an unlisted one as `resource`.
const NAMES: [&str; 18] = [
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
    "searches",
    "slots of one driver",
    "trip",
    "waiting requests of the market",
    "watched trips",
];

/// The status of an error.
///
/// ```
/// use kerb_types::{Error, FieldError};
/// let error = Error::from(FieldError::new("k", "0, must be 1 to 1000"));
/// let status = kerb_proto::status::status_of(&error);
/// assert_eq!(status.code(), tonic::Code::InvalidArgument);
/// assert_eq!(status.message(), "k: 0, must be 1 to 1000");
/// ```
pub fn status_of(error: &Error) -> Status {
    let message = match error {
        // The kind stands in the code.
        Error::Superseded(text) | Error::DeadlineExceeded(text) | Error::Internal(text) => text.clone(),
        _ => error.to_string(),
    };
    Status::with_error_details(code_of(error.code()), cut(&message, MESSAGE_BYTES_MAX), details_of(error))
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

fn details_of(error: &Error) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    match error {
        Error::Invalid(errors) => {
            for error in errors.iter().take(VIOLATIONS_MAX) {
                let field = cut(&error.field, DESCRIPTION_BYTES_MAX);
                details.add_bad_request_violation(field, cut(&error.description, DESCRIPTION_BYTES_MAX));
            }
        }
        Error::NotFound { what, id } => {
            details.set_resource_info(*what, cut(id, DESCRIPTION_BYTES_MAX), "", "");
        }
        Error::Overloaded { what, limit } => {
            let metadata = [("what".to_owned(), (*what).to_owned()), ("limit".to_owned(), limit.to_string())];
            details.set_error_info("OVERLOADED", DOMAIN, metadata);
        }
        Error::Conflict { market, expected, current } => {
            let numbers = [("expected", expected), ("current", current)];
            let mut metadata = numbers.map(|(name, number)| (name.to_owned(), number.to_string())).to_vec();
            metadata.push(("market".to_owned(), market.to_string()));
            details.set_error_info("CONFLICT", DOMAIN, metadata.into_iter().collect::<HashMap<_, _>>());
        }
        Error::FailedPrecondition(_) => {
            details.set_error_info(PRECONDITION, DOMAIN, HashMap::new());
        }
        Error::Unavailable { node, reason } => {
            let reason = cut(reason, DESCRIPTION_BYTES_MAX).to_owned();
            let metadata = [("node".to_owned(), node.to_string()), ("reason".to_owned(), reason)];
            details.set_error_info("UNAVAILABLE", DOMAIN, metadata);
        }
        _ => {}
    }
    details
}

/// The error that a call to `peer` came to.
///
/// A status that this side's transport made has a source: then the peer was not reached, or was lost.
pub fn error_of(status: &Status, peer: &NodeId) -> Error {
    let message = status.message().to_owned();
    match status.code() {
        Code::DeadlineExceeded => Error::DeadlineExceeded(message),
        // The transport's own timer answers with this code.
        Code::Cancelled if is_timeout(status) => Error::DeadlineExceeded(message),
        Code::Unavailable => unavailable(status, peer),
        Code::Cancelled => Error::Unavailable { node: peer.clone(), reason: message },
        _ if status.source().is_some() => Error::Unavailable { node: peer.clone(), reason: message },
        Code::InvalidArgument | Code::OutOfRange => Error::Invalid(violations(status)),
        Code::NotFound => not_found(status),
        Code::Aborted => conflict(status).unwrap_or(Error::Superseded(message)),
        Code::ResourceExhausted => overloaded(status),
        Code::FailedPrecondition if is_precondition(status) => Error::FailedPrecondition(message),
        Code::FailedPrecondition | Code::Unimplemented | Code::Unauthenticated | Code::PermissionDenied => {
            Error::Mismatch(message)
        }
        code => Error::Internal(format!("{peer} answered {code:?}: {message}")),
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
    // The peer's timer leaves only its text.
    status.message() == tonic::TimeoutExpired(()).to_string()
}

fn violations(status: &Status) -> Vec<FieldError> {
    let sent = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    if sent.is_empty() {
        return vec![FieldError::new("request", status.message())];
    }
    sent.into_iter().map(|violation| FieldError::new(violation.field, violation.description)).collect()
}

fn not_found(status: &Status) -> Error {
    match status.get_details_resource_info() {
        Some(info) => Error::NotFound { what: known_name(&info.resource_type), id: info.resource_name },
        None => Error::NotFound { what: known_name(""), id: status.message().to_owned() },
    }
}

/// `None` when somebody took over instead.
fn conflict(status: &Status) -> Option<Error> {
    let metadata = metadata_of(status);
    let number = |name| metadata.get(name)?.parse().ok();
    let market = MarketId::new(metadata.get("market")?).ok()?;
    Some(Error::Conflict { market, expected: number("expected")?, current: number("current")? })
}

fn is_precondition(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.domain == DOMAIN && info.reason == PRECONDITION)
}

fn overloaded(status: &Status) -> Error {
    let metadata = metadata_of(status);
    let limit = metadata.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(0);
    Error::Overloaded { what: known_name(metadata.get("what").map_or("", String::as_str)), limit }
}

fn unavailable(status: &Status, peer: &NodeId) -> Error {
    let metadata = metadata_of(status);
    let node = metadata.get("node").and_then(|id| NodeId::new(id).ok());
    Error::Unavailable {
        node: node.unwrap_or_else(|| peer.clone()),
        reason: metadata.get("reason").cloned().unwrap_or_else(|| status.message().to_owned()),
    }
}

fn metadata_of(status: &Status) -> HashMap<String, String> {
    let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN);
    info.map(|info| info.metadata).unwrap_or_default()
}

fn known_name(name: &str) -> &'static str {
    NAMES.into_iter().find(|known| *known == name).unwrap_or("resource")
}

/// The longest start of `text` that is no longer than `bytes_max` and ends with a whole character.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
