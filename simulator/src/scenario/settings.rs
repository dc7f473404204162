//! The streets, the demand and the fleet of a scenario: plain values with defaults.

use kerb_geometry::{CoordinateError, LatLng};
use serde::{Deserialize, Serialize};

/// A position in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeoPoint {
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
}

impl GeoPoint {
    /// Converts the degrees to a position on the lattice.
    pub fn lat_lng(self) -> Result<LatLng, CoordinateError> {
        LatLng::new(self.lat, self.lon)
    }
}

/// The streets of a city, and how slow they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streets {
    /// Source of the streets.
    pub source: StreetSource,
    /// Factor on all travel times, relative to the speed limits; the service applies the same factor.
    #[serde(default = "one")]
    pub slowness: f64,
    /// Further factors by the city's hour in which a trip begins: 24 values, or none. The service does not apply them.
    #[serde(default)]
    pub slowness_by_hour: Vec<f64>,
    /// Riders and drivers that are farther than this from every street are left out, meters.
    #[serde(default = "snap_max_m")]
    pub snap_max_m: f64,
}

/// The source of the streets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StreetSource {
    /// An OpenStreetMap extract.
    Pbf {
        /// Path of the extract.
        file: String,
    },
    /// Tables of nodes and edges, as `kerb roads import` takes them.
    Csv {
        /// CSV with the columns `node_id,lat,lon`.
        nodes: String,
        /// CSV with the columns `from_node,to_node,length_m,highway`, and optionally `maxspeed_kmh` and `two_way`.
        edges: String,
    },
    /// A road network that `kerb roads import` wrote.
    Kerb {
        /// Path of the road network.
        file: String,
    },
    /// A synthetic grid of two-way streets; every fourth street is faster.
    Grid {
        /// Center of the grid.
        center: GeoPoint,
        /// Number of streets from west to east, and from south to north.
        streets: u32,
        /// Distance between two streets, meters.
        block_m: f64,
    },
    /// Straight lines instead of streets.
    Straight {
        /// Speed, kilometers per hour.
        speed_kmh: f64,
        /// Ratio of a trip's length to the great circle.
        detour: f64,
    },
}

/// The trips that riders request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// Source of the requests.
    pub source: DemandSource,
    /// Factor on the number of requests. Below 1, some requests are left out; above 1, some are repeated at another time
    /// and from neighboring places.
    #[serde(default = "one")]
    pub scale: f64,
    /// Periods with more or less demand.
    #[serde(default)]
    pub bursts: Vec<Burst>,
}

/// The source of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DemandSource {
    /// The requests are recorded trips.
    Trips {
        /// CSV, plain or .gz, whose first columns are
        /// `request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers`.
        file: String,
        /// Offset that is added to the file's times, seconds.
        #[serde(default)]
        shift_s: i64,
    },
    /// Counts of trips between zones, by weekday and quarter of an hour.
    Zones {
        /// CSV with the columns `weekday,slot_15min,pickup_zone,dropoff_zone`, and the number of trips of all `days`.
        counts: String,
        /// CSV with the columns `node_id,taxi_zone`.
        zones: String,
        /// CSV with the columns `node_id,lat,lon`.
        nodes: String,
        /// Weekday to draw; Monday is 0.
        weekday: u8,
        /// Number of days of this weekday in the counts.
        days: f64,
    },
    /// A Poisson process. Trips begin and end around hot spots, or anywhere in a box.
    Field {
        /// Mean requests per hour.
        rate_per_h: f64,
        /// Factors on the rate by the city's hour: 24 values, or none.
        #[serde(default)]
        by_hour: Vec<f64>,
        /// Hot spots of pickups.
        pickups: Vec<HotSpot>,
        /// Hot spots of drop-offs; those of pickups when empty.
        #[serde(default)]
        dropoffs: Vec<HotSpot>,
        /// Share of the ends that lie anywhere in `area`.
        #[serde(default)]
        anywhere: f64,
        /// The box that contains all ends.
        area: BoundingBox,
        /// Minimum length of a ride, meters on the great circle.
        #[serde(default = "ride_min_m")]
        ride_min_m: f64,
    },
}

/// A box between two parallels and two meridians, degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are the four sides")]
pub struct BoundingBox {
    pub south: f64,
    pub west: f64,
    pub north: f64,
    pub east: f64,
}

/// A place around which agents begin or end, normally distributed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotSpot {
    /// Latitude of the center, degrees.
    pub lat: f64,
    /// Longitude of the center, degrees.
    pub lon: f64,
    /// Standard deviation in each direction, meters.
    pub spread_m: f64,
    /// Weight of the hot spot among all hot spots.
    #[serde(default = "one")]
    pub weight: f64,
}

/// A period with more or less demand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// Beginning of the period, seconds after the beginning of the run.
    pub after_s: u32,
    /// Length of the period, seconds.
    pub for_s: u32,
    /// Factor on the number of requests.
    pub factor: f64,
}

/// The drivers, their starting places and their shifts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// Source of the drivers.
    pub source: FleetSource,
}

/// The source of the drivers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FleetSource {
    /// The starts of recorded shifts.
    Starts {
        /// CSV with the columns `time,cab_id,lat,lon`, the time as RFC 3339. The first row of a cab counts. A cab that
        /// starts before the run works from the run's beginning.
        file: String,
        /// Length of a shift: shortest and longest, hours. Until the end of the run when not set.
        #[serde(default)]
        shift_h: Option<[f64; 2]>,
        /// Maximum number of drivers.
        #[serde(default = "drivers_max")]
        drivers_max: u32,
    },
    /// Real cabs: where each first reported, and on shift as long as it did.
    Pings {
        /// CSV with the columns `time,cab_id,lat,lon,occupied`, the time in unix seconds.
        file: String,
        /// Maximum number of drivers.
        #[serde(default = "drivers_max")]
        drivers_max: u32,
    },
    /// Drivers at the pickups of random requests.
    Placed {
        /// Number of drivers.
        drivers: u32,
        /// Length of a shift: shortest and longest, hours. Shifts start at random times, so that about as many drivers
        /// work at each time. The whole run when not set.
        #[serde(default)]
        shift_h: Option<[f64; 2]>,
    },
}

/// A class of vehicles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleClass {
    /// Name of the class in the service's settings.
    pub name: String,
    /// Seats for riders.
    #[serde(default = "seats")]
    pub seats: u32,
    /// Weight of the class in the fleet.
    #[serde(default = "one")]
    pub fleet: f64,
    /// Weight of the class among the requests.
    #[serde(default = "one")]
    pub riders: f64,
}

pub(super) fn one_seed() -> u64 {
    1
}

/// Returns the warm-up of a scenario that names none, seconds.
pub(super) fn warm_up_s(duration_s: u32) -> u32 {
    (duration_s / 6).min(1_800)
}

/// Enough for the longest patience, an hour, and a ride of another hour.
pub(super) fn drain_s() -> u32 {
    7_200
}

pub(super) fn report_every_ms() -> u32 {
    3_000
}

pub(super) fn sample_every_s() -> u32 {
    60
}

pub(super) fn one_class() -> Vec<VehicleClass> {
    vec![VehicleClass { name: "standard".to_owned(), seats: seats(), fleet: 1.0, riders: 1.0 }]
}

fn one() -> f64 {
    1.0
}

fn snap_max_m() -> f64 {
    300.0
}

fn ride_min_m() -> f64 {
    500.0
}

fn drivers_max() -> u32 {
    1_000_000
}

fn seats() -> u32 {
    4
}
