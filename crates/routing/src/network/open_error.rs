//! Why a file is not opened as a road network.

use std::io;

/// The version of the format that this code writes. It also reads the version before.
pub const FORMAT_VERSION: u32 = 3;
/// The version before. Its files have neither islands nor hours.
pub(super) const PREVIOUS_VERSION: u32 = 2;

/// Why a file is not opened as a road network.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file has another format, or comes from a machine of the other byte order.
    #[error("is not a road network: it begins with {0:#018x}")]
    NotRoads(u64),
    /// The file has another version of the format.
    #[error(
        "has format version {found}, this program reads {PREVIOUS_VERSION} and {FORMAT_VERSION}: import the streets again"
    )]
    Version {
        /// The file's version.
        found: u32,
    },
    /// The file is shorter or longer than its header states.
    #[error("is {found} bytes long and should be {expected}: it was cut or added to")]
    Length {
        /// The number of bytes in the file.
        found: u64,
        /// The number of bytes that the header states.
        expected: u64,
    },
    /// Bytes of the file have changed since it was written.
    #[error("is damaged: its checksum is {found:#018x} and should be {expected:#018x}")]
    Checksum {
        /// The checksum of the content.
        found: u64,
        /// The checksum that the header states.
        expected: u64,
    },
    /// The checksum is right but the content contradicts itself: its writer was wrong.
    #[error("contradicts itself at {0}")]
    Inconsistent(&'static str),
}
