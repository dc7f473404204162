//! The frame around a block: its length, its header, and how its content is packed.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;
use prost::Message;

use super::super::error::BlockError;
use super::super::message::{Blob, BlobHeader};

/// Limits of the format: a header, and a block packed or not.
const HEADER_BYTES_MAX: u32 = 64 << 10;
const BLOCK_BYTES_MAX: u64 = 32 << 20;

/// A block as it lies in the file.
pub(super) struct RawBlock {
    pub(super) kind: String,
    /// All that it takes of the file.
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

/// The next block, or none when the file ends before it.
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
    let blob = exactly(source, datasize as u64)?;
    let bytes = 4 + u64::from(length) + blob.len() as u64;
    Ok(Some(RawBlock { kind: header.kind, bytes, blob }))
}

impl RawBlock {
    /// The content, unpacked.
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
    // The buffer grows with what is there, not with what the header promises.
    let mut content = Vec::new();
    let unpacked = ZlibDecoder::new(packed).take(expected + 1).read_to_end(&mut content);
    match unpacked {
        Ok(bytes) if bytes as u64 == expected => Ok(content),
        _ => Err(BlockError::Malformed("packed content")),
    }
}

fn exactly(source: &mut impl Read, bytes: u64) -> Result<Vec<u8>, BlobError> {
    let read = read(source, bytes)?;
    if read.len() as u64 == bytes { Ok(read) } else { Err(BlockError::Cut.into()) }
}

/// As many bytes as there are, up to so many.
fn read(source: &mut impl Read, bytes: u64) -> Result<Vec<u8>, BlobError> {
    let mut buffer = Vec::new();
    source.take(bytes).read_to_end(&mut buffer).map_err(BlobError::Io)?;
    Ok(buffer)
}
