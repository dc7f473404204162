//! A set of hours of the week.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::speeds::HOURS;

/// A set of hours of the week, in which 0 is Monday from 0:00 to 1:00.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub(crate) struct HourSet([u64; 3]);

impl HourSet {
    /// The set without hours.
    pub(crate) const EMPTY: HourSet = HourSet([0; 3]);

    /// The hours for which `holds` is true.
    pub(crate) fn of(holds: impl Fn(usize) -> bool) -> HourSet {
        let mut set = HourSet::EMPTY;
        for hour in (0..HOURS).filter(|hour| holds(*hour)) {
            set.0[hour / 64] |= 1 << (hour % 64);
        }
        set
    }

    /// All hours.
    pub(crate) fn all() -> HourSet {
        HourSet::of(|_| true)
    }

    pub(crate) fn contains(self, hour: usize) -> bool {
        self.0[hour / 64] >> (hour % 64) & 1 == 1
    }

    pub(crate) fn is_empty(self) -> bool {
        self == HourSet::EMPTY
    }

    /// The hours that are in either set.
    pub(crate) fn union(self, other: HourSet) -> HourSet {
        HourSet([0, 1, 2].map(|word| self.0[word] | other.0[word]))
    }

    /// The hours that are in both sets.
    pub(crate) fn intersection(self, other: HourSet) -> HourSet {
        HourSet([0, 1, 2].map(|word| self.0[word] & other.0[word]))
    }

    /// The hours that are not in the set.
    pub(crate) fn complement(self) -> HourSet {
        HourSet::of(|hour| !self.contains(hour))
    }
}
