//! Summarizes the drivers below a page, so that a search skips a page without a driver that its filter accepts.
//!
//! A summary is a set in one word. A driver is in it by its status together with its vehicle class, and by each of its
//! capabilities. A summary may contain more than there is, never less; [`crate::index`] argues why that is enough.

use kerb_ports::DriverFilter;
use kerb_types::{Capabilities, VehicleClass};

/// Vehicle classes are distinguished by their number modulo this.
const CLASSES: u32 = 8;
/// Number of groups of statuses: one for each of the numbers 1 to 3, and one for all higher numbers. The higher ones are
/// those of available drivers that get no offer, so a window's search skips a page of them.
const STATUSES: u32 = 4;
/// The first bit of the capabilities, after the bits of status and class.
const CAPABILITIES: u32 = STATUSES * CLASSES;

/// Returns the group of a status. Number 0, which no driver has, shares the last group.
#[inline]
fn group_of(status_number: u8) -> u32 {
    u32::from(status_number).wrapping_sub(1).min(STATUSES - 1)
}

/// A set of driver attributes, in the lower 48 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FilterSummary(pub(crate) u64);

impl FilterSummary {
    /// The summary of no driver.
    pub(crate) const EMPTY: Self = Self(0);

    /// Summarizes one driver.
    #[inline]
    pub(crate) fn of_driver(status_number: u8, class: VehicleClass, capabilities: Capabilities) -> Self {
        let status_and_class = 1 << (group_of(status_number) * CLASSES + u32::from(class.0) % CLASSES);
        Self(status_and_class | u64::from(capabilities.0) << CAPABILITIES)
    }

    /// Summarizes the drivers of both sets.
    #[inline]
    #[must_use]
    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Keeps the attributes that both sets contain.
    #[inline]
    #[must_use]
    pub(crate) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the set contains all attributes of the other.
    #[inline]
    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The attributes that a filter accepts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilterMask {
    /// At least one of these bits must be set.
    any: u64,
    /// All of these bits must be set.
    all: u64,
}

impl From<&DriverFilter> for FilterMask {
    fn from(filter: &DriverFilter) -> Self {
        // A class's bit is its number modulo 8, so the eight bytes of the mask fold into one.
        let classes = match filter.vehicle_classes {
            0 => u8::MAX,
            classes => classes.to_le_bytes().into_iter().fold(0, |folded, byte| folded | byte),
        };
        let passes = |number: u8| filter.statuses == 0 || filter.statuses >> number & 1 == 1;
        let groups = (1..=7).filter(|number| passes(*number)).map(group_of);
        Self {
            any: groups.fold(0, |any, group| any | u64::from(classes) << (group * CLASSES)),
            all: u64::from(filter.capabilities.0) << CAPABILITIES,
        }
    }
}

impl FilterMask {
    /// Whether a driver of this summary may pass the filter. A "no" is certain.
    #[inline]
    pub(crate) fn may_match(self, summary: FilterSummary) -> bool {
        summary.0 & self.any != 0 && summary.0 & self.all == self.all
    }
}

#[cfg(test)]
mod tests {
    use kerb_types::IndexedStatus;
    use proptest::prelude::*;

    use kerb_types::Timestamp;

    use super::*;

    proptest! {
        #[test]
        fn a_filter_may_match_the_summary_of_each_driver_that_it_accepts(
            status in 0..5_usize,
            class in 0..64_u8,
            capabilities in any::<u16>(),
            statuses in 0..128_u8,
            vehicle_classes in prop_oneof![Just(0), any::<u64>()],
            required in any::<u16>(),
            others in any::<u64>(),
        ) {
            let (status, class) = (IndexedStatus::ALL[status], VehicleClass(class));
            let filter = DriverFilter {
                statuses,
                vehicle_classes,
                capabilities: Capabilities(required & capabilities),
                ..DriverFilter::ANY
            };
            let summary = FilterSummary::of_driver(status as u8, class, Capabilities(capabilities));
            if filter.accepts(status, class, Capabilities(capabilities), Timestamp::from_millis(0)) {
                prop_assert!(FilterMask::from(&filter).may_match(summary));
                prop_assert!(FilterMask::from(&filter).may_match(summary.union(FilterSummary(others))));
            }
            prop_assert!(summary.contains(summary) && !FilterSummary::EMPTY.contains(summary));
        }
    }

    #[test]
    fn a_filter_does_not_match_a_summary_without_its_attributes() {
        let summary =
            FilterSummary::of_driver(IndexedStatus::OnTrip as u8, VehicleClass(3), Capabilities(0b101));
        let may = |filter: DriverFilter| FilterMask::from(&filter).may_match(summary);
        assert!(may(DriverFilter::ANY));
        assert!(!may(DriverFilter { statuses: 1 << IndexedStatus::Available as u8, ..DriverFilter::ANY }));
        assert!(!may(DriverFilter { vehicle_classes: 0b10111, ..DriverFilter::ANY }));
        assert!(!may(DriverFilter { capabilities: Capabilities(0b10), ..DriverFilter::ANY }));
        assert!(!FilterMask::from(&DriverFilter::ANY).may_match(FilterSummary::EMPTY));
        for status in [IndexedStatus::Reserved, IndexedStatus::Unreachable] {
            let summary = FilterSummary::of_driver(status as u8, VehicleClass(3), Capabilities(0));
            let available =
                DriverFilter { statuses: 1 << IndexedStatus::Available as u8, ..DriverFilter::ANY };
            assert!(!FilterMask::from(&available).may_match(summary), "a window skips {status:?} drivers");
        }
    }
}
