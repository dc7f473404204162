//! What the people of a city say to the service, and what they hear from it: the seam between the city, which is pure,
//! and whoever carries its messages, in process or over gRPC.
//!
//! Drivers and riders are numbered from 0. Times are milliseconds since the Unix epoch, of the city's day.

use kerb_assignment::Policy;
use kerb_geometry::LatLng;
use kerb_trips::TripState;
use kerb_types::DriverStatus;

pub use crate::action::Action;

/// A driver of the city.
pub type DriverNumber = u32;
/// A request of the city: one rider asks once.
pub type RequestNumber = u32;

/// Somebody says something to the service.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A driver reports where it is, as its phone measured it.
    Report {
        /// Who.
        driver: DriverNumber,
        /// When it was measured: older than now when the message was delayed.
        measured_ms: i64,
        /// Where, with the noise of the measurement.
        position: LatLng,
        /// Degrees clockwise from north.
        heading_deg: f64,
        /// Meters a second.
        speed_mps: f64,
        /// Whether it can be asked; `Offline` leaves the index.
        status: DriverStatus,
    },
    /// A rider asks for a ride.
    Request {
        /// Which.
        request: RequestNumber,
        /// From where.
        pickup: LatLng,
        /// To where.
        dropoff: LatLng,
        /// Seats that are needed.
        passengers: u32,
        /// Class of vehicle, by its name in the settings.
        vehicle_class: String,
        /// The rider's patience, milliseconds.
        wait_max_ms: u32,
    },
    /// A rider no longer wants to wait.
    Cancel {
        /// Which.
        request: RequestNumber,
    },
    /// A driver acts on a trip.
    Act {
        /// Who.
        driver: DriverNumber,
        /// The trip, as the service named it.
        trip: String,
        /// What.
        action: Action,
    },
    /// The operator has windows decided by another policy from now on.
    Switch {
        /// Which.
        policy: Policy,
    },
}

/// Somebody hears something from the service.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The request is known under this name from now on.
    Requested {
        /// Which.
        request: RequestNumber,
        /// The service's name for it.
        trip: String,
    },
    /// The request was not taken.
    RequestRefused {
        /// Which.
        request: RequestNumber,
        /// Why, in the service's words.
        reason: String,
    },
    /// Where the rider's trip stands now.
    Trip {
        /// Which.
        request: RequestNumber,
        /// Its state.
        state: TripState,
        /// The driver, once there is one.
        driver: Option<DriverNumber>,
        /// Seconds until the driver is expected, when the service says.
        eta_s: Option<u32>,
    },
    /// A driver is to do something: consider an offer, or go on with a trip.
    Task {
        /// Who.
        driver: DriverNumber,
        /// Which trip.
        trip: String,
        /// Where it stands: `Offered` is an offer.
        state: TripState,
        /// Where the rider waits.
        pickup: LatLng,
        /// Where the rider goes.
        dropoff: LatLng,
        /// Seconds to the pickup, as the service reckons.
        eta_s: Option<u32>,
    },
    /// A driver's trip or offer is over, by whoever's hand.
    Over {
        /// Who.
        driver: DriverNumber,
        /// Which trip.
        trip: String,
    },
    /// What a driver's action came to.
    Acted {
        /// Who.
        driver: DriverNumber,
        /// Which trip.
        trip: String,
        /// What was done.
        action: Action,
        /// What came of it.
        outcome: Outcome,
    },
}

/// What an action came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is so now.
    Taken,
    /// It cannot be.
    Refused,
    /// Unknown: to be said again.
    Again,
}
