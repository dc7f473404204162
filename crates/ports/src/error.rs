//! What can go wrong, in a closed set of kinds. The wire maps a kind to a status once.

use kerb_trips::{IllegalEvent, MarketId, Version};
use kerb_types::{FieldError, NodeId};

/// The kinds of failure that a caller tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The caller's value is wrong; the same call fails again.
    Invalid,
    /// What was named does not exist.
    NotFound,
    /// Somebody else took over.
    Superseded,
    /// Somebody else wrote first: what was expected is no longer so.
    Conflict,
    /// The other side does not fit: settings differ, or a protocol was not kept.
    Mismatch,
    /// What was named is not in a state that allows the call.
    FailedPrecondition,
    /// A limit is reached; later there may be room.
    Overloaded,
    /// The deadline passed.
    DeadlineExceeded,
    /// The node does not answer now.
    Unavailable,
    /// A fault of ours.
    Internal,
}

/// A failure that crosses a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Values of the caller were refused.
    #[error("{}", join(.0))]
    Invalid(Vec<FieldError>),
    /// There is no such thing.
    #[error("{what} {id:?} is not known")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// The name that was asked for.
        id: String,
    },
    /// A newer stream or session of the same owner took over.
    #[error("superseded: {0}")]
    Superseded(String),
    /// Somebody else appended to a market's journal first. Read what they wrote; the same call fails again.
    #[error("the journal of market {market} is at version {current}, not {expected}")]
    Conflict {
        /// Whose journal.
        market: MarketId,
        /// The version that the caller believed to be the newest.
        expected: Version,
        /// The newest version.
        current: Version,
    },
    /// The other side does not fit.
    #[error("{0}")]
    Mismatch(String),
    /// What was named is not in a state that allows the call.
    #[error("{0}")]
    FailedPrecondition(String),
    /// A named limit is reached.
    #[error("{what}: the limit of {limit} is reached")]
    Overloaded {
        /// What is full.
        what: &'static str,
        /// Its limit.
        limit: usize,
    },
    /// The deadline passed before the answer.
    #[error("deadline exceeded: {0}")]
    DeadlineExceeded(String),
    /// A node does not answer.
    #[error("node {node} is not available: {reason}")]
    Unavailable {
        /// Which node.
        node: NodeId,
        /// What was seen.
        reason: String,
    },
    /// A fault of ours.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// The kind.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::Invalid,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Superseded(_) => ErrorCode::Superseded,
            Self::Conflict { .. } => ErrorCode::Conflict,
            Self::Mismatch(_) => ErrorCode::Mismatch,
            Self::FailedPrecondition(_) => ErrorCode::FailedPrecondition,
            Self::Overloaded { .. } => ErrorCode::Overloaded,
            Self::DeadlineExceeded(_) => ErrorCode::DeadlineExceeded,
            Self::Unavailable { .. } => ErrorCode::Unavailable,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// Whether the same call may succeed later or elsewhere.
    pub fn retryable(&self) -> bool {
        matches!(self.code(), ErrorCode::Overloaded | ErrorCode::DeadlineExceeded | ErrorCode::Unavailable)
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl From<IllegalEvent> for Error {
    fn from(illegal: IllegalEvent) -> Self {
        Self::FailedPrecondition(illegal.to_string())
    }
}

fn join(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
