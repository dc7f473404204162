//! The entry of a driver in an ingest node's table.

use kerb_types::{DriverProfile, FieldError, KnownDriver, KnownPosition, Motion, Timestamp, UpdateVersion};

use super::field::{
    capabilities, driver_id, invalid_measure, invalid_shard, measure, motion, one_position, one_status,
    shard, vehicle_class,
};
use crate::internal::v1;

impl From<&KnownDriver> for v1::KnownDriver {
    fn from(driver: &KnownDriver) -> Self {
        Self {
            driver_id: driver.profile.id.as_str().to_owned(),
            vehicle_class: u32::from(driver.profile.vehicle_class.0),
            capabilities: u32::from(driver.profile.capabilities.0),
            status: u32::from(driver.status as u8),
            connected: driver.connected,
            searchable: driver.searchable,
            reserved: driver.reserved,
            position: driver.position.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::KnownDriver> for KnownDriver {
    type Error = FieldError;

    fn try_from(wire: v1::KnownDriver) -> Result<Self, FieldError> {
        let profile = DriverProfile {
            id: driver_id("driver_id", &wire.driver_id)?,
            vehicle_class: vehicle_class(wire.vehicle_class)?,
            capabilities: capabilities(wire.capabilities)?,
        };
        let position = wire.position.map(KnownPosition::try_from).transpose();
        Ok(Self {
            profile,
            status: one_status(wire.status)?,
            connected: wire.connected,
            searchable: wire.searchable,
            reserved: wire.reserved,
            position: position.map_err(|error| error.within("position"))?,
        })
    }
}

impl From<&KnownPosition> for v1::KnownPosition {
    fn from(known: &KnownPosition) -> Self {
        Self {
            position: known.position.to_bits(),
            time_ms: known.update_version.time.as_millis(),
            sequence: known.update_version.sequence,
            heading_cdeg: u32::from(known.motion.heading_cdeg),
            speed_cmps: u32::from(known.motion.speed_cmps),
            accuracy_dm: u32::from(known.accuracy_dm),
            shard: u32::from(known.shard.0),
        }
    }
}

impl TryFrom<v1::KnownPosition> for KnownPosition {
    type Error = FieldError;

    fn try_from(wire: v1::KnownPosition) -> Result<Self, FieldError> {
        let accuracy_max = Motion::NOT_KNOWN - 1;
        Ok(Self {
            position: one_position("position", wire.position)?,
            update_version: UpdateVersion {
                sequence: wire.sequence,
                time: Timestamp::from_millis(wire.time_ms),
            },
            motion: motion(wire.heading_cdeg, wire.speed_cmps)?,
            accuracy_dm: measure(wire.accuracy_dm, accuracy_max)
                .ok_or_else(|| invalid_measure("accuracy_dm", wire.accuracy_dm, accuracy_max))?,
            shard: shard(wire.shard).ok_or_else(|| invalid_shard("shard", wire.shard))?,
        })
    }
}
