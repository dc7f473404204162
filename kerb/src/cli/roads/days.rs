//! The flags shared by the commands that read positions and trips.

use std::fs::File;
use std::path::Path;

use kerb_routing::speeds::UtcOffset;

use super::super::failure::Failure;
use super::snap::SnapArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct DayArgs {
    /// The offset of local time from UTC, minutes
    #[arg(long = "utc-offset-min", value_name = "MIN", default_value = "0", value_parser = minutes, allow_hyphen_values = true)]
    pub(super) offset: UtcOffset,
    #[command(flatten)]
    pub(super) snap: SnapArgs,
}

pub(super) fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}

fn minutes(text: &str) -> Result<UtcOffset, String> {
    let minutes = text.parse().ok().and_then(UtcOffset::new);
    minutes.ok_or_else(|| "must be -840 to 840".to_owned())
}
