//! Cuts a part out of a file of pings, the same bytes every time. The shipped slice was made by it.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};

use crate::pings::{COLUMNS, Pings};

/// Writes `pings` as gzipped CSV. The same pings give the same bytes: the header of the gzip file has no time and no
/// name.
pub fn write_gz(pings: &Pings, out: impl Write) -> io::Result<()> {
    let mut gz = GzBuilder::new().mtime(0).write(out, Compression::best());
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
