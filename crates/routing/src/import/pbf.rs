//! OpenStreetMap PBF files, block by block, without trust in any byte of them.
//!
//! The messages are decoded by `prost` and every index, length and sum in them is checked here, so that an error names
//! the block and its place in the file. The `osmpbf` crate would do it in fewer lines; it panics on an unknown kind of
//! relation member, adds differences without a look at overflow, takes a file that ends within a length as ended, and
//! drops the rest of an object's tags at the first index that leads nowhere. The tests compare this reader with it.

mod blob;
mod elements;
#[cfg(test)]
mod tests;

use std::io::{Read, Seek, SeekFrom};

use prost::Message;

#[cfg(test)]
pub(super) use elements::TagList;
pub(super) use elements::{Element, Member, MemberKind, Tags};

use super::error::{BlockError, ImportError};
use super::message::{HeaderBlock, PrimitiveBlock};
use blob::{BlobError, RawBlock};

/// What a file may need of its reader and this one can do. Locations on ways may be there and are not used.
const FEATURES: [&str; 3] = ["OsmSchema-V0.6", "DenseNodes", "LocationsOnWays"];

/// A PBF file that can be read several times.
pub(super) struct Pbf<R> {
    source: R,
    bytes: u64,
}

/// How far a pass has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Blocks read.
    pub blocks: u64,
    /// Bytes read.
    pub bytes: u64,
}

impl<R: Read + Seek> Pbf<R> {
    pub(super) fn new(mut source: R) -> Result<Self, ImportError> {
        let bytes = source.seek(SeekFrom::End(0))?;
        Ok(Self { source, bytes })
    }

    /// Length of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives all objects of the file to `visit` in the order of the file, and says after each block how far it is.
    pub(super) fn pass(
        &mut self,
        mut visit: impl FnMut(Element<'_>),
        mut progress: impl FnMut(Position),
    ) -> Result<Position, ImportError> {
        let mut at = Position { blocks: 0, bytes: 0 };
        self.source.seek(SeekFrom::Start(0))?;
        while let Some(block) = blob::next(&mut self.source).map_err(|found| placed(found, at))? {
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
        // The format asks readers to skip the kinds that they do not know.
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

fn placed(found: BlobError, at: Position) -> ImportError {
    match found {
        BlobError::Io(error) => ImportError::Io(error),
        BlobError::Wrong(reason) => ImportError::Block { block: at.blocks, offset: at.bytes, reason },
    }
}
