//! A road network in one file: written at once and whole, read at once, checked before it is believed.
//!
//! The file is the network's memory as it is (see `image.rs`), so opening parses nothing. It is read with one aligned
//! read and not mapped: a mapping is `unsafe` in Rust, because another process can change a mapped file under a slice
//! that must not change, and no wrapper takes that away. The checksum has to read every byte in any case. What a
//! mapping would save is one copy; `benches/roads.rs` measures what opening costs: about 2 GB/s, so a city opens in under
//! a millisecond.

mod check;
mod image;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

pub(crate) use image::{Image, Section};

use crate::Network;

/// The version of the format that this code writes and reads.
pub const FORMAT_VERSION: u32 = 2;

/// Why a file is not opened as a road network.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Something else, or written by a machine of the other byte order.
    #[error("is not a road network: it begins with {0:#018x}")]
    NotRoads(u64),
    /// Written by another version.
    #[error("has format version {found}, this program reads {FORMAT_VERSION}: import the streets again")]
    Version {
        /// The file's version.
        found: u32,
    },
    /// Cut, or something was added.
    #[error("is {found} bytes long and should be {expected}: it was cut or added to")]
    Length {
        /// Bytes in the file.
        found: u64,
        /// Bytes that its header names.
        expected: u64,
    },
    /// Bytes have changed.
    #[error("is damaged: its checksum is {found:#018x} and should be {expected:#018x}")]
    Checksum {
        /// Of the content.
        found: u64,
        /// That the header names.
        expected: u64,
    },
    /// The checksum holds and the content contradicts itself: the writer was wrong.
    #[error("contradicts itself at {0}")]
    Inconsistent(&'static str),
}

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

    /// Writes the network to a file. The file is there whole or, after any failure, as it was before.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".part");
        let part = path.with_file_name(hidden);
        let written = write_whole(&part, self.image().bytes()).and_then(|()| std::fs::rename(&part, path));
        if written.is_err() {
            // Nothing depends on it; the first failure is the one to tell.
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
