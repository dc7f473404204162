//! Reads OpenStreetMap PBF files block by block, without trust in any byte.
//!
//! `prost` decodes the messages. This module checks every index, length and sum in them, so that an error names the block
//! and its offset in the file. The `osmpbf` crate would need fewer lines. But it panics on an unknown kind of relation
//! member, does not check additions for overflow, accepts a file that ends within a length, and drops the rest of an
//! object's tags at the first invalid index. The tests compare this reader with it.

mod blob;
mod elements;
mod message;
#[cfg(test)]
mod tests;

use std::io::{Read, Seek, SeekFrom};

use prost::Message;

#[cfg(test)]
pub(super) use elements::TagList;
pub(super) use elements::{Element, Member, MemberKind, Tags, Version};

use crate::import::error::{BlockError, ImportError};
use blob::{BlobError, RawBlock};
use message::{HeaderBlock, PrimitiveBlock};

/// The features that a file may require of its reader. Locations on ways are accepted and not used.
const FEATURES: [&str; 3] = ["OsmSchema-V0.6", "DenseNodes", "LocationsOnWays"];

/// A PBF file that can be read several times.
pub(in crate::import) struct Pbf<R> {
    source: R,
    bytes: u64,
}

/// The progress of a pass: everything before it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// The number of blocks before this position.
    pub blocks: u64,
    /// The number of bytes before this position.
    pub bytes: u64,
}

impl<R: Read + Seek> Pbf<R> {
    pub(in crate::import) fn new(mut source: R) -> Result<Self, ImportError> {
        let bytes = source.seek(SeekFrom::End(0))?;
        Ok(Self { source, bytes })
    }

    /// The length of the file in bytes.
    pub(in crate::import) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Calls `visit` with all objects in the order of the file, and `progress` after each block.
    pub(super) fn pass(
        &mut self,
        mut visit: impl FnMut(Element<'_>),
        mut progress: impl FnMut(Position),
    ) -> Result<Position, ImportError> {
        let mut at = Position { blocks: 0, bytes: 0 };
        self.source.seek(SeekFrom::Start(0))?;
        while let Some(block) = blob::next(&mut self.source).map_err(|error| placed(error, at))? {
            read_block(&block, at.blocks == 0, &mut visit)
                .map_err(|reason| placed(BlobError::Wrong(reason), at))?;
            at = Position { blocks: at.blocks + 1, bytes: at.bytes + block.bytes };
            progress(at);
        }
        if at.blocks == 0 {
            return Err(placed(BlobError::Wrong(BlockError::Cut), at));
        }
        Ok(at)
    }
}

fn read_block(
    block: &RawBlock,
    is_first: bool,
    visit: &mut impl FnMut(Element<'_>),
) -> Result<(), BlockError> {
    if is_first && block.kind != "OSMHeader" {
        return Err(BlockError::NotHeader(block.kind.chars().take(32).collect()));
    }
    match block.kind.as_str() {
        "OSMHeader" => check_features(&block.unpack()?),
        "OSMData" => {
            let content = block.unpack()?;
            let block = PrimitiveBlock::decode(&content[..])
                .map_err(|_malformed| BlockError::Malformed("list of objects"))?;
            elements::visit(&block, visit)
        }
        // The format requires readers to skip unknown kinds of blocks.
        _ => Ok(()),
    }
}

fn check_features(content: &[u8]) -> Result<(), BlockError> {
    let header =
        HeaderBlock::decode(content).map_err(|_malformed| BlockError::Malformed("header of the file"))?;
    match header.required_features.iter().find(|needed| !FEATURES.contains(&needed.as_str())) {
        Some(unknown) => Err(BlockError::Feature(unknown.chars().take(64).collect())),
        None => Ok(()),
    }
}

/// Adds the position of the block to an error.
fn placed(error: BlobError, at: Position) -> ImportError {
    match error {
        BlobError::Io(error) => ImportError::Io(error),
        BlobError::Wrong(reason) => ImportError::Block { block: at.blocks, offset: at.bytes, reason },
    }
}
