//! What a ride would be: the answer to a rider who has not asked for it yet. Pure; nothing is promised.

use kerb_geometry::LatLng;
use kerb_ports::{Drive, Eta, NearestByEta, Neighbor};
use kerb_trips::MarketId;
use kerb_types::{Capabilities, VehicleClass};

use crate::market::Reservations;

/// A checked query for a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteRequest {
    /// From where.
    pub pickup: LatLng,
    /// To where.
    pub dropoff: LatLng,
    /// In what.
    pub vehicle_class: VehicleClass,
    /// With what.
    pub capabilities: Capabilities,
    /// Persons.
    pub party_size: u8,
}

/// What a ride would be.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// When it was made, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Until when it may be shown, milliseconds since the Unix epoch.
    pub valid_until_ms: i64,
    /// The market of the pickup.
    pub market: MarketId,
    /// How soon a free driver can be at the pickup; `None`: no suitable one is free and near enough.
    pub pickup: Option<Eta>,
    /// The way from the pickup to the drop-off.
    pub ride: Drive,
    /// Somebody may be sooner: not everybody around was looked at.
    pub pickup_incomplete: bool,
}

impl Quote {
    /// When the rider would be there, milliseconds since the Unix epoch; `None` without a driver.
    pub fn dropoff_ms(&self) -> Option<i64> {
        let way_s = i64::from(self.pickup?.time_s) + i64::from(self.ride.eta.time_s);
        Some(self.at_ms + 1_000 * way_s)
    }
}

/// The first of the soonest drivers who is promised to nobody.
pub fn first_free<'a>(answer: &'a NearestByEta, reservations: &Reservations) -> Option<(&'a Neighbor, Eta)> {
    let mut soonest = answer.neighbors.iter().zip(answer.etas.iter().copied());
    soonest.find(|(neighbor, _)| reservations.of(&neighbor.profile.id).is_none())
}
