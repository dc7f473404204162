//! An answer as it came, read into values that can be compared.

use std::fmt;

use kerb_geometry::LatLng;
use kerb_proto::v1;
use kerb_types::DriverStatus;

use crate::history::Sent;

/// The drivers found, in the answer's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Each found driver.
    pub neighbors: Vec<Found>,
    /// Shards that did not answer.
    pub partial: bool,
}

/// One found driver.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its id.
    pub driver: String,
    /// Where it is said to be.
    pub place: LatLng,
    /// Number of the update that is said to have brought it there.
    pub sequence: u64,
    /// Time of that update, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Said distance, meters.
    pub distance_m: f64,
    /// Said age, milliseconds.
    pub age_ms: i64,
    /// Said status; `None` for a number that is none.
    pub status: Option<DriverStatus>,
    /// Said class.
    pub vehicle_class: String,
    /// Said capabilities.
    pub capabilities: Vec<String>,
}

/// An answer that breaks the promises of the `.proto` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("driver {driver:?}: {reason}")]
pub struct NotReadable {
    /// Whose entry.
    pub driver: String,
    /// What is wrong.
    pub reason: String,
}

impl Answer {
    /// Reads the message.
    pub fn from_wire(wire: v1::FindNearbyResponse) -> Result<Self, NotReadable> {
        let coverage = wire.coverage.unwrap_or_default();
        let partial =
            coverage.shards_answered < coverage.shards_queried || !coverage.shards_missing.is_empty();
        let neighbors = wire.drivers.into_iter().map(Found::from_wire).collect::<Result<_, _>>()?;
        Ok(Self { neighbors, partial })
    }
}

impl Found {
    fn from_wire(wire: v1::NearbyDriver) -> Result<Self, NotReadable> {
        let refuse = |reason: String| NotReadable { driver: wire.driver_id.clone(), reason };
        let position = wire.position.as_ref().ok_or_else(|| refuse("has no position".to_owned()))?;
        let location = position.location.as_ref().ok_or_else(|| refuse("has no location".to_owned()))?;
        let place = LatLng::new(location.latitude_deg, location.longitude_deg);
        let place = place.map_err(|e| refuse(e.to_string()))?;
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

    /// Whether this is what the update brought.
    pub fn shows(&self, sent: &Sent) -> bool {
        self.sequence == sent.sequence
            && self.place == sent.place
            && self.time_ms == sent.time_ms
            && self.status == Some(sent.status)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, sequence, time_ms, distance_m, .. } = self;
        write!(f, "{place} number {sequence} of {time_ms} ({:?}) at {distance_m:.3} m", self.status)
    }
}
