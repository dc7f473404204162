//! The port from an ingest node to the matcher: the actions of drivers, and the start and end of their streams.

use kerb_trips::{TripId, TripState};
use kerb_types::DriverId;
use serde::{Deserialize, Serialize};

use crate::PortFuture;
use crate::driver_channel::DriverNotification;

crate::port_error! {
    /// Why a call to [`DriverEvents`] failed.
    pub enum DriverEventsError {
        /// The matcher rejects a value of the call.
        Invalid,
        /// There is no such trip or market.
        NotFound,
        /// The matcher runs another release: it sent a value that this release does not define.
        Mismatch,
        /// The state of the trip does not allow the action.
        FailedPrecondition,
        /// Too many commands of the market wait.
        Overloaded,
        /// The matcher did not respond in time. The event may have been applied.
        DeadlineExceeded,
        /// The matcher does not respond, or the decision may not be durable.
        Unavailable,
        /// The call failed by a defect.
        Internal,
    }
}

/// Ingest node → matcher: the actions of drivers, and the start and end of their streams.
pub trait DriverEvents: Send + Sync {
    /// Applies a driver's action to a trip. Returns the state of the trip once it is durable.
    ///
    /// After a retryable error the outcome is unknown. The caller sends the action again, which is safe.
    fn act(
        &self,
        driver: DriverId,
        trip: TripId,
        action: DriverAction,
    ) -> PortFuture<'_, TripState, DriverEventsError>;

    /// Reports that a stream of the driver was opened. Returns the driver's current trip, if there is one.
    fn connected(&self, driver: DriverId) -> PortFuture<'_, Option<DriverNotification>, DriverEventsError>;

    /// Reports that a driver with an open offer of this trip takes no offers now: the offer is returned. Another trip, or one
    /// that the driver has accepted, stays as it is.
    fn unavailable(&self, driver: DriverId, trip: TripId) -> PortFuture<'_, (), DriverEventsError>;

    /// Reports that the driver's last stream at a node ended.
    fn disconnected(&self, driver: DriverId) -> PortFuture<'_, (), DriverEventsError>;
}

/// A driver's action on a trip. A repeated action returns the result of the first one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriverAction {
    /// The driver accepts the offer.
    Accept,
    /// The driver declines the offer.
    Decline {
        /// Free text of the driver; may be empty.
        reason: String,
    },
    /// The driver is at the pickup.
    Arrived,
    /// The rider got in.
    PickedUp,
    /// The rider got out.
    DroppedOff,
    /// The driver gives up an accepted trip before the pick-up.
    Cancel {
        /// Free text of the driver; may be empty.
        reason: String,
    },
}

impl DriverAction {
    /// Returns the name of the action on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline { .. } => "decline",
            Self::Arrived => "arrived",
            Self::PickedUp => "picked_up",
            Self::DroppedOff => "dropped_off",
            Self::Cancel { .. } => "cancel",
        }
    }
}
