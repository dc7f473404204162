//! The queries of a market, and their results.

use kerb_geometry::LatLng;
use kerb_trips::{IdempotencyKey, MarketId, RiderId, Trip, TripId, TripStep, Version};
use kerb_types::{DriverId, Timestamp};

use crate::mailbox::Reply;
use crate::market::{Counts, RiderTrips};
use crate::window::WinnersByDriver;

/// A read of a market, with the channel of its reply. The reply shows durable state only.
#[derive(Debug)]
pub(crate) enum MarketQuery {
    /// A rider's own trip.
    Trip { rider: RiderId, trip: TripId, reply: Reply<Trip> },
    /// The trip that a rider requested with a key, and the number of the rider's live trips.
    RiderTrips { rider: RiderId, key: IdempotencyKey, reply: Reply<RiderTrips> },
    /// The number of changes of a rider's own trip.
    ChangeCount { rider: RiderId, trip: TripId, reply: Reply<u64> },
    /// The changes of a rider's own trip after the change with number `after`.
    Changes { rider: RiderId, trip: TripId, after: u64, reply: Reply<TripChanges> },
    /// The input for the explanation of any trip.
    ExplanationInput { trip: TripId, reply: Reply<TripExplanationInput> },
    /// Nothing if the market accepts requests, or an error.
    AcceptsRequests { reply: Reply<()> },
    /// The trips that a driver has accepted and not ended, by number.
    AssignedTrips { reply: Reply<Vec<AssignedTrip>> },
    /// The version of the journal.
    Version { reply: Reply<Version> },
    /// The operator's report at `now`.
    Report { now: Timestamp, reply: Reply<MarketReport> },
}

/// The changes of a trip.
#[derive(Debug)]
pub(crate) struct TripChanges {
    /// The changes in reverse order: newest first.
    pub(crate) newest_first: Vec<TripStep>,
    /// The trip has ended, so there are no further changes.
    pub(crate) ended: bool,
}

/// What an explanation reads of a market.
#[derive(Debug)]
pub(crate) struct TripExplanationInput {
    pub(crate) trip: Trip,
    /// The trip that the last window proposed for each driver.
    pub(crate) winners: WinnersByDriver,
}

/// A trip with a driver who has accepted it.
#[derive(Debug)]
pub(crate) struct AssignedTrip {
    pub(crate) driver: DriverId,
    pub(crate) trip: TripId,
    /// The next stop: the pickup, or the drop-off with the rider in the vehicle.
    pub(crate) destination: LatLng,
}

/// The state of a market, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketReport {
    /// Name of the market.
    pub market: MarketId,
    /// Whether the market takes no requests and makes no offers.
    pub paused: bool,
    /// Number of live trips in each state.
    pub counts: Counts,
    /// Age of the oldest request without a driver, in milliseconds; 0 for none.
    pub oldest_waiting_ms: u64,
    /// Number of windows that were matched since the start of this process.
    pub windows: u64,
    /// Number of requests of the last window.
    pub last_requests: u32,
    /// Number of edges between requests and candidates of the last window.
    pub last_pairs: u32,
    /// Number of offers of the last window.
    pub last_offers: u32,
    /// Duration of the last window's candidate search, in microseconds.
    pub last_candidates_us: u32,
    /// Duration of the last window's travel times and assignment, in microseconds.
    pub last_solve_us: u32,
    /// Version of the market's journal.
    pub journal_version: Version,
}

impl MarketQuery {
    /// Returns the name of the query, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Trip { .. } => "trip",
            Self::RiderTrips { .. } => "rider_trips",
            Self::ChangeCount { .. } => "change_count",
            Self::Changes { .. } => "changes",
            Self::ExplanationInput { .. } => "explanation_input",
            Self::AcceptsRequests { .. } => "accepts_requests",
            Self::AssignedTrips { .. } => "assigned_trips",
            Self::Version { .. } => "version",
            Self::Report { .. } => "report",
        }
    }
}
