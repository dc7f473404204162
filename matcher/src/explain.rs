//! Why a request has no driver: every driver around is held against the filters, one after the other. Pure.

use std::collections::HashMap;
use std::fmt;

use foldhash::quality::RandomState;
use kerb_ports::Neighbor;
use kerb_trips::{Trip, TripId, TripState};
use kerb_types::{DriverId, DriverStatus};

use crate::market::Reservations;

/// What became of one driver: the first filter that drops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Needs longer to the pickup than anybody is sent.
    TooFar {
        /// Seconds to the pickup.
        eta_s: u32,
        /// The longest way, seconds.
        max_s: u32,
    },
    /// Not the class that was asked for.
    WrongClass,
    /// Does not have all that was asked for.
    MissingCapability,
    /// The position is too old.
    Stale {
        /// Its age, milliseconds.
        age_ms: i64,
    },
    /// On a break, with a rider, or offline, as the driver says.
    NotAvailable(DriverStatus),
    /// Promised to another trip.
    OnTrip(TripId),
    /// Returned this trip before.
    DeclinedBefore,
    /// The last window gave the driver to another request.
    LostToAnother(TripId),
    /// Could take the trip.
    Candidate,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFar { eta_s, max_s } => {
                write!(f, "too far: {eta_s} s to the pickup, at most {max_s} s")
            }
            Self::WrongClass => f.write_str("not of the vehicle class that was asked for"),
            Self::MissingCapability => f.write_str("does not have every capability that was asked for"),
            Self::Stale { age_ms } => write!(f, "the last position is {age_ms} ms old"),
            Self::NotAvailable(status) => write!(f, "not available: {status:?}"),
            Self::OnTrip(trip) => write!(f, "promised to trip {trip}"),
            Self::DeclinedBefore => f.write_str("returned this trip before"),
            Self::LostToAnother(trip) => write!(f, "the last window gave the driver to trip {trip}"),
            Self::Candidate => f.write_str("could take the trip"),
        }
    }
}

/// How many drivers each filter drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The trip.
    pub trip: TripId,
    /// Where it stands.
    pub state: TripState,
    /// Drivers looked at. The trip's own driver is none of them.
    pub drivers: u32,
    /// Of these, by the first filter that drops them.
    pub too_far: u32,
    /// As above.
    pub wrong_class: u32,
    /// As above.
    pub missing_capability: u32,
    /// As above.
    pub stale: u32,
    /// As above.
    pub not_available: u32,
    /// As above.
    pub on_trip: u32,
    /// As above.
    pub declined_before: u32,
    /// As above.
    pub lost_to_another: u32,
    /// Dropped by none.
    pub candidates: u32,
    /// Of the named driver; empty when none was named.
    pub driver_verdict: String,
    /// Not every shard around the pickup answered in time: what it holds is not counted.
    pub shards_missing: bool,
}

impl Explanation {
    /// Of a trip, before any driver was looked at.
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
    pub fn count(&mut self, verdict: &Verdict) {
        self.drivers += 1;
        *match verdict {
            Verdict::TooFar { .. } => &mut self.too_far,
            Verdict::WrongClass => &mut self.wrong_class,
            Verdict::MissingCapability => &mut self.missing_capability,
            Verdict::Stale { .. } => &mut self.stale,
            Verdict::NotAvailable(_) => &mut self.not_available,
            Verdict::OnTrip(_) => &mut self.on_trip,
            Verdict::DeclinedBefore => &mut self.declined_before,
            Verdict::LostToAnother(_) => &mut self.lost_to_another,
            Verdict::Candidate => &mut self.candidates,
        } += 1;
    }
}

/// What drivers are held against.
pub struct Filters<'a> {
    /// The request.
    pub trip: &'a Trip,
    /// Who is promised to whom.
    pub reservations: &'a Reservations,
    /// Which request the last window gave each driver to.
    pub winners: &'a HashMap<DriverId, TripId, RandomState>,
    /// The longest way to a pickup, seconds.
    pub pickup_max_s: u32,
    /// The oldest position that counts, milliseconds since the Unix epoch.
    pub time_min_ms: i64,
    /// Now, milliseconds since the Unix epoch.
    pub now_ms: i64,
}

impl Filters<'_> {
    /// The first filter that drops the driver, in the order of [`Verdict`].
    pub fn verdict(&self, neighbor: &Neighbor, eta_s: u32) -> Verdict {
        let (request, id) = (&self.trip.request, &neighbor.profile.id);
        if eta_s > self.pickup_max_s {
            return Verdict::TooFar { eta_s, max_s: self.pickup_max_s };
        }
        if neighbor.profile.vehicle_class != request.vehicle_class {
            return Verdict::WrongClass;
        }
        if !neighbor.profile.capabilities.contains_all(request.capabilities) {
            return Verdict::MissingCapability;
        }
        if neighbor.update_version.time_ms < self.time_min_ms {
            return Verdict::Stale { age_ms: self.now_ms - neighbor.update_version.time_ms };
        }
        if neighbor.status != DriverStatus::Available {
            return Verdict::NotAvailable(neighbor.status);
        }
        let other = |trip: &TripId| *trip != self.trip.id;
        let won_by = self.winners.get(id).filter(|trip| other(trip));
        // A driver whom the last window itself has promised is lost to it, not busy.
        let promised = self.reservations.of(id).filter(other).filter(|trip| won_by != Some(trip));
        if let Some(trip) = promised {
            return Verdict::OnTrip(trip);
        }
        if self.trip.returned_by.contains(id) {
            return Verdict::DeclinedBefore;
        }
        won_by.map_or(Verdict::Candidate, |trip| Verdict::LostToAnother(trip.clone()))
    }
}
