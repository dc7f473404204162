//! The demo: a whole node in this process, real taxis on real gRPC streams, every answer judged, over in a minute.

use std::io::{self, Write};

use clap::Args;
use kerb::settings::DataDir;
use kerb::{ALL_ROLES, Node, Settings};
use kerb_fleet::SystemClock;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::options::ReplayOptions;
use crate::replay::{Out, replay};
use crate::report::ReplayReport;

/// The shipped half hour takes 50 s.
const SPEED_UP: f64 = 36.0;
/// San Francisco in May.
const UTC_OFFSET_H: i32 = -7;

/// Settings of the demo.
#[derive(Args, Clone, Debug, Serialize)]
pub struct DemoOptions {
    /// How much faster than life; the shipped half hour then takes 50 s
    #[arg(long, default_value_t = SPEED_UP, value_parser = crate::options::parse_positive)]
    pub speed_up: f64,
    /// Replay so many seconds of the half hour; all when absent
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<i64>,
    /// Random questions asked and judged a second
    #[arg(long, default_value_t = 100.0, value_parser = crate::options::parse_positive)]
    pub searches_per_second: f64,
    /// Of all randomness
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the report as one JSON object, and the news on standard error
    #[arg(long)]
    pub json: bool,
}

/// Starts a node as `kerb serve` does, on a free port and with an empty data folder, replays the shipped half hour
/// against it, and stops it.
pub async fn demo(options: &DemoOptions, stop: CancellationToken) -> Result<ReplayReport, String> {
    let data = tempfile::tempdir().map_err(|e| format!("a temporary folder: {e}"))?;
    let mut settings = Settings::default();
    settings.node.listen = Some(([127, 0, 0, 1], 0).into());
    settings.node.data_dir = DataDir(Some(data.path().to_owned()));
    // Time runs faster here: a cab that reports every 3 s reports a dozen times a second.
    settings.location_ingest.driver_updates_per_s = 0;
    let node = Node::start(settings, &ALL_ROLES).await.map_err(|e| e.to_string())?;

    let out = if options.json { Out::Stderr } else { Out::Stdout };
    if !options.json {
        introduce(node.address(), options);
    }
    let replayed = replay(replay_options(node.address(), options), &SystemClock, out, stop).await;
    node.shutdown().await;
    replayed.map_err(|e| e.to_string())
}

fn replay_options(address: std::net::SocketAddr, options: &DemoOptions) -> ReplayOptions {
    ReplayOptions {
        endpoints: vec![format!("http://{address}")],
        speed_up: options.speed_up,
        duration: options.duration,
        searches_per_second: options.searches_per_second,
        utc_offset_h: UTC_OFFSET_H,
        seed: options.seed,
        json: options.json,
        ..ReplayOptions::default()
    }
}

fn introduce(address: std::net::SocketAddr, options: &DemoOptions) {
    let text = format!(
        "A whole kerb node is up at {address}: location ingest, index server and aggregator.\n\
         San Francisco, Thursday 22 May 2008, from 17:00, {} times as fast: each taxi has its own gRPC stream and\n\
         reports every 3 s of its time. Meanwhile random questions are asked, and every answer is judged against all\n\
         positions that were sent.\n",
        options.speed_up
    );
    // A reader that has gone away does not end the demo.
    _ = writeln!(io::stdout(), "{text}");
}
