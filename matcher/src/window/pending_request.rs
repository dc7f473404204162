//! A request of a window: its candidate query, and the cost of leaving it unmatched.

use kerb_assignment::PENALTY_MAX;
use kerb_geometry::LatLng;
use kerb_ports::search::status_mask;
use kerb_ports::{DriverFilter, NearbyQuery};
use kerb_trips::{Trip, TripId};
use kerb_types::{Capabilities, DriverId, IndexedStatus, Millis, Timestamp, VehicleClass};

use crate::market::WaitingTrip;
use crate::window::rules::WindowRules;

/// Time from the first deferral of a request after which it is not deferred again.
const DEFERRAL_MAX: Millis = Millis::from_secs(30);

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
    /// Maximum wait of the request, in milliseconds.
    pub wait_max_ms: Millis,
    /// May be deferred until an en-route driver frees up.
    pub may_be_deferred: bool,
}

impl PendingRequest {
    /// The request of a waiting trip, at `now`.
    pub fn of(waiting: &WaitingTrip<'_>, now: Timestamp) -> Self {
        let may_be_deferred = waiting.deferred_since_ms.is_none_or(|since_ms| now - since_ms < DEFERRAL_MAX);
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
            wait_max_ms: trip.request.wait_max_ms,
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
        let waited_s = self.waited_ms.get() as f64 / 1_000.0;
        // The solver drops an edge that costs the penalty or more, and the maximum travel time is still permitted.
        let penalty_min = rules.pickup_limit.max_s.saturating_add(1);
        // The cast of a value above the range saturates.
        penalty_min.saturating_add((waited_s * rules.wait_credit) as u32).min(PENALTY_MAX)
    }

    /// Returns the maximum travel time to the pickup, in seconds. It grows with the wait.
    pub(super) fn pickup_limit_s(&self, rules: &WindowRules) -> u32 {
        rules.pickup_limit.after(self.waited_ms, self.wait_max_ms)
    }

    /// Whether the request has waited so long that a window may serve it first.
    pub(super) fn is_overdue(&self, rules: &WindowRules) -> bool {
        rules.pickup_limit.is_overdue(self.waited_ms, self.wait_max_ms)
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
