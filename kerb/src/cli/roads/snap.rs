//! Opens a road network and snaps positions to it, for the commands that compute routes.

use std::path::Path;

use kerb_routing::Roads;

use super::super::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct SnapArgs {
    /// Maximum distance from a position to its street
    #[arg(long, value_name = "M", default_value_t = 300.0, value_parser = meters)]
    snap_max_m: f64,
}

impl SnapArgs {
    pub(super) fn open(&self, path: &Path) -> Result<Roads, Failure> {
        let roads = Roads::open(path, self.snap_max_m);
        roads.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
    }
}

fn meters(text: &str) -> Result<f64, String> {
    let meters: f64 = text.parse().map_err(|error| format!("{text:?} is not a number: {error}"))?;
    // A range never contains NaN.
    if (1.0..=10_000.0).contains(&meters) { Ok(meters) } else { Err("must be 1 to 10000".to_owned()) }
}
