//! A position that a driver or a gateway reports, in the fleet's units.

use kerb_geometry::LatLng;
use kerb_types::limits::{ACCURACY_MAX_M, SPEED_MAX_MPS};
use kerb_types::{DriverStatus, FieldError, Motion, Timestamp, UpdateVersion};

use super::field::{HEADING_MAX_CDEG, invalid};
use super::public::degrees;
use crate::v1;

/// A reported position with valid values. Ingest compares its time with the server's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// The position on the lattice.
    pub position: LatLng,
    /// Sequence and time of the update; a time of 0 means the time of receipt.
    pub update_version: UpdateVersion,
    /// Heading and speed.
    pub motion: Motion,
    /// Accuracy radius in decimeters at 68 % probability, or [`Motion::NOT_KNOWN`].
    pub accuracy_dm: u16,
    /// The new status; `None` leaves the status unchanged.
    pub status: Option<DriverStatus>,
}

impl TryFrom<&v1::PositionUpdate> for Report {
    /// The errors of all invalid fields.
    type Error = Vec<FieldError>;

    fn try_from(wire: &v1::PositionUpdate) -> Result<Self, Vec<FieldError>> {
        let position = degrees(wire.latitude_deg, wire.longitude_deg);
        let heading = heading_cdeg(wire.heading_deg);
        let speed = scaled("speed_mps", wire.speed_mps, SPEED_MAX_MPS, 100.0);
        let accuracy = scaled("accuracy_m", wire.accuracy_m, ACCURACY_MAX_M, 10.0);
        let status = reported_status(wire.status);
        match (position, heading, speed, accuracy, status) {
            (Ok(position), Ok(heading_cdeg), Ok(speed_cmps), Ok(accuracy_dm), Ok(status)) => Ok(Self {
                position,
                update_version: UpdateVersion {
                    sequence: wire.sequence,
                    time: Timestamp::from_millis(wire.time_ms),
                },
                motion: Motion { heading_cdeg, speed_cmps },
                accuracy_dm,
                status,
            }),
            (position, heading, speed, accuracy, status) => {
                let errors = [position.err(), heading.err(), speed.err(), accuracy.err(), status.err()];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }
}

/// Converts a public status; `None` for unspecified, which leaves the status unchanged.
pub(super) fn reported_status(number: i32) -> Result<Option<DriverStatus>, FieldError> {
    let status = u8::try_from(number).ok().and_then(DriverStatus::from_number);
    if number != 0 && status.is_none() {
        return Err(invalid("status", number, "0 to 4"));
    }
    Ok(status)
}

/// Converts a heading. A value that rounds to 360 degrees becomes 0.
fn heading_cdeg(heading_deg: Option<f32>) -> Result<u16, FieldError> {
    match heading_deg {
        None => Ok(Motion::NOT_KNOWN),
        Some(deg) if (0.0..360.0).contains(&deg) => Ok((deg * 100.0).round() as u16 % (HEADING_MAX_CDEG + 1)),
        Some(deg) => Err(invalid("heading_deg", deg, "0 up to 360")),
    }
}

/// Converts a measured value to `scale` units. A valid value above the range of the result becomes the largest one.
fn scaled(field: &'static str, value: Option<f32>, max: f32, scale: f32) -> Result<u16, FieldError> {
    match value {
        None => Ok(Motion::NOT_KNOWN),
        Some(value) if (0.0..=max).contains(&value) => {
            Ok(((value * scale).round() as u32).min(u32::from(Motion::NOT_KNOWN - 1)) as u16)
        }
        Some(value) => Err(invalid(field, value, format_args!("0 to {max}"))),
    }
}
