//! The messages between a city's agents and the service.
//!
//! The city is pure; a backend carries its messages, in process or over gRPC. Times are milliseconds since the Unix
//! epoch, of the city's day.

use kerb_assignment::Policy;
use kerb_geometry::LatLng;
use kerb_trips::TripState;
use kerb_types::DriverStatus;

pub use crate::agents::driver_action::DriverAction;
pub use crate::metrics::record::{DriverNumber, RequestNumber};

/// A message from an agent to the service.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentAction {
    /// A driver reports its position.
    Report {
        /// The driver who reports.
        driver: DriverNumber,
        /// Time of measurement: in the past when the uplink delayed the message.
        measured_ms: i64,
        /// Position with the noise of the measurement.
        position: LatLng,
        /// Degrees clockwise from north.
        heading_deg: f64,
        /// Meters per second.
        speed_mps: f64,
        /// Availability; `Offline` removes the driver from the index.
        status: DriverStatus,
    },
    /// A rider requests a ride.
    Request {
        /// The number of the request.
        request: RequestNumber,
        /// Position of the rider.
        pickup: LatLng,
        /// Destination of the rider.
        dropoff: LatLng,
        /// Seats that the rider needs.
        passengers: u32,
        /// Class of the vehicle, as the service's settings name it.
        vehicle_class: String,
        /// The rider's patience, milliseconds.
        wait_max_ms: u32,
    },
    /// A rider cancels its request.
    Cancel {
        /// The number of the request.
        request: RequestNumber,
    },
    /// A driver acts on a trip or an offer.
    Trip {
        /// The driver who acts.
        driver: DriverNumber,
        /// The service's id of the trip.
        trip: String,
        /// The action on the trip.
        action: DriverAction,
    },
    /// The operator switches the assignment policy.
    SwitchPolicy {
        /// The policy of all later windows.
        policy: Policy,
    },
}

/// A message from the service to an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentEvent {
    /// The service accepted the request and gave it a trip id.
    RequestAccepted {
        /// The number of the request.
        request: RequestNumber,
        /// The service's id of the trip.
        trip: String,
    },
    /// The service rejected the request.
    RequestRejected {
        /// The number of the request.
        request: RequestNumber,
        /// The service's status and message.
        reason: String,
    },
    /// The rider's trip changed its state.
    TripChanged {
        /// The number of the request.
        request: RequestNumber,
        /// The new state.
        state: TripState,
        /// The driver of the trip, once there is one.
        driver: Option<DriverNumber>,
        /// Seconds until the driver's arrival, if the service estimates it.
        eta_s: Option<u32>,
    },
    /// A driver gets an offer, or the next state of its trip.
    Assignment {
        /// The driver who is addressed.
        driver: DriverNumber,
        /// The service's id of the trip.
        trip: String,
        /// State of the trip; `Offered` means an offer.
        state: TripState,
        /// Position of the rider.
        pickup: LatLng,
        /// Destination of the rider.
        dropoff: LatLng,
        /// Seconds to the pickup, as the service estimates.
        eta_s: Option<u32>,
    },
    /// A driver's trip or offer ended: the rider, the driver or the service ended it.
    TripEnded {
        /// The driver who is addressed.
        driver: DriverNumber,
        /// The service's id of the trip.
        trip: String,
    },
    /// The service's answer to a driver's action.
    ActionResult {
        /// The driver who acted.
        driver: DriverNumber,
        /// The service's id of the trip.
        trip: String,
        /// The action that is answered.
        action: DriverAction,
        /// The service's decision.
        outcome: ActionOutcome,
    },
}

/// The service's decision about an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionOutcome {
    /// The service applied the action.
    Applied,
    /// The action is not possible.
    Rejected,
    /// The outcome is unknown, so the driver repeats the action.
    Retry,
}
