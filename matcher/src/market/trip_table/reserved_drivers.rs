//! The drivers that are reserved for a trip.

use kerb_trips::Trip;
use kerb_types::DriverId;

/// The drivers that are reserved for a trip: at most two.
#[derive(PartialEq, Eq)]
pub(in crate::market) struct ReservedDrivers {
    /// The trip's own driver, from the offer to the end.
    pub(in crate::market) own: Option<DriverId>,
    /// The driver with a takeover offer.
    pub(in crate::market) takeover: Option<DriverId>,
}

impl ReservedDrivers {
    pub(super) fn of(trip: &Trip) -> Self {
        Self {
            own: trip.driver.clone().filter(|_| trip.state.has_driver()),
            takeover: trip.takeover_offer.as_ref().map(|offer| offer.driver.clone()),
        }
    }

    fn drivers(&self) -> impl Iterator<Item = &DriverId> {
        self.own.iter().chain(&self.takeover)
    }

    /// Returns the drivers that are not among the others.
    pub(super) fn without<'a>(&'a self, others: &'a Self) -> impl Iterator<Item = &'a DriverId> {
        self.drivers().filter(|driver| !others.drivers().any(|other| other == *driver))
    }
}
