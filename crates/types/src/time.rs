//! Instants and spans of time in milliseconds, as two types: to swap one for the other does not compile.

pub mod clock;

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::TIME_AHEAD_MAX_MS;

/// An instant: milliseconds since the Unix epoch. It is serialized as the number.
///
/// Arithmetic saturates, so the far past ([`Timestamp::MIN`]) and the far future ([`Timestamp::MAX`]) stay what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Before every instant that a clock reads.
    pub const MIN: Self = Self(i64::MIN);
    /// After every instant that a clock reads.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Returns the milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whether the instant is so far ahead of a clock that reads `now` that no position may have it
    /// ([`TIME_AHEAD_MAX_MS`]). A stored position has such a time only after the clock was set back: it is neither fresh nor
    /// newer than what comes.
    #[inline]
    pub fn is_ahead_of(self, now: Self) -> bool {
        self > now + TIME_AHEAD_MAX_MS
    }
}

/// A span between two instants, in milliseconds. It is negative where the second instant is the earlier one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(i64);

impl Millis {
    /// The span without length.
    pub const ZERO: Self = Self(0);
    /// Longer than every span between two clock readings.
    pub const MAX: Self = Self(i64::MAX);

    /// A span of `ms` milliseconds.
    pub const fn new(ms: i64) -> Self {
        Self(ms)
    }

    /// A span of `s` seconds.
    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(1_000))
    }

    /// Returns the number of milliseconds.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Returns the number of milliseconds within the range of the wire: a negative span is 0, one that is too long is the
    /// longest.
    pub fn to_u32(self) -> u32 {
        u32::try_from(self.0.max(0)).unwrap_or(u32::MAX)
    }

    /// Returns the seconds as a real number.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Returns the span as the standard library's type; a negative span is zero.
    pub fn to_duration(self) -> Duration {
        Duration::from_millis(self.0.max(0).unsigned_abs())
    }
}

/// The settings hold spans as numbers of this type.
impl From<u32> for Millis {
    fn from(ms: u32) -> Self {
        Self(i64::from(ms))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Self;

    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Millis> for Timestamp {
    fn add_assign(&mut self, span: Millis) {
        *self = *self + span;
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Self;

    fn sub(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl SubAssign<Millis> for Timestamp {
    fn sub_assign(&mut self, span: Millis) {
        *self = *self - span;
    }
}

impl Sub for Timestamp {
    type Output = Millis;

    fn sub(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Millis {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}
