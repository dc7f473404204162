//! The behavior of riders and drivers, and the faults between drivers and the service.

use serde::{Deserialize, Serialize};

use crate::scenario::settings::GeoPoint;

/// The behavior of riders. Patience is drawn from a log-normal distribution, given as median and spread: 68 of 100
/// riders are within a factor of e to the spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiderBehavior {
    /// Median patience until a driver accepts, seconds.
    pub patience_s: f64,
    /// Spread of this patience.
    pub patience_spread: f64,
    /// Median patience for a driver who has accepted, seconds. A rider cancels at once if the estimate is longer.
    pub pickup_patience_s: f64,
    /// Spread of this patience.
    pub pickup_patience_spread: f64,
    /// Share of riders who cancel at a random time within their patience.
    pub random_cancel_rate: f64,
    /// Time to board: shortest and longest, seconds.
    pub boarding_s: [f64; 2],
    /// Maximum seconds from the request to the pickup for 5, 4, 3 and 2 stars.
    pub stars_s: [f64; 4],
}

/// The behavior of drivers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriverBehavior {
    /// Time to decide about an offer: shortest and longest, milliseconds.
    pub think_ms: [u32; 2],
    /// Share of offers that drivers decline at any distance.
    pub decline: f64,
    /// Growth of this share per minute to the pickup.
    pub decline_per_min: f64,
    /// Share of offers that drivers let time out.
    pub offer_timeout_rate: f64,
    /// Share of drivers who cruise while they are idle; the others stand.
    pub cruise: f64,
    /// Maximum length of a cruising move in each direction, meters.
    pub cruise_m: f64,
    /// Share of drivers who reposition after `reposition_after_s` without a trip.
    pub reposition: f64,
    /// Idle time before repositioning, seconds.
    pub reposition_after_s: f64,
    /// Destination of repositioning.
    pub reposition_to: RepositionTo,
    /// Breaks during a shift; none when not set.
    pub breaks: Option<Breaks>,
}

/// The destination of repositioning drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepositionTo {
    /// The pickups of the whole run.
    HotSpots,
    /// Cells where other days at this hour have more requests than there are free drivers now.
    Shortage,
}

/// The breaks of drivers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaks {
    /// Work between two breaks: shortest and longest, minutes.
    pub every_min: [f64; 2],
    /// Length of a break: shortest and longest, minutes.
    pub for_min: [f64; 2],
}

/// The faults between drivers and the service. By default there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Standard deviation of a measured position in each direction, meters. Successive errors are correlated.
    pub gps_noise_m: f64,
    /// Share of reports that are lost.
    pub drop_reports: f64,
    /// Share of reports that are delayed.
    pub delay_reports: f64,
    /// Delay of a report: shortest and longest, milliseconds.
    pub delay_ms: [u32; 2],
    /// Share of drivers' actions that are lost. Drivers repeat them.
    pub drop_actions: f64,
    /// Share of offers that are lost.
    pub drop_offers: f64,
    /// How often a driver loses the connection, times an hour on shift,
    pub cuts_per_h: f64,
    /// Length of an outage: shortest and longest, seconds. The driver sends nothing during it, and receives the held
    /// events after it.
    pub cut_s: [f64; 2],
    /// Areas without measured positions.
    pub tunnels: Vec<Tunnel>,
}

/// An area without measured positions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Tunnel {
    /// A circle around a place.
    Circle {
        /// Center of the circle.
        center: GeoPoint,
        /// Radius, meters.
        radius_m: f64,
    },
    /// The inside of a polygon.
    Polygon {
        /// Corners of the polygon, in order.
        polygon: Vec<GeoPoint>,
    },
}

impl Default for RiderBehavior {
    fn default() -> Self {
        Self {
            patience_s: 300.0,
            patience_spread: 0.4,
            pickup_patience_s: 900.0,
            pickup_patience_spread: 0.4,
            random_cancel_rate: 0.02,
            boarding_s: [15.0, 60.0],
            stars_s: [300.0, 480.0, 720.0, 960.0],
        }
    }
}

impl Default for DriverBehavior {
    fn default() -> Self {
        Self {
            think_ms: [2_000, 8_000],
            decline: 0.05,
            decline_per_min: 0.01,
            offer_timeout_rate: 0.03,
            cruise: 0.5,
            cruise_m: 500.0,
            reposition: 0.3,
            reposition_after_s: 300.0,
            reposition_to: RepositionTo::HotSpots,
            breaks: None,
        }
    }
}
