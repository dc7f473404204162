//! An answer, decoded into values that can be compared.

use std::fmt;

use kerb_geometry::LatLng;
use kerb_proto::v1;
use kerb_types::DriverStatus;

use crate::history::Sent;

/// The drivers found, in the answer's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The returned drivers.
    pub neighbors: Vec<FoundDriver>,
    /// Whether the answer names shards that are missing.
    pub partial: bool,
}

/// A driver in an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDriver {
    /// The driver's id.
    pub driver: String,
    /// The shown position.
    pub place: LatLng,
    /// Number of the update that the answer shows.
    pub sequence: u64,
    /// Time of that update, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The shown distance, meters.
    pub distance_m: f64,
    /// The shown age, milliseconds.
    pub age_ms: i64,
    /// The shown status; `None` for an unknown number.
    pub status: Option<DriverStatus>,
    /// The shown vehicle class.
    pub vehicle_class: String,
    /// The shown capabilities, in the answer's order.
    pub capabilities: Vec<String>,
}

/// An answer that violates the contract of the `.proto` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("driver {driver:?}: {reason}")]
pub struct NotReadable {
    /// The id of the driver with the wrong entry.
    pub driver: String,
    /// What is wrong.
    pub reason: String,
}

impl Answer {
    /// Decodes the message.
    pub fn from_wire(wire: v1::FindNearbyResponse) -> Result<Self, NotReadable> {
        let coverage = wire.coverage.unwrap_or_default();
        let partial = coverage.shards_answered < coverage.shards_asked || !coverage.shards_missing.is_empty();
        let neighbors = wire.drivers.into_iter().map(FoundDriver::from_wire).collect::<Result<_, _>>()?;
        Ok(Self { neighbors, partial })
    }
}

impl FoundDriver {
    fn from_wire(wire: v1::NearbyDriver) -> Result<Self, NotReadable> {
        let unreadable = |reason: String| NotReadable { driver: wire.driver_id.clone(), reason };
        let position = wire.position.as_ref().ok_or_else(|| unreadable("has no position".to_owned()))?;
        let location = position.location.as_ref().ok_or_else(|| unreadable("has no location".to_owned()))?;
        let place = LatLng::new(location.latitude_deg, location.longitude_deg);
        let place = place.map_err(|e| unreadable(e.to_string()))?;
        Ok(Self {
            place,
            sequence: position.sequence,
            time_ms: position.time_ms,
            distance_m: wire.distance_m,
            age_ms: i64::from(wire.position_age_ms),
            status: u8::try_from(wire.status).ok().and_then(DriverStatus::from_number),
            driver: wire.driver_id,
            vehicle_class: wire.vehicle_class,
            capabilities: wire.capabilities,
        })
    }

    /// Whether the answer shows this update.
    pub fn shows(&self, sent: &Sent) -> bool {
        self.sequence == sent.sequence
            && self.place == sent.place
            && self.time_ms == sent.time_ms
            && self.status == Some(sent.status)
    }
}

impl fmt::Display for FoundDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, sequence, time_ms, distance_m, .. } = self;
        write!(f, "{place} number {sequence} of {time_ms} ({:?}) at {distance_m:.3} m", self.status)
    }
}
