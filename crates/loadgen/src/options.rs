//! Every setting of replays and load runs, with its default. The command line and the
//! reports use them.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::checker::Limits;

/// The address at which a node listens by default.
pub const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:7717";

/// Settings of a replay.
#[derive(Args, Clone, Debug, Serialize)]
pub struct ReplayOptions {
    /// Pings to replay: CSV, plain or .gz, with the columns `time`, `cab_id`, `lat`, `lon`, `occupied`; half an hour
    /// of San Francisco when absent
    #[arg(long, value_name = "FILE")]
    pub pings: Option<PathBuf>,
    /// Where drivers connect, several times for several nodes
    #[arg(long = "endpoint", value_name = "URL", default_values_t = [ENDPOINT_DEFAULT.to_owned()])]
    pub endpoints: Vec<String>,
    /// Where searches go, several times for several nodes; the drivers' endpoints when absent
    #[arg(long = "search-endpoint", value_name = "URL")]
    pub search_endpoints: Vec<String>,
    /// Factor over real time. A node with default settings accepts 5 updates a second from a driver, so 15 is the maximum
    #[arg(long, default_value_t = 1.0, value_parser = parse_positive)]
    pub speed_up: f64,
    /// Begin here, in unix seconds of the file's time; the first ping when absent
    #[arg(long, value_name = "UNIX_S")]
    pub from: Option<i64>,
    /// Seconds of the file's time to replay; to the last ping when absent
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<i64>,
    /// Reporting interval of a cab, in milliseconds of the file's time
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(100..))]
    pub report_every_ms: u32,
    /// A cab that is silent for longer than this has ended its shift, in seconds of the file's time
    #[arg(long, default_value_t = crate::recorded::track::GAP_MAX_S)]
    pub gap_max_s: i64,
    /// Random queries sent and checked, per real second
    #[arg(long, default_value_t = 50.0, value_parser = parse_positive)]
    pub searches_per_second: f64,
    /// Queries in flight at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub searchers: u32,
    /// Updates tracked at once until a search shows them, to measure freshness
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub probes: u32,
    /// Connections to each endpoint over which the cabs' streams are spread
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub connections: u32,
    /// Time after which a sent update must be searchable, in real milliseconds
    #[arg(long, default_value_t = 1_000)]
    pub allowance_ms: u32,
    /// The server's `aggregator.stale_after_ms`
    #[arg(long, default_value_t = 15_000)]
    pub stale_after_ms: u32,
    /// The server's `fleet.position_ttl_ms`
    #[arg(long, default_value_t = 60_000)]
    pub position_ttl_ms: u32,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Interval between two lines of progress, real seconds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub report_interval_s: u32,
    /// Zone of the time of day in the progress lines, hours from UTC
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-12..=14))]
    pub utc_offset_h: i32,
    /// Wrong answers to print in full
    #[arg(long, default_value_t = 10)]
    pub wrong_printed_max: u32,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Settings of a load run. Streams, batches and searches run side by side; a run needs at least one of them.
#[derive(Args, Clone, Debug, Serialize)]
pub struct LoadOptions {
    /// The node under load, several times for several nodes
    #[arg(long = "endpoint", value_name = "URL", default_values_t = [ENDPOINT_DEFAULT.to_owned()])]
    pub endpoints: Vec<String>,
    /// Where searches go; the other endpoints when absent
    #[arg(long = "search-endpoint", value_name = "URL")]
    pub search_endpoints: Vec<String>,
    /// Real seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub duration: u32,
    /// Driver streams, one a driver
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub streams: u32,
    /// Driver streams on one connection
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub streams_per_connection: u32,
    /// Reporting interval of a driver with a stream, milliseconds
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(10..))]
    pub report_every_ms: u32,
    /// Updates a second in batches; 0 for none
    #[arg(long, default_value_t = 0)]
    pub updates_per_second: u64,
    /// Drivers in the batches
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=16_000_000))]
    pub drivers: u32,
    /// Updates in a batch
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub batch_rows: u32,
    /// Connections with one stream of batches each
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub batch_connections: u32,
    /// Searches per second; 0 with --searchers above 0 means as fast as answers come
    #[arg(long, default_value_t = 0)]
    pub searches_per_second: u64,
    /// Searches in flight at once; 0 for none
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_024))]
    pub searchers: u32,
    /// Connections over which the searches are spread
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub search_connections: u32,
    /// Neighbors that a search asks for
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub k: u32,
    /// Radius of a search, meters
    #[arg(long, default_value_t = 5_000.0, value_parser = parse_positive)]
    pub radius_m: f64,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads of the generator
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub threads: u32,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        defaults()
    }
}

impl Default for LoadOptions {
    fn default() -> Self {
        defaults()
    }
}

impl ReplayOptions {
    /// Returns the server's limits of age for the checker.
    pub fn limits(&self) -> Limits {
        Limits {
            stale_after_ms: i64::from(self.stale_after_ms),
            position_ttl_ms: i64::from(self.position_ttl_ms),
            ..Limits::default()
        }
    }
}

/// Returns the defaults of the command line.
pub fn defaults<O: Args>() -> O {
    let command = O::augment_args(clap::Command::new("defaults").no_binary_name(true));
    let matches = command.get_matches_from(std::iter::empty::<&str>());
    O::from_arg_matches(&matches).expect("every flag has a default")
}

/// A span of time like `90s`, `30m` or `2h`, for the command line, in milliseconds.
pub fn parse_span_ms(text: &str) -> Result<i64, String> {
    let units = [("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    let read = units.into_iter().find_map(|(unit, ms)| {
        let whole = text.strip_suffix(unit)?.parse::<u32>().ok()?;
        Some(i64::from(whole) * ms)
    });
    read.ok_or_else(|| format!("{text:?} is no span of time, must be like 90s, 30m or 2h"))
}

/// A span of time as [`parse_span_ms`] reads it; what is less than a second is left out.
pub fn span(ms: i64) -> String {
    match ms / 1_000 {
        s if s != 0 && s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s != 0 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// A number above 0, for the command line.
pub fn parse_positive(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0);
    value.ok_or_else(|| format!("{text:?} is not a number above 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (text, ms) in [("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("0s", 0)] {
            assert_eq!((parse_span_ms(text), &*span(ms)), (Ok(ms), text));
        }
        for wrong in ["", "30", "m", "1.5h", "-1s", "1h30m"] {
            assert!(parse_span_ms(wrong).unwrap_err().ends_with("must be like 90s, 30m or 2h"), "{wrong}");
        }
    }
}
