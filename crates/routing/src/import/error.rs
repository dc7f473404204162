//! Why streets are not imported, and where in the input that is.

use std::io;

/// Why an input gave no network.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The input cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A block of a PBF file is wrong.
    #[error("block {block} at byte {offset}: {reason}")]
    Block {
        /// The block's number, from 0.
        block: u64,
        /// Where it begins in the file.
        offset: u64,
        /// What is wrong with it.
        reason: BlockError,
    },
    /// A row of a table is wrong.
    #[error("line {line} of the {table}: {reason}")]
    Row {
        /// Which table: `nodes` or `edges`.
        table: &'static str,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// All of it was read, and nothing can be driven on.
    #[error("holds no streets that form a network: of {ways} ways, {drivable} can be driven on")]
    NoStreets {
        /// Ways, or edges of a table.
        ways: u64,
        /// Those that cars may use.
        drivable: u64,
    },
    /// More than the format can number.
    #[error("is too large: {what} would pass 2^31")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
}

/// What is wrong with a block of a PBF file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The file ends within the block.
    #[error("the file ends within it")]
    Cut,
    /// The length that stands before a header is none that a header has.
    #[error(
        "its header would be {0} bytes long, at most 65536: this is no OpenStreetMap PBF, or it is damaged"
    )]
    HeaderLength(u32),
    /// The length that the header gives is none that a block has.
    #[error("it would be {0} bytes long, at most 33554432")]
    Length(i64),
    /// Not readable as the message that it should be.
    #[error("the {0} is malformed")]
    Malformed(&'static str),
    /// The first block is none that says how to read the file.
    #[error("it should be OSMHeader and is {0:?}")]
    NotHeader(String),
    /// The file needs what this reader cannot do.
    #[error("the file needs the feature {0:?}, which is not known here")]
    Feature(String),
    /// Packed in another way than zlib.
    #[error("it is packed by {0}, only zlib and none are known here")]
    Packing(&'static str),
    /// An object of it contradicts itself.
    #[error("{object} {id}: {what}")]
    Object {
        /// `node`, `way` or `relation`.
        object: &'static str,
        /// Its id.
        id: i64,
        /// What is wrong.
        what: &'static str,
    },
}
