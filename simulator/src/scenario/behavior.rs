//! How riders and drivers are, and what goes wrong between drivers and the service.

use serde::{Deserialize, Serialize};

use crate::scenario::settings::GeoPoint;

/// How riders are. Spans that are drawn are given as median and spread: log-normal, of 100 riders 68 are within a
/// factor of e to the spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiderBehavior {
    /// Half of the riders wait so long for a driver to accept, seconds.
    pub patience_s: f64,
    /// How riders differ in it.
    pub patience_spread: f64,
    /// Half of the riders wait so long at most for a driver who has accepted, seconds; they cancel at once when they
    /// are told more.
    pub pickup_patience_s: f64,
    /// How riders differ in it.
    pub pickup_patience_spread: f64,
    /// The share of riders who cancel for reasons of their own, at any time of their patience.
    pub random_cancel_rate: f64,
    /// Getting in takes so long: shortest and longest, seconds.
    pub boarding_s: [f64; 2],
    /// From the request to the ride: up to how many seconds a rider gives 5, 4, 3 and 2 stars.
    pub stars_s: [f64; 4],
}

/// How drivers are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriverBehavior {
    /// A driver looks at an offer so long: shortest and longest, milliseconds.
    pub think_ms: [u32; 2],
    /// The share of offers that are declined however near the rider is,
    pub decline: f64,
    /// and how much it grows with each minute to the pickup.
    pub decline_per_min: f64,
    /// The share of offers that get no answer.
    pub offer_timeout_rate: f64,
    /// The share of drivers who cruise while they are idle; the others stand.
    pub cruise: f64,
    /// Who cruises goes so far at a time, meters.
    pub cruise_m: f64,
    /// The share of drivers who go where riders are expected when they have been idle for `reposition_after_s`.
    pub reposition: f64,
    /// Seconds.
    pub reposition_after_s: f64,
    /// Where that is.
    pub reposition_to: RepositionTo,
    /// Breaks; none when not set.
    pub breaks: Option<Breaks>,
}

/// Where drivers expect riders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepositionTo {
    /// Where riders ask at any time of the run.
    HotSpots,
    /// Where more are expected, by the hour and place of other days, than there are free drivers.
    Shortage,
}

/// When drivers rest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaks {
    /// After so much work: shortest and longest, minutes.
    pub every_min: [f64; 2],
    /// For so long: shortest and longest, minutes.
    pub for_min: [f64; 2],
}

/// What goes wrong between drivers and the service. Nothing, by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Standard deviation of a measured position to each side, meters. Errors are alike from one report to the next.
    pub gps_noise_m: f64,
    /// The share of reports that never arrive.
    pub drop_reports: f64,
    /// The share of reports that arrive late,
    pub delay_reports: f64,
    /// by so much: shortest and longest, milliseconds.
    pub delay_ms: [u32; 2],
    /// The share of drivers' actions that never arrive; they are said again.
    pub drop_actions: f64,
    /// The share of offers that never arrive.
    pub drop_offers: f64,
    /// How often a driver loses the connection, times an hour on shift,
    pub cuts_per_h: f64,
    /// and for how long: shortest and longest, seconds. Nothing goes up meanwhile; what came down is heard afterwards.
    pub cut_s: [f64; 2],
    /// Where no position is measured.
    pub tunnels: Vec<Tunnel>,
}

/// Where no position is measured: a circle, or a polygon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Tunnel {
    /// Around a place.
    Circle {
        /// Its middle.
        center: GeoPoint,
        /// Meters.
        radius_m: f64,
    },
    /// Between places.
    Polygon {
        /// Its corners.
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
