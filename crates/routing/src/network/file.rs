//! A road network in one file: saved at once and whole, opened with one read, checked before use.
//!
//! The file has the bytes of the network's memory (see `image.rs`), so opening parses nothing. It is read with one
//! aligned read and not mapped. A mapping needs `unsafe` in Rust, because another process can change a mapped file
//! under a slice that must not change; no wrapper prevents that. The checksum has to read every byte in any case. A
//! mapping would only save one copy. `benches/roads.rs` measures opening: about 2 GB/s, so a city opens in under a
//! millisecond.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::Network;
use super::check;
use super::image::Image;
use super::open_error::OpenError;

impl Network {
    /// Reads a network from a file that [`save`](Network::save) wrote.
    pub fn open(path: &Path) -> Result<Network, OpenError> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Network::read(file, bytes)
    }

    /// Reads a network of this many bytes.
    pub fn read(source: impl Read, bytes: u64) -> Result<Network, OpenError> {
        let image = Image::read(source, bytes)?;
        check::check(&image).map_err(OpenError::Inconsistent)?;
        Ok(Network::from_image(image))
    }

    /// Writes the network to a file. After any failure the file is as it was before.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".part");
        let part = path.with_file_name(hidden);
        // The new bytes are on the disk before the rename, which replaces the old file in one step.
        let written = write_whole(&part, self.image().bytes()).and_then(|()| std::fs::rename(&part, path));
        if written.is_err() {
            // A left-over part file is harmless; the caller needs the first error.
            let _ = std::fs::remove_file(&part);
        }
        written
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
