//! The common base of all ports' errors: a closed set of codes, and the form in which an error crosses the wire.
//!
//! [`port_error!`](crate::port_error) declares the error enum of a port, with exactly the variants that the port's contract
//! names. [`Failure`] is the form that the wire maps to a status and back, once for all ports.

use std::fmt;

pub use kerb_types::{FieldError, NodeId};

/// The kinds of failure that a caller distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The caller's value is wrong; the same call fails again.
    Invalid,
    /// The named resource does not exist.
    NotFound,
    /// A newer stream of the same owner took over.
    Superseded,
    /// Another writer was first, so the version that the caller expected is no longer the newest.
    Conflict,
    /// The peers are incompatible: their settings differ, or one of them violated the protocol.
    Mismatch,
    /// The state of the named resource does not allow the call.
    FailedPrecondition,
    /// A limit is reached; a later call may succeed.
    Overloaded,
    /// The deadline passed before the result was known.
    DeadlineExceeded,
    /// The node does not respond.
    Unavailable,
    /// A defect of this system.
    Internal,
}

impl ErrorCode {
    /// Whether the same call may succeed later or at another node.
    pub fn retryable(self) -> bool {
        matches!(self, Self::Overloaded | Self::DeadlineExceeded | Self::Unavailable)
    }
}

/// An error of a port or a service.
pub trait PortError: std::error::Error {
    /// Returns the error in the form that crosses a wire.
    fn failure(&self) -> Failure;

    /// Returns the kind of the error.
    fn code(&self) -> ErrorCode {
        self.failure().code
    }

    /// Whether the same call may succeed later or at another node.
    fn retryable(&self) -> bool {
        self.code().retryable()
    }
}

/// An error that can be restored from the form that crossed the wire.
pub trait FromFailure: PortError {
    /// Returns the port's own form of the failure. A code that the port's contract does not name becomes `Internal`.
    fn from_failure(failure: Failure) -> Self;
}

/// Converts an error of one port or service to that of another.
pub fn convert<E: FromFailure>(error: &impl PortError) -> E {
    E::from_failure(error.failure())
}

/// An error of any port, in the form that crosses a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind of the error.
    pub code: ErrorCode,
    /// The message for a person.
    pub message: String,
    /// The values that a program reads.
    pub detail: Detail,
}

/// The values that a failure carries in addition to its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The failure carries no values.
    None,
    /// The invalid fields of an [`ErrorCode::Invalid`].
    Fields(Vec<FieldError>),
    /// The missing resource of an [`ErrorCode::NotFound`].
    Resource {
        /// The kind of resource, such as `driver`.
        what: &'static str,
        /// The name that the caller gave.
        id: String,
    },
    /// The reached limit of an [`ErrorCode::Overloaded`].
    Limit {
        /// The name of the limited resource.
        what: &'static str,
        /// The value of the limit.
        limit: usize,
    },
    /// The node of an [`ErrorCode::Unavailable`].
    Node {
        /// The id of the node that does not respond.
        node: NodeId,
        /// The error that the caller observed.
        reason: String,
    },
    /// Named values that only the port itself reads.
    Values(Vec<(String, String)>),
}

impl Failure {
    /// Returns the failure of a call with invalid values.
    pub fn invalid(fields: &[FieldError]) -> Self {
        let message = fields.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self { code: ErrorCode::Invalid, message, detail: Detail::Fields(fields.to_vec()) }
    }

    /// Returns the failure of a call that names a missing resource.
    pub fn not_found(what: &'static str, id: &str) -> Self {
        let message = format!("{what} {id:?} is not known");
        Self { code: ErrorCode::NotFound, message, detail: Detail::Resource { what, id: id.to_owned() } }
    }

    /// Returns the failure of a call that exceeds a limit.
    pub fn overloaded(what: &'static str, limit: usize) -> Self {
        let message = format!("{what}: the limit of {limit} is reached");
        Self { code: ErrorCode::Overloaded, message, detail: Detail::Limit { what, limit } }
    }

    /// Returns the failure of a call to a node that does not respond.
    pub fn unavailable(node: &NodeId, reason: &str) -> Self {
        let message = format!("node {node} is not available: {reason}");
        let detail = Detail::Node { node: node.clone(), reason: reason.to_owned() };
        Self { code: ErrorCode::Unavailable, message, detail }
    }

    /// Returns a failure with a message and no values.
    pub fn message(code: ErrorCode, message: &str) -> Self {
        Self { code, message: message.to_owned(), detail: Detail::None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message of every other failure already names its kind. On the wire the status code does.
        let kind = match self.code {
            ErrorCode::Superseded => "superseded: ",
            ErrorCode::DeadlineExceeded => "deadline exceeded: ",
            ErrorCode::Internal => "internal: ",
            _ => "",
        };
        write!(formatter, "{kind}{}", self.message)
    }
}

impl std::error::Error for Failure {}

impl PortError for Failure {
    fn failure(&self) -> Failure {
        self.clone()
    }
}

impl FromFailure for Failure {
    fn from_failure(failure: Failure) -> Self {
        failure
    }
}

/// An invalid field is an error of every call that validates the caller's values.
impl PortError for FieldError {
    fn failure(&self) -> Failure {
        Failure::invalid(std::slice::from_ref(self))
    }
}

/// Declares the error enum of a port or a service.
///
/// The declaration lists variants of [`ErrorCode`], each with its documentation. The macro adds the fields that belong
/// to the code, `Display`, [`PortError`] and [`FromFailure`]. `Internal` comes last and is part of every enum.
///
/// ```
/// kerb_ports::port_error! {
///     /// Why a lookup failed.
///     pub enum LookupError {
///         /// The driver does not exist.
///         NotFound,
///         /// A defect of the lookup.
///         Internal,
///     }
/// }
/// let error = LookupError::NotFound { what: "driver", id: "cab-7".to_owned() };
/// assert_eq!(error.to_string(), "driver \"cab-7\" is not known");
/// assert!(!error.retryable());
/// ```
#[macro_export]
macro_rules! port_error {
    // Each `@next` rule removes one variant from the list. It adds the variant's declaration, the arm that converts the
    // variant to a failure, and the arm that converts the failure back. A variable lives within one arm, so hygiene does
    // not interfere.
    (@next $head:tt [$($variants:tt)*] [$($to:tt)*] [$($from:tt)*]
        $(#[$doc:meta])* Invalid, $($rest:tt)*) => {
        $crate::port_error! { @fields $head }
        $crate::port_error! { @next $head
            [$($variants)* $(#[$doc])* Invalid(Vec<$crate::error::FieldError>),]
            [$($to)* Self::Invalid(fields) => $crate::Failure::invalid(fields),]
            [$($from)* ($crate::ErrorCode::Invalid, $crate::Detail::Fields(fields), _) => Self::Invalid(fields),]
            $($rest)* }
    };
    (@next $head:tt [$($variants:tt)*] [$($to:tt)*] [$($from:tt)*]
        $(#[$doc:meta])* NotFound, $($rest:tt)*) => {
        $crate::port_error! { @next $head
            [$($variants)* $(#[$doc])* NotFound {
                /// The kind of resource.
                what: &'static str,
                /// The name that the caller gave.
                id: String,
            },]
            [$($to)* Self::NotFound { what, id } => $crate::Failure::not_found(what, id),]
            [$($from)* ($crate::ErrorCode::NotFound, $crate::Detail::Resource { what, id }, _) => {
                Self::NotFound { what, id }
            }]
            $($rest)* }
    };
    (@next $head:tt [$($variants:tt)*] [$($to:tt)*] [$($from:tt)*]
        $(#[$doc:meta])* Conflict, $($rest:tt)*) => {
        $crate::port_error! { @next $head
            [$($variants)* $(#[$doc])* Conflict {
                /// The market of the journal.
                market: $crate::trip_journal::MarketId,
                /// The version that the caller believed to be the newest.
                expected: $crate::trip_journal::Version,
                /// The newest version.
                current: $crate::trip_journal::Version,
            },]
            [$($to)* Self::Conflict { market, expected, current } => {
                $crate::trip_journal::conflict(market, *expected, *current)
            }]
            [$($from)* ($crate::ErrorCode::Conflict, $crate::Detail::Values(values), text) => {
                match $crate::trip_journal::versions_of(&values) {
                    Some((market, expected, current)) => Self::Conflict { market, expected, current },
                    None => Self::Internal(text),
                }
            }]
            $($rest)* }
    };
    (@next $head:tt [$($variants:tt)*] [$($to:tt)*] [$($from:tt)*]
        $(#[$doc:meta])* Overloaded, $($rest:tt)*) => {
        $crate::port_error! { @next $head
            [$($variants)* $(#[$doc])* Overloaded {
                /// The name of the limited resource.
                what: &'static str,
                /// The value of the limit.
                limit: usize,
            },]
            [$($to)* Self::Overloaded { what, limit } => $crate::Failure::overloaded(what, *limit),]
            [$($from)* ($crate::ErrorCode::Overloaded, $crate::Detail::Limit { what, limit }, _) => {
                Self::Overloaded { what, limit }
            }]
            $($rest)* }
    };
    (@next $head:tt [$($variants:tt)*] [$($to:tt)*] [$($from:tt)*]
        $(#[$doc:meta])* Unavailable, $($rest:tt)*) => {
        $crate::port_error! { @next $head
            [$($variants)* $(#[$doc])* Unavailable {
                /// The node that does not respond.
                node: $crate::error::NodeId,
                /// The error that the caller observed.
                reason: String,
            },]
            [$($to)* Self::Unavailable { node, reason } => $crate::Failure::unavailable(node, reason),]
            [$($from)* ($crate::ErrorCode::Unavailable, $crate::Detail::Node { node, reason }, _) => {
                Self::Unavailable { node, reason }
            }]
            $($rest)* }
    };
    (@next [$(#[$meta:meta])* $vis:vis $name:ident] [$($variants:tt)*] [$($to:tt)*] [$($from:tt)*]
        $(#[$doc:meta])* Internal $(,)?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($variants)*
            $(#[$doc])*
            Internal(String),
        }

        impl $name {
            /// Returns the kind of the error.
            pub fn code(&self) -> $crate::ErrorCode {
                $crate::PortError::code(self)
            }

            /// Whether the same call may succeed later or at another node.
            pub fn retryable(&self) -> bool {
                $crate::PortError::retryable(self)
            }
        }

        impl $crate::PortError for $name {
            fn failure(&self) -> $crate::Failure {
                match self {
                    $($to)*
                    Self::Internal(text) => $crate::Failure::message($crate::ErrorCode::Internal, text),
                }
            }
        }

        impl $crate::FromFailure for $name {
            fn from_failure(failure: $crate::Failure) -> Self {
                match (failure.code, failure.detail, failure.message) {
                    $($from)*
                    (_, _, text) => Self::Internal(text),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&$crate::PortError::failure(self), formatter)
            }
        }

        impl ::std::error::Error for $name {}
    };
    // The remaining variants hold a message only.
    (@next $head:tt [$($variants:tt)*] [$($to:tt)*] [$($from:tt)*]
        $(#[$doc:meta])* $variant:ident, $($rest:tt)*) => {
        $crate::port_error! { @next $head
            [$($variants)* $(#[$doc])* $variant(String),]
            [$($to)* Self::$variant(text) => $crate::Failure::message($crate::ErrorCode::$variant, text),]
            [$($from)* ($crate::ErrorCode::$variant, _, text) => Self::$variant(text),]
            $($rest)* }
    };
    (@fields [$(#[$meta:meta])* $vis:vis $name:ident]) => {
        impl From<$crate::error::FieldError> for $name {
            fn from(error: $crate::error::FieldError) -> Self {
                Self::Invalid(vec![error])
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($variants:tt)* }) => {
        $crate::port_error! { @next [$(#[$meta])* $vis $name] [] [] [] $($variants)* }
    };
}
