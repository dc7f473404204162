//! `simulator extract`: copies a time range out of a file of pings or trips.

use std::fs::File;
use std::io::{self, BufWriter};
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use kerb_loadgen::recorded::extract::{trip_lines, write_gz, write_trips_gz};
use kerb_loadgen::recorded::pings::Pings;

/// Options of `simulator extract`.
#[derive(Args, Debug)]
pub(super) struct ExtractOptions {
    /// The file of pings to read
    #[arg(long, value_name = "FILE", required_unless_present = "trips")]
    pings: Option<PathBuf>,
    /// The file of trips to read
    #[arg(long, value_name = "FILE", conflicts_with = "pings")]
    trips: Option<PathBuf>,
    /// Beginning of the range, unix seconds
    #[arg(long, value_name = "UNIX_S")]
    from: i64,
    /// Length of the range, minutes
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    minutes: u16,
    /// The file to write, gzipped
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl ExtractOptions {
    /// Writes the file, and returns a line for the user.
    pub(super) fn extract(&self) -> Result<String, String> {
        let within_s = self.from..self.from + i64::from(self.minutes) * 60;
        match (&self.trips, &self.pings) {
            (Some(trips), _) => extract_trips(trips, &within_s, &self.out),
            (None, Some(pings)) => extract_pings(pings, &within_s, &self.out),
            (None, None) => Err("no file to read: give --pings or --trips".to_owned()),
        }
    }
}

fn extract_trips(trips: &Path, within_s: &Range<i64>, out: &Path) -> Result<String, String> {
    let lines = trip_lines(trips, within_s).map_err(|e| e.to_string())?;
    if lines.is_empty() {
        return Err("no trips in these minutes".to_owned());
    }
    let file_error = |e: io::Error| format!("{}: {e}", out.display());
    let file = File::create(out).map_err(file_error)?;
    write_trips_gz(&lines, BufWriter::new(file)).map_err(file_error)?;
    Ok(format!("{} trips", lines.len()))
}

fn extract_pings(pings: &Path, within_s: &Range<i64>, out: &Path) -> Result<String, String> {
    let pings = Pings::read_file(pings).map_err(|e| e.to_string())?;
    let part = pings.cut(within_s.start, within_s.end);
    if part.pings.is_empty() {
        return Err(format!(
            "no pings in these minutes: the file has {} to {}, unix seconds",
            pings.begins_s(),
            pings.ends_s()
        ));
    }
    let file_error = |e: io::Error| format!("{}: {e}", out.display());
    let file = File::create(out).map_err(file_error)?;
    write_gz(&part, BufWriter::new(file)).map_err(file_error)?;
    Ok(format!("{} pings of {} cabs", part.pings.len(), part.cabs.len()))
}
