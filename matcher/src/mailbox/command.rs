//! The commands of a market.

use kerb_geometry::LatLng;
use kerb_ports::{DriverAction, DriverNotification};
use kerb_trips::{RideRequest, RiderId, Trip, TripId, TripState};
use kerb_types::{DriverId, Timestamp};

use crate::mailbox::Reply;
use crate::mailbox::query::MarketQuery;

/// A command to a market, with the channel of its reply. The market replies once its decision is durable.
#[derive(Debug)]
pub(crate) enum MarketCommand {
    /// A rider requests a ride, and has `live_in_others` live trips in other markets.
    Request { request: RideRequest, live_in_others: usize, reply: Reply<Trip> },
    /// A rider cancels a trip.
    Cancel { rider: RiderId, trip: TripId, reason: String, reply: Reply<Trip> },
    /// The operator cancels a trip.
    ForceCancel { trip: TripId, reason: String, reply: Reply<Trip> },
    /// The operator pauses or resumes the market.
    SetPaused { paused: bool, reply: Reply<()> },
    /// A driver acts on a trip.
    Act { driver: DriverId, trip: TripId, action: DriverAction, reply: Reply<TripState> },
    /// A driver opened a stream; the reply is the driver's assignment.
    DriverConnected { driver: DriverId, reply: Reply<Option<DriverNotification>> },
    /// The last stream of a driver ended.
    DriverDisconnected { driver: DriverId, reply: Reply<()> },
    /// A driver with an open offer reports that it takes none.
    DriverUnavailable { driver: DriverId, trip: TripId, reply: Reply<()> },
    /// An offer reached no stream of its driver.
    OfferUndeliverable { driver: DriverId, trip: TripId, reply: Reply<()> },
    /// The driver tracker located the drivers of assigned trips.
    DriversLocated { located: LocatedDrivers, reply: Reply<()> },
    /// A read of the state.
    Query(MarketQuery),
}

/// The drivers of assigned trips, as the ingest nodes report them.
#[derive(Debug, Default)]
pub(crate) struct LocatedDrivers {
    /// Positions, each with the time of its measurement in milliseconds since the Unix epoch.
    pub(crate) positions: Vec<(DriverId, LatLng, Timestamp)>,
    /// Drivers without a stream.
    pub(crate) disconnected: Vec<DriverId>,
    /// Drivers with a stream.
    pub(crate) connected: Vec<DriverId>,
}

impl MarketCommand {
    /// Returns the name of the command, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Request { .. } => "request",
            Self::Cancel { .. } => "cancel",
            Self::ForceCancel { .. } => "force_cancel",
            Self::SetPaused { .. } => "set_paused",
            Self::Act { .. } => "act",
            Self::DriverConnected { .. } => "driver_connected",
            Self::DriverDisconnected { .. } => "driver_disconnected",
            Self::DriverUnavailable { .. } => "driver_unavailable",
            Self::OfferUndeliverable { .. } => "offer_undeliverable",
            Self::DriversLocated { .. } => "drivers_located",
            Self::Query(query) => query.name(),
        }
    }
}
