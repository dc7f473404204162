//! The smallest fleet that serves a day of trips, compared with the real cars and with a published result.
//!
//! The method is that of Vazifeh, Santi, Resta, Strogatz, Ratti, "Addressing the minimum fleet problem in on-demand urban mobility",
//! Nature 557 (2018), 534 to 538. The smallest fleet is the smallest number of chains of trips, each of which one
//! vehicle can serve without a delay; the shareability network is exact. Unlike in the paper, the times between trips are
//! those of today's streets with a factor by hour, which is fitted to the durations of the day's own trips. The vehicles
//! of the online run start at random pickups of the day.

mod bipartite_matching;
mod day;
mod online;
mod published;
mod report;
mod shareability_graph;
mod slowness;

use std::path::PathBuf;

use clap::Args;
use kerb_routing::{Roads, RoadsError};
use serde::Serialize;

pub use bipartite_matching::{BipartiteMatching, chains, maximum_matching};
pub use day::{Day, DayError, DayTrip, DroppedTrips};
pub use online::{DELAY_MAX_S, OnlineFleet, OnlineReport, online};
pub use published::PublishedRow;
pub use report::FleetSizeReport;
pub use shareability_graph::{Graph, TooManyPairs, shareability};
pub use slowness::{Sample, Slowness};

/// Fleets of the online runs, as multiples of the smallest one. The paper has the same.
pub const TIMES: [f64; 2] = [1.2, 2.0];
/// Maximum distance of a trip's ends from the nearest street, meters.
const SNAP_MAX_M: f64 = 500.0;

/// Options of `simulator fleet-size`.
#[derive(Args, Clone, Debug, Serialize)]
pub struct FleetSizeOptions {
    /// File of trips: CSV, plain or .gz, with the columns `request_time`, `pickup_lat`, `pickup_lon`, `dropoff_lat`,
    /// `dropoff_lon`, `passengers`, and where known `dropoff_time` and `cab_id`
    #[arg(long, value_name = "FILE")]
    pub trips: PathBuf,
    /// The road network, as `kerb roads import` writes it
    #[arg(long, value_name = "FILE")]
    pub roads: PathBuf,
    /// Local date of the trips, like 2008-05-22
    #[arg(long, value_name = "DATE", value_parser = kerb_loadgen::recorded::trips::parse_day)]
    pub day: String,
    /// Maximum time from a drop-off to the vehicle's next pickup, minutes
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=240))]
    pub delta_min: u16,
    /// Factor on free-flow travel times; by default it is fitted to the day's own trips
    #[arg(long, value_name = "FACTOR", value_parser = kerb_loadgen::options::parse_positive)]
    pub slowdown: Option<f64>,
    /// Maximum delay of a trip in the online runs, seconds; a trip with a longer delay is lost
    #[arg(long, default_value_t = 360, value_parser = clap::value_parser!(u32).range(60..=i64::from(DELAY_MAX_S)))]
    pub delay_max_s: u32,
    /// Seed of the places where vehicles of the online runs start
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the report as one JSON object
    #[arg(long)]
    #[serde(skip)]
    pub json: bool,
}

/// The reason why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum FleetSizeError {
    /// The trips cannot be read.
    #[error(transparent)]
    Day(#[from] DayError),
    /// The road network cannot be read.
    #[error("{}: {source}", file.display())]
    Roads {
        /// Path of the file.
        file: PathBuf,
        /// What is wrong with it.
        source: RoadsError,
    },
    /// The day has too many pairs of trips.
    #[error(transparent)]
    TooManyPairs(#[from] TooManyPairs),
    /// No trip of the day is on the map.
    #[error("none of the day's {0} trips is on the map: the road network must be of their city")]
    OffMap(usize),
}

/// Computes the report. `elapsed_us` is a clock in microseconds; `progress` gets a line for each step.
pub fn fleet_size(
    options: &FleetSizeOptions,
    elapsed_us: &dyn Fn() -> u64,
    progress: &dyn Fn(&str),
) -> Result<FleetSizeReport, FleetSizeError> {
    progress("reading streets and trips");
    let opened = Roads::open(&options.roads, SNAP_MAX_M);
    let roads = opened.map_err(|source| FleetSizeError::Roads { file: options.roads.clone(), source })?;
    let lines = day::lines(&options.trips, &options.day).map_err(DayError::from)?;
    let day = Day::new(&roads, &lines, options.slowdown)?;
    if day.trips.is_empty() {
        return Err(FleetSizeError::OffMap(lines.len()));
    }
    let router = roads.engine().router();
    progress(&format!("computing which of {} trips can follow which", day.trips.len()));
    let graph = shareability(&day, &router, i64::from(options.delta_min) * 60)?;
    let edges = graph.edges();
    progress(&format!("matching along {edges} edges"));
    let began_us = elapsed_us();
    let matching = maximum_matching(&graph);
    let matching_s = (elapsed_us() - began_us) as f64 / 1e6;
    let fleet = chains(&matching).len();
    drop(graph);
    let online = TIMES.map(|times| {
        progress(&format!("serving the day online with {times} times {fleet} vehicles"));
        let vehicles = (fleet as f64 * times).ceil() as usize;
        let fleet = OnlineFleet { times, vehicles, delay_max_s: options.delay_max_s, seed: options.seed };
        self::online(&day, &router, fleet, elapsed_us)
    });
    Ok(FleetSizeReport::new(
        options,
        &day,
        &report::Offline { fleet, edges, matching, matching_s },
        online.into(),
    ))
}
