//! Extracts parts of files of pings and trips, byte for byte equal each time. It made the shipped data files.

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use kerb_routing::csv_rows::{CsvError, CsvTable, LastLine};

use crate::recorded::pings::{COLUMNS, Pings};
use crate::recorded::trips;

/// Writes `pings` as gzipped CSV. The same pings give the same bytes: the header of the gzip file has no time and no
/// name.
pub fn write_gz(pings: &Pings, out: impl Write) -> io::Result<()> {
    let mut gz = gz(out);
    write_csv(pings, &mut gz)?;
    gz.finish()?.flush()
}

/// Writes `pings` as CSV: five decimals of a degree (1.1 m), as the source has them.
pub fn write_csv(pings: &Pings, mut out: impl Write) -> io::Result<()> {
    writeln!(out, "{}", COLUMNS.join(","))?;
    for ping in &pings.pings {
        let (id, place) = (&pings.cabs[ping.cab as usize], ping.place);
        let occupied = u8::from(ping.occupied);
        writeln!(out, "{},{id},{:.5},{:.5},{occupied}", ping.time_s, place.lat_deg(), place.lon_deg())?;
    }
    Ok(())
}

/// The trips of a file within these unix seconds, each as the line of text that stands there, only with the columns
/// that are read.
pub fn trip_lines(path: &Path, within_s: &Range<i64>) -> Result<Vec<String>, CsvError> {
    let mut table = CsvTable::open(path, LastLine::MayBeOpen)?;
    table.require_first(&trips::COLUMNS, false)?;
    let lines = table.read_all(|row| {
        let time_s = trips::time_s(row)?;
        let fields: Vec<_> = (0..trips::COLUMNS.len()).map(|column| row.text(column)).collect();
        Ok(within_s.contains(&time_s).then(|| fields.join(",")))
    })?;
    Ok(lines.into_iter().flatten().collect())
}

/// Writes lines of trips as gzipped CSV, the same bytes for the same lines.
pub fn write_trips_gz(lines: &[String], out: impl Write) -> io::Result<()> {
    let mut gz = gz(out);
    writeln!(gz, "{}", trips::COLUMNS.join(","))?;
    for line in lines {
        writeln!(gz, "{line}")?;
    }
    gz.finish()?.flush()
}

fn gz<W: Write>(out: W) -> GzEncoder<W> {
    GzBuilder::new().mtime(0).write(out, Compression::best())
}
