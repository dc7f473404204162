//! The OpenStreetMap extract. The first byte chooses: a whole file, or the content of the data block in a valid frame.

use std::io::Cursor;

use kerb_routing::import::import_pbf;

use crate::pbf_writer::{block, header, town};

/// Imports the extract.
pub fn target(data: &[u8]) -> bool {
    let Some((kind, data)) = data.split_first() else { return false };
    match kind % 2 {
        0 => is_accepted(data),
        // A mutated content would not pass the checksum of the compression.
        _ => is_accepted(&[block("OSMHeader", &header(), false), block("OSMData", data, false)].concat()),
    }
}

fn is_accepted(bytes: &[u8]) -> bool {
    import_pbf(Cursor::new(bytes), &mut |_| {}).is_ok()
}

/// A file with and without compression, and the content of its data block.
pub fn seeds() -> Vec<Vec<u8>> {
    let file = |is_compressed| {
        [block("OSMHeader", &header(), is_compressed), block("OSMData", &town(), is_compressed)].concat()
    };
    vec![[&[0], &file(false)[..]].concat(), [&[0], &file(true)[..]].concat(), [&[1], &town()[..]].concat()]
}
