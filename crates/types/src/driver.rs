//! A driver: profile, status, position and motion.

use kerb_geometry::LatLng;

use crate::catalog::{Capabilities, VehicleClass};
use crate::id::{DriverId, ShardId};
use crate::time::Timestamp;

/// The status of a driver. The numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DriverStatus {
    /// Can take a trip.
    Available = 1,
    /// Connected, but takes no trips.
    OnBreak = 2,
    /// On the way to a rider, or with one.
    OnTrip = 3,
    /// Absent from the index.
    Offline = 4,
}

impl DriverStatus {
    /// All statuses, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Available, Self::OnBreak, Self::OnTrip, Self::Offline];

    /// Returns the status with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| *s as u8 == number)
    }
}

/// The status of a driver in the index: what the driver reports, and whether an offer can be made. The numbers are those of
/// the replication stream; the first three are those of [`DriverStatus`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum IndexedStatus {
    /// Reports [`DriverStatus::Available`], has an open stream, and is not reserved: can get an offer.
    Available = 1,
    /// Reports [`DriverStatus::OnBreak`].
    OnBreak = 2,
    /// Reports [`DriverStatus::OnTrip`].
    OnTrip = 3,
    /// Reports [`DriverStatus::Available`], but an offer or a trip reserves the driver.
    Reserved = 5,
    /// Reports [`DriverStatus::Available`], but has no open stream, so no offer can reach the driver.
    Unreachable = 6,
}

impl IndexedStatus {
    /// All statuses, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Available, Self::OnBreak, Self::OnTrip, Self::Reserved, Self::Unreachable];

    /// Returns the status in the index of a driver that reports `status`; `None` for an offline driver, which is not in the
    /// index. `connected`: a stream of the driver is open. `reserved`: an offer or a trip reserves the driver.
    #[inline]
    pub fn new(status: DriverStatus, connected: bool, reserved: bool) -> Option<Self> {
        Some(match status {
            DriverStatus::Available if reserved => Self::Reserved,
            DriverStatus::Available if connected => Self::Available,
            DriverStatus::Available => Self::Unreachable,
            DriverStatus::OnBreak => Self::OnBreak,
            DriverStatus::OnTrip => Self::OnTrip,
            DriverStatus::Offline => return None,
        })
    }

    /// Returns the status with this number.
    #[inline]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| *status as u8 == number)
    }

    /// Returns the status that the driver reports.
    pub fn reported(self) -> DriverStatus {
        match self {
            Self::Available | Self::Reserved | Self::Unreachable => DriverStatus::Available,
            Self::OnBreak => DriverStatus::OnBreak,
            Self::OnTrip => DriverStatus::OnTrip,
        }
    }
}

/// The version of a driver's state. Versions compare by sequence, then by time: the derived order follows the order of
/// the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateVersion {
    /// The driver's number of the update; always 0 for a driver that does not number its updates.
    pub sequence: u64,
    /// When the position was measured.
    pub time: Timestamp,
}

/// Heading and speed of a driver, in the resolution of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Motion {
    /// Hundredths of a degree clockwise from north, 0 to 35,999, or [`Motion::NOT_KNOWN`].
    pub heading_cdeg: u16,
    /// Centimeters per second over ground, or [`Motion::NOT_KNOWN`].
    pub speed_cmps: u16,
}

impl Motion {
    /// The value of a field that was not reported.
    pub const NOT_KNOWN: u16 = u16::MAX;
    /// The motion of a driver that reported neither heading nor speed.
    pub const NONE: Self = Self { heading_cdeg: Self::NOT_KNOWN, speed_cmps: Self::NOT_KNOWN };
    /// Minimum speed of a driver whose heading counts, in centimeters per second. A phone that stands still reports the
    /// heading of its last move, or noise.
    const DRIVING_MIN_CMPS: u16 = 200;

    /// Returns the heading of a driver that drives, in degrees clockwise from north; `None` if the driver stands, or if
    /// heading or speed are not known.
    pub fn driving_heading_deg(self) -> Option<f64> {
        let is_driving = self.speed_cmps != Self::NOT_KNOWN && self.speed_cmps >= Self::DRIVING_MIN_CMPS;
        let is_known = self.heading_cdeg != Self::NOT_KNOWN;
        (is_driving && is_known).then(|| f64::from(self.heading_cdeg) / 100.0)
    }
}

/// The attributes of a driver that stay constant during a shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverProfile {
    /// The caller's id.
    pub id: DriverId,
    /// The class of the vehicle.
    pub vehicle_class: VehicleClass,
    /// The capabilities of driver and vehicle.
    pub capabilities: Capabilities,
}

/// The state of a driver at an ingest node.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownDriver {
    /// Id, vehicle class and capabilities.
    pub profile: DriverProfile,
    /// The newest status.
    pub status: DriverStatus,
    /// Whether a stream of this driver is open at the node.
    pub connected: bool,
    /// Whether an offer or a trip reserves the driver, as far as the node has delivered it.
    pub reserved: bool,
    /// Whether the driver is in the index.
    pub searchable: bool,
    /// The newest position; `None` before the first report.
    pub position: Option<KnownPosition>,
}

/// The newest position of a driver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownPosition {
    /// The position on the lattice.
    pub position: LatLng,
    /// The version of the update that reported it.
    pub update_version: UpdateVersion,
    /// Heading and speed at the time of the update.
    pub motion: Motion,
    /// Accuracy radius in decimeters at 68 % probability, or [`Motion::NOT_KNOWN`].
    pub accuracy_dm: u16,
    /// The shard that indexes the driver.
    pub shard: ShardId,
}
