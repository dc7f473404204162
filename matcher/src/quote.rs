//! Quotes of rides that are not requested yet. No I/O.

use kerb_geometry::LatLng;
use kerb_ports::{Drive, Eta, NearestByEta, Neighbor};
use kerb_trips::MarketId;
use kerb_types::{Capabilities, Millis, Timestamp, VehicleClass};

use crate::market::Reservations;

/// A validated quote request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteRequest {
    /// Position of the pickup.
    pub pickup: LatLng,
    /// Position of the drop-off.
    pub dropoff: LatLng,
    /// The requested vehicle class.
    pub vehicle_class: VehicleClass,
    /// The requested capabilities.
    pub capabilities: Capabilities,
    /// Number of riders.
    pub party_size: u8,
}

/// Travel time, length and nearest driver of a ride.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// Time of the quote, in milliseconds since the Unix epoch.
    pub at_ms: Timestamp,
    /// End of its validity, in milliseconds since the Unix epoch.
    pub valid_until_ms: Timestamp,
    /// The market of the pickup.
    pub market: MarketId,
    /// Travel time of the nearest free driver to the pickup; `None` if no suitable driver is near enough.
    pub pickup: Option<Eta>,
    /// Travel time and length from the pickup to the drop-off.
    pub ride: Drive,
    /// A driver that the search did not read may be nearer.
    pub pickup_incomplete: bool,
}

impl Quote {
    /// Returns the expected time of the drop-off, in milliseconds since the Unix epoch; `None` without a driver.
    pub fn dropoff_ms(&self) -> Option<Timestamp> {
        let travel_s = i64::from(self.pickup?.time_s) + i64::from(self.ride.eta.time_s);
        Some(self.at_ms + Millis::from_secs(travel_s))
    }
}

/// Returns the nearest driver by travel time who is not reserved.
pub fn first_free<'a>(answer: &'a NearestByEta, reservations: &Reservations) -> Option<(&'a Neighbor, Eta)> {
    let mut by_eta = answer.neighbors.iter().zip(answer.etas.iter().copied());
    by_eta.find(|(neighbor, _)| reservations.of(&neighbor.profile.id).is_none())
}
