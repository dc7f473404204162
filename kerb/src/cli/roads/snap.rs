//! Streets of a file, and how positions are put on them: what all commands that ask for ways have in common.

use std::path::Path;

use kerb_routing::Roads;

use super::super::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct SnapArgs {
    /// A position farther from every street is off the map
    #[arg(long, value_name = "M", default_value_t = 300.0, value_parser = metres)]
    snap_max_m: f64,
}

impl SnapArgs {
    pub(super) fn open(&self, path: &Path) -> Result<Roads, Failure> {
        let roads = Roads::open(path, self.snap_max_m);
        roads.map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
    }
}

fn metres(text: &str) -> Result<f64, String> {
    let metres: f64 = text.parse().map_err(|error| format!("{text:?} is not a number: {error}"))?;
    // A range holds no NaN.
    if (1.0..=10_000.0).contains(&metres) { Ok(metres) } else { Err("must be 1 to 10000".to_owned()) }
}
