//! Every setting of a city with matching, with its default.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::driver::Habits;
use crate::options::{ENDPOINT_DEFAULT, defaults, parse_positive};

/// Settings of a city with matching.
#[derive(Args, Clone, Debug, Serialize)]
pub struct RideOptions {
    /// Trips that riders ask for: CSV, plain or .gz, with the first columns `request_time`, `pickup_lat`,
    /// `pickup_lon`, `dropoff_lat`, `dropoff_lon`, `passengers`; four hours of San Francisco when absent
    #[arg(long, value_name = "FILE")]
    pub trips: Option<PathBuf>,
    /// Pings that say where and when drivers begin: CSV, plain or .gz, as for `replay`; half an hour of San Francisco
    /// when absent
    #[arg(long, value_name = "FILE")]
    pub pings: Option<PathBuf>,
    /// Where drivers connect, several times for several nodes
    #[arg(long = "endpoint", value_name = "URL", default_values_t = [ENDPOINT_DEFAULT.to_owned()])]
    pub endpoints: Vec<String>,
    /// Where riders ask, several times for several nodes; the drivers' endpoints when absent
    #[arg(long = "rider-endpoint", value_name = "URL")]
    pub rider_endpoints: Vec<String>,
    /// How much faster than life the city runs. What the node measures in its own time is not faster: divide its
    /// `matcher` limits by this, as the demo does, and give it no limit of updates a second
    #[arg(long, default_value_t = 1.0, value_parser = parse_positive)]
    pub speed_up: f64,
    /// Begin here, in unix seconds of the files' time; the first ping when absent
    #[arg(long, value_name = "UNIX_S")]
    pub from: Option<i64>,
    /// So many seconds of the city's time; to the last ping when absent
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(1..))]
    pub duration: Option<i64>,
    /// Drivers, at most
    #[arg(long, default_value_t = 10_000)]
    pub drivers: usize,
    /// A driver reports this often, in milliseconds of the city's time
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(100..))]
    pub report_every_ms: u32,
    /// Speed of all drivers, kilometres an hour of the city's time
    #[arg(long, default_value_t = 22.0, value_parser = parse_positive)]
    pub speed_kmh: f64,
    /// Their ways are so many times as long as the great circle
    #[arg(long, default_value_t = 1.35, value_parser = parse_positive)]
    pub detour: f64,
    /// Class of all vehicles
    #[arg(long, default_value = "standard")]
    pub vehicle_class: String,
    /// Of 100 offers, so many are accepted
    #[arg(long, default_value_t = 85, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub accept_percent: u32,
    /// Of 100 offers, so many get no answer; the rest are declined
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub lapse_percent: u32,
    /// Of 100 riders, so many cancel after a while, if they are not in a vehicle by then
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub cancel_percent: u32,
    /// A rider waits so long for a driver who accepts, in milliseconds of the city's time
    #[arg(long, default_value_t = 300_000)]
    pub wait_max_ms: u32,
    /// Connections to each endpoint over which streams and watches are spread
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub connections: u32,
    /// Of all randomness
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A line of news this often, real seconds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub report_interval_s: u32,
    /// The news tell the time of day in this zone, hours from UTC
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-12..=14))]
    pub utc_offset_h: i32,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
}

impl Default for RideOptions {
    fn default() -> Self {
        defaults()
    }
}

impl RideOptions {
    /// What all drivers are like.
    pub fn habits(&self) -> Habits {
        Habits {
            accept_percent: self.accept_percent,
            lapse_percent: self.lapse_percent,
            closing_mps: self.speed_kmh / 3.6 / self.detour,
        }
    }
}
