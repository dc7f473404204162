//! Which kinds of drivers are below a page, at least: a search passes by what holds nobody whom its filter lets through.
//!
//! Kinds are a set in a word. A driver is in it by its status together with its class, and by each of its capabilities.
//! Sets may have more than there is, never less; [`crate::index`] argues why that is enough.

use kerb_ports::DriverFilter;
use kerb_types::{Capabilities, VehicleClass};

/// Classes are told apart by their number modulo this.
const CLASSES: u32 = 8;
/// Status numbers, from 1.
const STATUSES: u32 = 4;
/// The first bit of the capabilities, after those of status and class.
const CAPABILITIES: u32 = STATUSES * CLASSES;

/// See the module. 48 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(pub(crate) u64);

impl Kinds {
    /// Nobody's.
    pub(crate) const NONE: Self = Self(0);

    /// Of one driver.
    #[inline]
    pub(crate) fn of(status_number: u8, class: VehicleClass, capabilities: Capabilities) -> Self {
        let status = u32::from(status_number).wrapping_sub(1) % STATUSES;
        let one = 1 << (status * CLASSES + u32::from(class.0) % CLASSES);
        Self(one | u64::from(capabilities.0) << CAPABILITIES)
    }

    /// Of both.
    #[inline]
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Of none but those who are in both.
    #[inline]
    #[must_use]
    pub(crate) fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of the other's are in it.
    #[inline]
    pub(crate) fn hold(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a filter lets through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sought {
    /// One of these.
    any: u64,
    /// And all of these.
    all: u64,
}

impl From<&DriverFilter> for Sought {
    fn from(filter: &DriverFilter) -> Self {
        let classes = match filter.vehicle_classes {
            0 => u8::MAX,
            classes => classes.to_le_bytes().into_iter().fold(0, |folded, byte| folded | byte),
        };
        let passes = |status: u32| filter.statuses == 0 || filter.statuses >> status & 1 == 1;
        let statuses = (0..STATUSES).filter(|status| passes(status + 1));
        Self {
            any: statuses.fold(0, |any, status| any | u64::from(classes) << (status * CLASSES)),
            all: u64::from(filter.capabilities.0) << CAPABILITIES,
        }
    }
}

impl Sought {
    /// Whether somebody of these kinds may pass; no is certain.
    #[inline]
    pub(crate) fn may_be_in(self, kinds: Kinds) -> bool {
        kinds.0 & self.any != 0 && kinds.0 & self.all == self.all
    }
}

#[cfg(test)]
mod tests {
    use kerb_types::DriverStatus;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn who_passes_a_filter_may_be_in_its_kinds(
            status in 0..4_usize,
            class in 0..64_u8,
            capabilities in any::<u16>(),
            statuses in 0..32_u8,
            vehicle_classes in prop_oneof![Just(0), any::<u64>()],
            asked in any::<u16>(),
            others in any::<u64>(),
        ) {
            let (status, class) = (DriverStatus::ALL[status], VehicleClass(class));
            let filter = DriverFilter {
                statuses,
                vehicle_classes,
                capabilities: Capabilities(asked & capabilities),
                ..DriverFilter::ANY
            };
            let kinds = Kinds::of(status as u8, class, Capabilities(capabilities));
            if filter.accepts(status, class, Capabilities(capabilities), 0) {
                prop_assert!(Sought::from(&filter).may_be_in(kinds));
                prop_assert!(Sought::from(&filter).may_be_in(kinds.and(Kinds(others))));
            }
            prop_assert!(kinds.hold(kinds) && !Kinds::NONE.hold(kinds));
        }
    }

    #[test]
    fn who_is_not_there_is_not_looked_for() {
        let kinds = Kinds::of(DriverStatus::OnTrip as u8, VehicleClass(3), Capabilities(0b101));
        let may = |filter: DriverFilter| Sought::from(&filter).may_be_in(kinds);
        assert!(may(DriverFilter::ANY));
        assert!(!may(DriverFilter { statuses: 1 << DriverStatus::Available as u8, ..DriverFilter::ANY }));
        assert!(!may(DriverFilter { vehicle_classes: 0b10111, ..DriverFilter::ANY }));
        assert!(!may(DriverFilter { capabilities: Capabilities(0b10), ..DriverFilter::ANY }));
        assert!(!Sought::from(&DriverFilter::ANY).may_be_in(Kinds::NONE));
    }
}
