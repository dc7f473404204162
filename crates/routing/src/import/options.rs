//! The choices of an import: the vehicle that must fit, ferries, and U-turns.

/// The size and the weight of a vehicle, to compare with signs such as `maxheight`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vehicle {
    /// The height in meters.
    pub height_m: f64,
    /// The width in meters without mirrors.
    pub width_m: f64,
    /// The length in meters.
    pub length_m: f64,
    /// The permitted weight in metric tons.
    pub weight_t: f64,
}

impl Vehicle {
    /// A large passenger car.
    pub const CAR: Vehicle = Vehicle { height_m: 2.0, width_m: 1.9, length_m: 4.9, weight_t: 2.0 };
    /// A van for up to eight passengers.
    pub const VAN: Vehicle = Vehicle { height_m: 2.3, width_m: 2.1, length_m: 5.9, weight_t: 3.5 };
    /// A minibus for up to sixteen passengers.
    pub const MINIBUS: Vehicle = Vehicle { height_m: 2.9, width_m: 2.2, length_m: 7.4, weight_t: 5.5 };
}

impl Default for Vehicle {
    fn default() -> Vehicle {
        Vehicle::CAR
    }
}

/// Where a car may turn round and drive back along the street that it came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UTurns {
    /// Only where the street ends, and at turning circles.
    #[default]
    DeadEnds,
    /// At every junction, unless a restriction forbids it.
    Everywhere,
}

/// The choices of an import.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ImportOptions {
    /// The vehicle that must fit through a street.
    pub vehicle: Vehicle,
    /// Whether ferries and car trains that take cars become slow links. No route starts or ends on one.
    pub ferries: bool,
    /// Where cars turn round.
    pub u_turns: UTurns,
}
