//! A registered driver, as its stream holds it: looked up once, then used for every update.

use kerb_ports::Slot;
use kerb_types::{Capabilities, DriverId, DriverProfile, VehicleClass};

/// A driver of the table, with the profile of its registration.
#[derive(Clone, Debug)]
pub struct RegisteredDriver {
    /// The slot of the driver's entry.
    pub slot: Slot,
    /// The driver. An update compares it with the entry's id, and so notices that the slot belongs to another driver now.
    pub id: DriverId,
    vehicle_class: VehicleClass,
    capabilities: Capabilities,
}

const _: () = assert!(size_of::<Option<RegisteredDriver>>() == 32, "a gateway's stream holds many");

impl RegisteredDriver {
    pub(super) fn new(slot: Slot, profile: &DriverProfile) -> Self {
        let DriverProfile { id, vehicle_class, capabilities } = profile.clone();
        Self { slot, id, vehicle_class, capabilities }
    }

    /// Returns the same driver in another slot.
    pub(super) fn in_slot(&self, slot: Slot) -> Self {
        Self { slot, ..self.clone() }
    }

    /// Returns the profile of the registration.
    pub(super) fn profile(&self) -> DriverProfile {
        let Self { id, vehicle_class, capabilities, .. } = self.clone();
        DriverProfile { id, vehicle_class, capabilities }
    }
}
