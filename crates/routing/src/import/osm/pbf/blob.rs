//! The frame of a block: its length, its header, and its compressed content.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;
use prost::Message;

use super::message::{Blob, BlobHeader};
use crate::import::error::BlockError;

/// The format's limit for a header, in bytes.
const HEADER_BYTES_MAX: u32 = 64 << 10;
/// The format's limit for a block in bytes, both compressed and decompressed.
const BLOCK_BYTES_MAX: u64 = 32 << 20;

/// A block as the file contains it.
pub(super) struct RawBlock {
    pub(super) kind: String,
    /// The number of bytes that the block takes in the file, including its frame.
    pub(super) bytes: u64,
    blob: Vec<u8>,
}

/// Why there is no next block.
pub(super) enum BlobError {
    Io(io::Error),
    Wrong(BlockError),
}

impl From<BlockError> for BlobError {
    fn from(reason: BlockError) -> BlobError {
        BlobError::Wrong(reason)
    }
}

/// Reads the next block; `None` at the end of the file.
pub(super) fn next(source: &mut impl Read) -> Result<Option<RawBlock>, BlobError> {
    let length = read(source, 4)?;
    if length.is_empty() {
        return Ok(None);
    }
    let length = u32::from_be_bytes(length.try_into().map_err(|_fewer| BlockError::Cut)?);
    if length == 0 || length > HEADER_BYTES_MAX {
        return Err(BlockError::HeaderLength(length).into());
    }
    let header = exactly(source, u64::from(length))?;
    let header =
        BlobHeader::decode(&header[..]).map_err(|_malformed| BlockError::Malformed("header of the block"))?;
    let datasize = i64::from(header.datasize);
    if !(0..=BLOCK_BYTES_MAX as i64).contains(&datasize) {
        return Err(BlockError::Length(datasize).into());
    }
    // The check above leaves 0 to 32 MiB.
    let blob = exactly(source, datasize as u64)?;
    let bytes = 4 + u64::from(length) + blob.len() as u64;
    Ok(Some(RawBlock { kind: header.kind, bytes, blob }))
}

impl RawBlock {
    /// The decompressed content.
    pub(super) fn unpack(&self) -> Result<Vec<u8>, BlockError> {
        let blob = Blob::decode(&self.blob[..])
            .map_err(|_malformed| BlockError::Malformed("frame of the content"))?;
        if let Some(raw) = blob.raw {
            return Ok(raw);
        }
        match blob.zlib {
            Some(packed) => unzip(&packed, blob.raw_size),
            None => Err(match () {
                () if blob.zstd.is_some() => BlockError::Packing("zstd"),
                () if blob.lz4.is_some() => BlockError::Packing("lz4"),
                () if blob.lzma.is_some() => BlockError::Packing("lzma"),
                () if blob.bzip2.is_some() => BlockError::Packing("bzip2"),
                () => BlockError::Malformed("frame of the content"),
            }),
        }
    }
}

fn unzip(packed: &[u8], raw_size: i32) -> Result<Vec<u8>, BlockError> {
    let expected = u64::try_from(raw_size).map_err(|_negative| BlockError::Length(raw_size.into()))?;
    if expected > BLOCK_BYTES_MAX {
        return Err(BlockError::Length(raw_size.into()));
    }
    // The buffer grows with the data. Allocating `expected` bytes at once would trust the header.
    let mut content = Vec::new();
    let unpacked = ZlibDecoder::new(packed).take(expected + 1).read_to_end(&mut content);
    match unpacked {
        Ok(bytes) if bytes as u64 == expected => Ok(content),
        _ => Err(BlockError::Malformed("packed content")),
    }
}

/// Reads this many bytes; an error when the source has fewer.
fn exactly(source: &mut impl Read, bytes: u64) -> Result<Vec<u8>, BlobError> {
    let read = read(source, bytes)?;
    if read.len() as u64 == bytes { Ok(read) } else { Err(BlockError::Cut.into()) }
}

/// Reads up to this many bytes.
fn read(source: &mut impl Read, bytes: u64) -> Result<Vec<u8>, BlobError> {
    let mut buffer = Vec::new();
    source.take(bytes).read_to_end(&mut buffer).map_err(BlobError::Io)?;
    Ok(buffer)
}
