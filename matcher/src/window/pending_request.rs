//! A request of a window: its candidate query, and the cost of leaving it unmatched.

use kerb_assignment::PENALTY_MAX;
use kerb_geometry::LatLng;
use kerb_ports::search::status_mask;
use kerb_ports::{DriverFilter, NearbyQuery};
use kerb_trips::{Trip, TripId};
use kerb_types::{Capabilities, DriverId, IndexedStatus, Millis, Timestamp, VehicleClass};

use crate::market::WaitingTrip;
use crate::window::rules::WindowRules;

/// Maximum number of windows that defer a request.
const DEFERRED_WINDOWS_MAX: u32 = 30;

/// A request of a window.
#[derive(Clone, Debug)]
pub struct PendingRequest {
    /// The trip of the request.
    pub trip: TripId,
    /// Position of the pickup.
    pub pickup: LatLng,
    /// The requested vehicle class.
    pub vehicle_class: VehicleClass,
    /// The requested capabilities.
    pub capabilities: Capabilities,
    /// Drivers who get no offer of the trip now: those who declined it, and those who let an offer of it expire
    /// recently.
    pub barred: Vec<DriverId>,
    /// Number of candidates, without the drivers of `barred`.
    pub k: u32,
    /// Time since the request, in milliseconds.
    pub waited_ms: Millis,
    /// May be deferred until an en-route driver frees up.
    pub may_be_deferred: bool,
}

impl PendingRequest {
    /// The request of a waiting trip, at `now`.
    pub fn of(waiting: &WaitingTrip<'_>, now: Timestamp) -> Self {
        let may_be_deferred = waiting.deferrals < DEFERRED_WINDOWS_MAX;
        Self { k: waiting.k, may_be_deferred, ..Self::of_trip(waiting.trip, waiting.undecided, now) }
    }

    /// The request of any trip, without candidates and deferrals.
    pub(super) fn of_trip(trip: &Trip, undecided: &[(DriverId, Timestamp)], now: Timestamp) -> Self {
        let undecided = undecided.iter().filter(|(_, until_ms)| *until_ms > now).map(|(driver, _)| driver);
        Self {
            trip: trip.id.clone(),
            pickup: trip.request.pickup,
            vehicle_class: trip.request.vehicle_class,
            capabilities: trip.request.capabilities,
            barred: trip.declined_by.iter().chain(undecided).cloned().collect(),
            k: 0,
            waited_ms: (now - trip.times.requested_ms).max(Millis::ZERO),
            may_be_deferred: false,
        }
    }

    /// The query for the `k` nearest drivers, unavailable ones included.
    pub(super) fn query(&self, k: u32, rules: &WindowRules, now: Timestamp) -> NearbyQuery {
        let time_min_ms = now - rules.stale_after_ms;
        let filter = available_filter(self.vehicle_class, self.capabilities, time_min_ms);
        NearbyQuery { point: self.pickup, k, radius_m: rules.radius_m, filter }
    }

    /// Returns the cost of leaving the request unmatched, in seconds. It is greater than any permitted travel time, and
    /// grows with the wait.
    pub(super) fn penalty(&self, rules: &WindowRules) -> u32 {
        let waited_s = u32::try_from(self.waited_ms.get() / 1_000).unwrap_or(u32::MAX);
        // The solver drops an edge that costs the penalty or more, and the maximum travel time is still permitted.
        let penalty_min = rules.pickup_max_s.saturating_add(1);
        penalty_min.saturating_add(waited_s.saturating_mul(rules.wait_credit)).min(PENALTY_MAX)
    }
}

/// Returns the filter for drivers that can get an offer: they are available, not reserved, and have an open stream.
pub(crate) fn available_filter(
    vehicle_class: VehicleClass,
    capabilities: Capabilities,
    time_min_ms: Timestamp,
) -> DriverFilter {
    DriverFilter {
        statuses: status_mask(&[IndexedStatus::Available]),
        vehicle_classes: 1 << vehicle_class.0,
        capabilities,
        time_min_ms,
    }
}
