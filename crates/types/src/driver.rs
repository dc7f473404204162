//! A driver: who, doing what, where and when.

use kerb_geometry::LatLng;

use crate::catalog::{Capabilities, VehicleClass};
use crate::id::{DriverId, ShardId};

/// What a driver is doing. The numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DriverStatus {
    /// Free to take a trip.
    Available = 1,
    /// Connected, but takes no trip now.
    OnBreak = 2,
    /// Under way to a rider or with one.
    OnTrip = 3,
    /// Not in the index.
    Offline = 4,
}

impl DriverStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Available, Self::OnBreak, Self::OnTrip, Self::Offline];

    /// The status of this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| *s as u8 == number)
    }
}

/// Who is newer: by sequence, then by time. The order of the fields is the order of comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateVersion {
    /// The driver's number of the update; 0 throughout for a driver that does not number.
    pub sequence: u64,
    /// When the position was measured, milliseconds since the Unix epoch.
    pub time_ms: i64,
}

/// How a driver moves, in the resolution in which it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Motion {
    /// Hundredths of a degree clockwise from north, 0 to 35,999, or [`Motion::NOT_KNOWN`].
    pub heading_cdeg: u16,
    /// Centimetres per second over ground, or [`Motion::NOT_KNOWN`].
    pub speed_cmps: u16,
}

impl Motion {
    /// Stands for a value that was not reported.
    pub const NOT_KNOWN: u16 = u16::MAX;
    /// Nothing was reported.
    pub const NONE: Self = Self { heading_cdeg: Self::NOT_KNOWN, speed_cmps: Self::NOT_KNOWN };
}

/// What does not change while a driver works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverProfile {
    /// The caller's id.
    pub id: DriverId,
    /// One class.
    pub vehicle_class: VehicleClass,
    /// Any number of capabilities.
    pub capabilities: Capabilities,
}

/// What an ingest node knows of a driver.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownDriver {
    /// Who.
    pub card: DriverProfile,
    /// Doing what.
    pub status: DriverStatus,
    /// A stream of this driver is open here.
    pub connected: bool,
    /// In the index.
    pub searchable: bool,
    /// `None`: has not reported yet.
    pub position: Option<KnownPosition>,
}

/// A driver's newest position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownPosition {
    /// Where.
    pub position: LatLng,
    /// When.
    pub stamp: UpdateVersion,
    /// How it moved.
    pub motion: Motion,
    /// Decimetres of 68 % probability, or [`Motion::NOT_KNOWN`].
    pub accuracy_dm: u16,
    /// Where it is indexed.
    pub shard: ShardId,
}
