//! Explains why a request has no driver: the filters of a window, applied to each driver near the pickup. No I/O.

use std::fmt;

use kerb_ports::Neighbor;
use kerb_trips::{Trip, TripId, TripState};
use kerb_types::{IndexedStatus, Millis, Timestamp};

use crate::market::Reservations;
use crate::window::WinnersByDriver;

/// The result of the filters for one driver: the first filter that drops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterResult {
    /// The travel time to the pickup is too long.
    TooFar {
        /// Travel time to the pickup, in seconds.
        eta_s: u32,
        /// Maximum travel time, in seconds.
        max_s: u32,
    },
    /// The vehicle class is not the requested one.
    WrongClass,
    /// A requested capability is missing.
    MissingCapability,
    /// The position is too old.
    Stale {
        /// Age of the position, in milliseconds.
        age_ms: Millis,
    },
    /// The driver's own status is on a break or with a rider, or no stream of the driver is open.
    NotAvailable(IndexedStatus),
    /// The driver is reserved for another trip.
    OnTrip(TripId),
    /// The driver returned an offer of this trip.
    DeclinedBefore,
    /// The last window assigned the driver to another request.
    LostToAnother(TripId),
    /// No filter drops the driver.
    Candidate,
}

impl fmt::Display for FilterResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFar { eta_s, max_s } => {
                write!(f, "too far: {eta_s} s to the pickup, at most {max_s} s")
            }
            Self::WrongClass => f.write_str("not of the requested vehicle class"),
            Self::MissingCapability => f.write_str("does not have every requested capability"),
            Self::Stale { age_ms } => write!(f, "the last position is {age_ms} ms old"),
            Self::NotAvailable(IndexedStatus::Unreachable) => {
                f.write_str("not connected: no stream of the driver is open")
            }
            Self::NotAvailable(status) => write!(f, "not available: {status:?}"),
            Self::OnTrip(trip) => write!(f, "reserved for trip {trip}"),
            Self::DeclinedBefore => f.write_str("returned this trip before"),
            Self::LostToAnother(trip) => write!(f, "the last window gave the driver to trip {trip}"),
            Self::Candidate => f.write_str("could take the trip"),
        }
    }
}

/// The number of drivers that each filter drops. A driver counts at the first filter only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The trip that lacks a driver.
    pub trip: TripId,
    /// State of the trip.
    pub state: TripState,
    /// Number of drivers near the pickup, without the trip's own.
    pub drivers: u32,
    /// Drivers whose travel time to the pickup is too long.
    pub too_far: u32,
    /// Drivers of another vehicle class.
    pub wrong_class: u32,
    /// Drivers without a requested capability.
    pub missing_capability: u32,
    /// Drivers whose position is too old.
    pub stale: u32,
    /// Drivers whose own status is not available, or who have no open stream.
    pub not_available: u32,
    /// Drivers who are reserved for another trip.
    pub on_trip: u32,
    /// Drivers who returned an offer of this trip.
    pub declined_before: u32,
    /// Drivers whom the last window assigned to another request.
    pub lost_to_another: u32,
    /// Drivers that no filter drops.
    pub candidates: u32,
    /// The verdict on the named driver; empty without one.
    pub driver_verdict: String,
    /// A shard near the pickup did not answer in time, so its drivers are not counted.
    pub shards_missing: bool,
}

impl Explanation {
    /// The explanation of a trip, before any driver is counted.
    pub fn of(trip: &Trip) -> Self {
        Self {
            trip: trip.id.clone(),
            state: trip.state,
            drivers: 0,
            too_far: 0,
            wrong_class: 0,
            missing_capability: 0,
            stale: 0,
            not_available: 0,
            on_trip: 0,
            declined_before: 0,
            lost_to_another: 0,
            candidates: 0,
            driver_verdict: String::new(),
            shards_missing: false,
        }
    }

    /// Counts a driver.
    pub fn count(&mut self, result: &FilterResult) {
        self.drivers += 1;
        *match result {
            FilterResult::TooFar { .. } => &mut self.too_far,
            FilterResult::WrongClass => &mut self.wrong_class,
            FilterResult::MissingCapability => &mut self.missing_capability,
            FilterResult::Stale { .. } => &mut self.stale,
            FilterResult::NotAvailable(_) => &mut self.not_available,
            FilterResult::OnTrip(_) => &mut self.on_trip,
            FilterResult::DeclinedBefore => &mut self.declined_before,
            FilterResult::LostToAnother(_) => &mut self.lost_to_another,
            FilterResult::Candidate => &mut self.candidates,
        } += 1;
    }
}

/// The filters of a trip.
pub struct Filters<'a> {
    /// The trip that lacks a driver.
    pub trip: &'a Trip,
    /// The reservations of all markets.
    pub reservations: &'a Reservations,
    /// The trip that the last window proposed for each driver.
    pub winners: &'a WinnersByDriver,
    /// Maximum travel time to the pickup at present, in seconds.
    pub pickup_limit_s: u32,
    /// Minimum time of a position, in milliseconds since the Unix epoch.
    pub time_min_ms: Timestamp,
    /// The present time, in milliseconds since the Unix epoch.
    pub now: Timestamp,
}

impl Filters<'_> {
    /// Returns the first filter that drops the driver, in the order of [`FilterResult`].
    pub fn apply(&self, neighbor: &Neighbor, eta_s: u32) -> FilterResult {
        let (request, id) = (&self.trip.request, &neighbor.profile.id);
        if eta_s > self.pickup_limit_s {
            return FilterResult::TooFar { eta_s, max_s: self.pickup_limit_s };
        }
        if neighbor.profile.vehicle_class != request.vehicle_class {
            return FilterResult::WrongClass;
        }
        if !neighbor.profile.capabilities.contains_all(request.capabilities) {
            return FilterResult::MissingCapability;
        }
        if neighbor.update_version.time < self.time_min_ms {
            return FilterResult::Stale { age_ms: self.now - neighbor.update_version.time };
        }
        // The reservations of this process are newer than the index: they are looked at below.
        if !matches!(neighbor.status, IndexedStatus::Available | IndexedStatus::Reserved) {
            return FilterResult::NotAvailable(neighbor.status);
        }
        let other = |trip: &TripId| *trip != self.trip.id;
        let won_by = self.winners.get(id).filter(|trip| other(trip));
        // A reservation that the last window made counts as lost to another request, not as on a trip.
        let reserved_for = self.reservations.of(id).filter(other).filter(|trip| won_by != Some(trip));
        if let Some(trip) = reserved_for {
            return FilterResult::OnTrip(trip);
        }
        if self.trip.declined_by.contains(id) {
            return FilterResult::DeclinedBefore;
        }
        won_by.map_or(FilterResult::Candidate, |trip| FilterResult::LostToAnother(trip.clone()))
    }
}
