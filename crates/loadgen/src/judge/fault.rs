//! What can be wrong with an answer.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A driver had to be in the answer and is not.
    Missing {
        /// Who.
        driver: String,
        /// Where the driver can have been.
        possible: Vec<String>,
    },
    /// A driver is shown where it cannot have been, or no longer.
    NotPossible {
        /// Who.
        driver: String,
        /// What the answer says.
        said: String,
        /// Where the driver can have been.
        possible: Vec<String>,
    },
    /// A driver is in the answer and does not fit the query.
    Unfit {
        /// Who.
        driver: String,
        /// What the answer says.
        said: String,
    },
    /// A driver that nobody sent.
    Stranger {
        /// Who.
        driver: String,
    },
    /// A driver is in the answer twice.
    Duplicate {
        /// Who.
        driver: String,
    },
    /// The distance to the shown place is wrong.
    WrongDistance {
        /// Whose.
        driver: String,
        /// The answer's, meters.
        said_m: f64,
        /// The judge's, meters.
        right_m: f64,
    },
    /// Class or capabilities are not the driver's.
    WrongProfile {
        /// Whose.
        driver: String,
        /// The answer's.
        said: String,
        /// The driver's.
        right: String,
    },
    /// The age is not that of the shown time.
    WrongAge {
        /// Whose.
        driver: String,
        /// The answer's, milliseconds.
        said_ms: i64,
        /// At least, milliseconds.
        least_ms: i64,
        /// At most, milliseconds.
        most_ms: i64,
    },
    /// Two neighbors in the answer stand the wrong way round.
    OutOfOrder {
        /// Came first and belongs after.
        first: String,
        /// Came second and belongs before.
        second: String,
    },
    /// More drivers than were asked for.
    TooMany {
        /// How many came.
        returned: usize,
        /// How many may come.
        limit: usize,
    },
    /// The answer breaks the promises of the wire.
    NotReadable {
        /// How.
        reason: String,
    },
}

impl Fault {
    /// The kind, as the report names it.
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

    /// An answer that says that shards are missing may lack drivers, and may show one at its last place in a shard
    /// that did answer. Nothing else is excused.
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
            Self::NotPossible { driver, said, possible } if possible.is_empty() => {
                write!(f, "{driver} is shown at {said}; it had sent nothing")
            }
            Self::NotPossible { driver, said, possible } => {
                write!(f, "{driver} is shown at {said}; it was at {}", possible.join(", or "))
            }
            Self::Unfit { driver, said } => write!(f, "{driver} at {said} does not fit the query"),
            Self::Stranger { driver } => write!(f, "{driver} is no driver of this run"),
            Self::Duplicate { driver } => write!(f, "{driver} is in the answer twice"),
            Self::WrongDistance { driver, said_m, right_m } => {
                write!(f, "{driver} is said to be {said_m:.4} m away; that place is {right_m:.4} m away")
            }
            Self::WrongProfile { driver, said, right } => {
                write!(f, "{driver} is said to be {said}; it is {right}")
            }
            Self::WrongAge { driver, said_ms, least_ms, most_ms } => {
                write!(f, "{driver}: said to be {said_ms} ms old; it is {least_ms} to {most_ms} ms")
            }
            Self::OutOfOrder { first, second } => write!(f, "{first} stands before {second}"),
            Self::TooMany { returned, limit } => write!(f, "{returned} drivers, asked for {limit}"),
            Self::NotReadable { reason } => write!(f, "not readable: {reason}"),
        }
    }
}
