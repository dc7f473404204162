//! What can be wrong with an answer.

use std::fmt;

/// A fault of an answer. `driver` is the id of the driver concerned; `shown` is the answer's value.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields follow one pattern, which the enum describes")]
pub enum Fault {
    /// A driver is missing: each of its possible updates fits the query.
    Missing { driver: String, possible: Vec<String> },
    /// A driver is shown in a state that none of its possible updates has.
    NotPossible { driver: String, shown: String, possible: Vec<String> },
    /// A driver is in the answer and does not fit the query.
    Unfit { driver: String, shown: String },
    /// A driver is in the answer that the run did not send.
    Stranger { driver: String },
    /// A driver is in the answer twice.
    Duplicate { driver: String },
    /// The distance does not match the shown position.
    WrongDistance { driver: String, shown_m: f64, expected_m: f64 },
    /// Vehicle class or capabilities are not the driver's.
    WrongProfile { driver: String, shown: String, expected: String },
    /// The age does not match the shown time.
    WrongAge { driver: String, shown_ms: i64, least_ms: i64, most_ms: i64 },
    /// Two neighbors are in the wrong order.
    OutOfOrder { first: String, second: String },
    /// The answer holds more drivers than the query allows.
    TooMany { returned: usize, limit: usize },
    /// The answer violates the contract of the `.proto` file.
    NotReadable { reason: String },
}

impl Fault {
    /// Returns the kind of the fault, as the report names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::NotPossible { .. } => "not_possible",
            Self::Unfit { .. } => "unfit",
            Self::Stranger { .. } => "stranger",
            Self::Duplicate { .. } => "duplicate",
            Self::WrongDistance { .. } => "wrong_distance",
            Self::WrongProfile { .. } => "wrong_profile",
            Self::WrongAge { .. } => "wrong_age",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::TooMany { .. } => "too_many",
            Self::NotReadable { .. } => "not_readable",
        }
    }

    /// An answer with missing shards may lack drivers, and may show a driver at its last position in a shard
    /// that did answer. It excuses no other fault.
    pub fn excused_when_partial(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::NotPossible { .. })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { driver, possible } => {
                write!(f, "{driver} is missing; it was at {}", possible.join(", or "))
            }
            Self::NotPossible { driver, shown, possible } if possible.is_empty() => {
                write!(f, "{driver} is shown at {shown}; it had sent nothing")
            }
            Self::NotPossible { driver, shown, possible } => {
                write!(f, "{driver} is shown at {shown}; it was at {}", possible.join(", or "))
            }
            Self::Unfit { driver, shown } => write!(f, "{driver} at {shown} does not fit the query"),
            Self::Stranger { driver } => write!(f, "{driver} is no driver of this run"),
            Self::Duplicate { driver } => write!(f, "{driver} is in the answer twice"),
            Self::WrongDistance { driver, shown_m, expected_m } => {
                write!(f, "{driver} is said to be {shown_m:.4} m away; that place is {expected_m:.4} m away")
            }
            Self::WrongProfile { driver, shown, expected } => {
                write!(f, "{driver} is said to be {shown}; it is {expected}")
            }
            Self::WrongAge { driver, shown_ms, least_ms, most_ms } => {
                write!(f, "{driver}: said to be {shown_ms} ms old; it is {least_ms} to {most_ms} ms")
            }
            Self::OutOfOrder { first, second } => write!(f, "{first} stands before {second}"),
            Self::TooMany { returned, limit } => write!(f, "{returned} drivers, asked for {limit}"),
            Self::NotReadable { reason } => write!(f, "not readable: {reason}"),
        }
    }
}
