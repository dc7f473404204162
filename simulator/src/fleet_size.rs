//! The fewest vehicles for a day of trips, beside the cars that served it and beside a published figure.
//!
//! After Vazifeh, Santi, Resta, Strogatz, Ratti, "Addressing the minimum fleet problem in on-demand urban mobility",
//! Nature 557 (2018), 534 to 538. Here too the smallest fleet is that of the fewest chains of trips, each of which one
//! vehicle can serve without anybody waiting; the network is exact. Different from theirs: times between trips are
//! those of the streets of today, made slower by the hour until the day's own trips take as long as they took; where
//! vehicles begin online is drawn from the day's pickups.

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

/// Fleets that are tried online, times the smallest one: those of the paper.
pub const TIMES: [f64; 2] = [1.2, 2.0];
/// A trip that ends farther than this from a street is off the map, meters.
const SNAP_MAX_M: f64 = 500.0;

/// Settings of `simulator fleet-size`.
#[derive(Args, Clone, Debug, Serialize)]
pub struct FleetSizeOptions {
    /// Trips: CSV, plain or .gz, with the columns `request_time`, `pickup_lat`, `pickup_lon`, `dropoff_lat`,
    /// `dropoff_lon`, `passengers`, and where known `dropoff_time` and `cab_id`
    #[arg(long, value_name = "FILE")]
    pub trips: PathBuf,
    /// The road network, as `kerb roads import` writes it
    #[arg(long, value_name = "FILE")]
    pub roads: PathBuf,
    /// The local date, like 2008-05-22
    #[arg(long, value_name = "DATE")]
    pub day: String,
    /// At most this long from a drop-off to the vehicle's next pickup, minutes
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=240))]
    pub delta_min: u16,
    /// How many times longer than on free streets a way takes; from the day's own trips when absent
    #[arg(long, value_name = "FACTOR", value_parser = kerb_loadgen::options::parse_positive)]
    pub slowdown: Option<f64>,
    /// Online, a trip that would begin later than this after it was wanted is lost, seconds
    #[arg(long, default_value_t = 360, value_parser = clap::value_parser!(u32).range(60..=i64::from(DELAY_MAX_S)))]
    pub delay_max_s: u32,
    /// Of the places where vehicles begin online
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the report as one JSON object
    #[arg(long)]
    #[serde(skip)]
    pub json: bool,
}

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum FleetSizeError {
    /// The trips are no day.
    #[error(transparent)]
    Day(#[from] DayError),
    /// The roads are none.
    #[error(transparent)]
    Roads(#[from] RoadsError),
    /// The day is too much.
    #[error(transparent)]
    TooManyPairs(#[from] TooManyPairs),
    /// No trip of the day is left.
    #[error("none of the day's {0} trips is on the map: the road network must be of their city")]
    OffMap(usize),
}

/// Reads, reckons, and compares. `elapsed_us` tells microseconds since some moment; `tell` hears what is done next.
pub fn fleet_size(
    options: &FleetSizeOptions,
    elapsed_us: &dyn Fn() -> u64,
    tell: &dyn Fn(&str),
) -> Result<FleetSizeReport, FleetSizeError> {
    tell("reading streets and trips");
    let roads = Roads::open(&options.roads, SNAP_MAX_M)?;
    let lines = day::lines(&options.trips, &options.day).map_err(DayError::from)?;
    let day = Day::new(&roads, &lines, options.slowdown)?;
    if day.trips.is_empty() {
        return Err(FleetSizeError::OffMap(lines.len()));
    }
    let routes = roads.engine().routes();
    tell(&format!("asking who can be served after whom, of {} trips", day.trips.len()));
    let graph = shareability(&day, &routes, i64::from(options.delta_min) * 60)?;
    let edges = graph.edges();
    tell(&format!("matching along {edges} edges"));
    let began_us = elapsed_us();
    let matching = maximum_matching(&graph);
    let matching_s = (elapsed_us() - began_us) as f64 / 1e6;
    let fleet = chains(&matching).len();
    drop(graph);
    let online = TIMES.map(|times| {
        tell(&format!("serving the day online with {times} times {fleet} vehicles"));
        let vehicles = (fleet as f64 * times).ceil() as usize;
        let fleet = OnlineFleet { times, vehicles, delay_max_s: options.delay_max_s, seed: options.seed };
        self::online(&day, &routes, fleet, elapsed_us)
    });
    Ok(FleetSizeReport::new(
        options,
        &day,
        &report::Offline { fleet, edges, matching, matching_s },
        online.into(),
    ))
}
