//! The errors of an import, with their place in the input.

use std::io;

/// Why an import failed.
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
        /// The offset of its first byte in the file.
        offset: u64,
        /// What is wrong with it.
        reason: BlockError,
    },
    /// A row of a table is wrong.
    #[error("line {line} of the {table}: {reason}")]
    Row {
        /// The table: `nodes` or `edges`.
        table: &'static str,
        /// The line of the row; the header is line 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The input was read, but it has no network of streets.
    #[error("holds no streets that form a network: of {ways} ways, {drivable} can be driven on")]
    NoStreets {
        /// The number of ways in the input, or of edges in a table.
        ways: u64,
        /// The number of them that cars may use.
        drivable: u64,
    },
    /// The input has more objects than the format can number.
    #[error("is too large: {what} would pass 2^31")]
    TooLarge {
        /// The count that is too large.
        what: &'static str,
    },
}

/// What is wrong with a block of a PBF file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The file ends within the block.
    #[error("the file ends within it")]
    Cut,
    /// The length in front of a header is 0 or above the format's limit.
    #[error(
        "its header would be {0} bytes long, at most 65536: this is no OpenStreetMap PBF, or it is damaged"
    )]
    HeaderLength(u32),
    /// The length that the header states is negative or above the format's limit.
    #[error("it would be {0} bytes long, at most 33554432")]
    Length(i64),
    /// A message cannot be decoded.
    #[error("the {0} is malformed")]
    Malformed(&'static str),
    /// The first block is not the header of the file.
    #[error("it should be OSMHeader and is {0:?}")]
    NotHeader(String),
    /// The file requires a feature that this reader does not support.
    #[error("the file needs the feature {0:?}, which is not known here")]
    Feature(String),
    /// The block has another compression than zlib.
    #[error("it is packed by {0}, only zlib and none are known here")]
    Packing(&'static str),
    /// An object of the block contradicts itself.
    #[error("{object} {id}: {what}")]
    Object {
        /// The kind of the object: `node`, `way` or `relation`.
        object: &'static str,
        /// The OpenStreetMap id of the object.
        id: i64,
        /// What is wrong with the object.
        what: &'static str,
    },
}
