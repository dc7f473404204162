//! Streets, demand and fleet of a scenario: plain values with defaults.

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
    /// As a position.
    pub fn lat_lng(self) -> Result<LatLng, CoordinateError> {
        LatLng::new(self.lat, self.lon)
    }
}

/// What is driven on, and how fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streets {
    /// Where the streets come from.
    pub source: StreetSource,
    /// A way takes so many times as long as at the streets' limits; the service knows.
    #[serde(default = "one")]
    pub slowness: f64,
    /// On top of it, by the hour of the city's day in which the way begins: 24 factors, or none. The service does not
    /// know.
    #[serde(default)]
    pub slowness_by_hour: Vec<f64>,
    /// RiderBehavior and drivers farther than this from every street are left out, meters.
    #[serde(default = "snap_max_m")]
    pub snap_max_m: f64,
}

/// Where the streets come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StreetSource {
    /// An OpenStreetMap extract.
    Pbf {
        /// The extract.
        file: String,
    },
    /// Tables of nodes and edges, as `kerb roads import` takes them.
    Csv {
        /// `node_id,lat,lon`.
        nodes: String,
        /// `from_node,to_node,length_m,highway`, perhaps `maxspeed_kmh` and `two_way`.
        edges: String,
    },
    /// What `kerb roads import` wrote.
    Kerb {
        /// The road network.
        file: String,
    },
    /// Streets of a made-up city: a grid of two-way streets, every fourth of them faster.
    Grid {
        /// Its middle.
        center: GeoPoint,
        /// Streets from west to east, and from south to north.
        streets: u32,
        /// From one to the next, meters.
        block_m: f64,
    },
    /// No streets: straight lines.
    Straight {
        /// Kilometers an hour.
        speed_kmh: f64,
        /// A way is so many times as long as the great circle.
        detour: f64,
    },
}

/// Who wants to go where, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// Where riders come from.
    pub source: DemandSource,
    /// So many times the requests: below 1 some are left out, above 1 some come again at another minute and corner.
    #[serde(default = "one")]
    pub scale: f64,
    /// Times when there is more, or less, demand.
    #[serde(default)]
    pub bursts: Vec<Burst>,
}

/// Where riders come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DemandSource {
    /// Trips that somebody made.
    Trips {
        /// CSV, plain or .gz: `request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers`, perhaps more.
        file: String,
        /// The file's times are moved by so many seconds.
        #[serde(default)]
        shift_s: i64,
    },
    /// Counts of trips between zones, by weekday and quarter of an hour.
    Zones {
        /// CSV: `weekday,slot_15min,pickup_zone,dropoff_zone,` and the trips of all `days` together.
        counts: String,
        /// CSV: `node_id,taxi_zone`.
        zones: String,
        /// CSV: `node_id,lat,lon`.
        nodes: String,
        /// Monday is 0.
        weekday: u8,
        /// Days of this weekday that are in the counts.
        days: f64,
    },
    /// A Poisson process whose riders begin and end around hot spots, or anywhere in a box.
    Field {
        /// Requests an hour, on average.
        rate_per_h: f64,
        /// By the hour of the city's day: 24 factors on the rate, or none.
        #[serde(default)]
        by_hour: Vec<f64>,
        /// Where riders begin.
        pickups: Vec<HotSpot>,
        /// Where they go; as where they begin when there are none.
        #[serde(default)]
        dropoffs: Vec<HotSpot>,
        /// The share of ends that lie anywhere.
        #[serde(default)]
        anywhere: f64,
        /// Where anywhere is.
        area: BoundingBox,
        /// A ride is at least so long, meters on the great circle.
        #[serde(default = "ride_min_m")]
        ride_min_m: f64,
    },
}

/// A box.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundingBox {
    /// Degrees.
    pub south: f64,
    /// Degrees.
    pub west: f64,
    /// Degrees.
    pub north: f64,
    /// Degrees.
    pub east: f64,
}

/// A place around which agents begin or end, normally distributed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotSpot {
    /// Latitude of its middle, degrees.
    pub lat: f64,
    /// Longitude of its middle, degrees.
    pub lon: f64,
    /// Standard deviation to each side, meters.
    pub spread_m: f64,
    /// Its share among the others' weights.
    #[serde(default = "one")]
    pub weight: f64,
}

/// A time with another demand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// From the beginning of the city, seconds.
    pub after_s: u32,
    /// How long, seconds.
    pub for_s: u32,
    /// So many times the requests.
    pub factor: f64,
}

/// Who drives, from where, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// Where drivers come from.
    pub source: FleetSource,
}

/// Where drivers come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FleetSource {
    /// Where and when real drivers began.
    Starts {
        /// CSV: `time,cab_id,lat,lon`, the time as RFC 3339; the first row of a cab counts. A cab that began before
        /// the city works from its beginning.
        file: String,
        /// They work so long: shortest and longest, hours. To the end of the city when not set.
        #[serde(default)]
        shift_h: Option<[f64; 2]>,
        /// DriverBehavior, at most.
        #[serde(default = "drivers_max")]
        drivers_max: u32,
    },
    /// Real cabs: where each first reported, and on shift as long as it did.
    Pings {
        /// CSV: `time,cab_id,lat,lon,occupied`, the time in unix seconds.
        file: String,
        /// DriverBehavior, at most.
        #[serde(default = "drivers_max")]
        drivers_max: u32,
    },
    /// DriverBehavior who begin where riders will.
    Placed {
        /// How many.
        drivers: u32,
        /// Each works so long: shortest and longest, hours, begun at any time, so that about as many work at each
        /// time. The whole run when not set.
        #[serde(default)]
        shift_h: Option<[f64; 2]>,
    },
}

/// A kind of vehicle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleClass {
    /// As the service's settings name it.
    pub name: String,
    /// Seats for riders.
    #[serde(default = "seats")]
    pub seats: u32,
    /// Share of the fleet, among the others'.
    #[serde(default = "one")]
    pub fleet: f64,
    /// Share of the riders who ask for it, among the others'.
    #[serde(default = "one")]
    pub riders: f64,
}

pub(super) fn one_seed() -> u64 {
    1
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
