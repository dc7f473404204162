//! The bytes of a network: a header, a table of sections, and the sections. Each section is an array of one type.
//!
//! All numbers are little-endian and every section starts at a multiple of eight bytes, so a section is used in place
//! as a slice of its type.
//!
//! | word | contents |
//! |---|---|
//! | 0 | `KERBROAD` |
//! | 1 | lower half: format version; upper half: number of sections |
//! | 2 | length of the image in bytes |
//! | 3 | XXH3 (64 bits) of everything after this word |
//! | 4, 5 | first section: offset and length in bytes |
//! | … | offsets and lengths of the other sections |

use std::io::{self, Read};
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::open_error::{FORMAT_VERSION, OpenError, PREVIOUS_VERSION};
use super::segment_ends::SegmentEnds;

const _: () = assert!(cfg!(target_endian = "little"), "the file's numbers are used in place");

const MAGIC: u64 = u64::from_le_bytes(*b"KERBROAD");
/// The number of bytes in a word.
const WORD: usize = 8;
/// The number of words before the table of sections.
const HEADER: usize = 4;
/// The number of words before the first of this many sections.
const fn table_end(sections: usize) -> usize {
    HEADER + 2 * sections
}

const WRONG_TABLE: OpenError = OpenError::Inconsistent("the table of sections");

/// The arrays of a network, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Section {
    /// `u64`: the numbers of node copies and of turn restrictions.
    Meta,
    /// `LatticePoint` of each node.
    Nodes,
    /// `u32`, one entry more than there are nodes.
    FirstOut,
    /// `u32` of each arc.
    Head,
    /// `u32` of each arc.
    TimeMs,
    /// `u32` of each arc.
    ArcDirection,
    /// `u32`, one entry more than there are segments.
    FirstPoint,
    /// `LatticePoint` of each point.
    Points,
    /// `u32` of each segment.
    LengthCm,
    /// `i64` of each segment.
    WayId,
    /// `u32` of each segment: the number of its name.
    SegmentName,
    /// `u8` of each segment.
    SegmentClass,
    /// `u32`, one entry more than twice the number of segments.
    FirstArc,
    /// `u32`: all arcs, sorted by segment and direction.
    SegmentArcs,
    /// `u32`, one entry more than there are names.
    FirstNameByte,
    /// `u8`: all names as UTF-8 text, one after the other.
    NameBytes,
    /// `u32`: all nodes, the least important first.
    Order,
    /// `u32` of each segment: its island. This section and those after it are new in version 3.
    SegmentIsland,
    /// `SegmentEnds` of each segment.
    SegmentEnds,
    /// `u32`: the arcs that are closed at some hours, in ascending order.
    TimedArcs,
    /// `HourSet` of each timed arc: when it is closed.
    TimedHours,
}

impl Section {
    pub(crate) const COUNT: usize = Section::TimedHours as usize + 1;
    /// The number of sections in version 2.
    const COUNT_2: usize = Section::Order as usize + 1;
}

/// The bytes of each section.
type SectionBytes<'a> = [&'a [u8]; Section::COUNT];

/// The memory of a network.
#[derive(Debug)]
pub(crate) struct Image {
    /// The bytes as words, so that every section is aligned.
    words: Vec<u64>,
    /// The range of bytes of each section.
    sections: [Range<usize>; Section::COUNT],
    /// The checksum of the file that the image was read from, or else of its words.
    checksum: u64,
}

impl Image {
    /// Assembles an image from the contents of its sections.
    pub(crate) fn build(contents: &SectionBytes<'_>) -> Image {
        let mut end = table_end(Section::COUNT) * WORD;
        let sections = contents.map(|content| {
            let range = end..end + content.len();
            end = range.end.next_multiple_of(WORD);
            range
        });
        let mut words = vec![0; end / WORD];
        words[0] = MAGIC;
        words[1] = u64::from(FORMAT_VERSION) | (Section::COUNT as u64) << 32;
        words[2] = end as u64;
        for (index, range) in sections.iter().enumerate() {
            words[HEADER + 2 * index] = range.start as u64;
            words[HEADER + 2 * index + 1] = range.len() as u64;
        }
        for (content, range) in contents.iter().zip(&sections) {
            words.as_mut_bytes()[range.clone()].copy_from_slice(content);
        }
        // Last, because the checksum covers all words after it.
        words[3] = content_checksum(&words);
        let checksum = words[3];
        Image { words, sections, checksum }
    }

    /// Reads an image of `length` bytes and checks its header, checksum and table of sections. `check.rs` checks the
    /// contents of the sections.
    pub(crate) fn read(mut source: impl Read, length: u64) -> Result<Image, OpenError> {
        let mut header = [0; HEADER];
        let taken = length.min((HEADER * WORD) as u64) as usize;
        source.read_exact(&mut header.as_mut_bytes()[..taken])?;
        check_header(header, length)?;
        // The header states the same length as the file has, so a forged header cannot make this allocation large. The
        // crate's platforms have 64-bit addresses, so the cast keeps the length.
        let mut words = vec![0; length as usize / WORD];
        words[..HEADER].copy_from_slice(&header);
        source.read_exact(words[HEADER..].as_mut_bytes())?;
        let (found, expected) = (content_checksum(&words), header[3]);
        if found != expected {
            return Err(OpenError::Checksum { found, expected });
        }
        if version_of(header) == PREVIOUS_VERSION {
            let sections = sections::<{ Section::COUNT_2 }>(&words).ok_or(WRONG_TABLE)?;
            return Image::upgrade(&words, &sections, expected).ok_or(WRONG_TABLE);
        }
        let sections = sections(&words).ok_or(WRONG_TABLE)?;
        Ok(Image { words, sections, checksum: expected })
    }

    /// Adds the sections that version 2 lacks: one island, on which trips start and end everywhere. The checksum stays
    /// that of the file, because data that belong to it name it.
    fn upgrade(words: &[u64], old: &[Range<usize>; Section::COUNT_2], checksum: u64) -> Option<Image> {
        let bytes = words.as_bytes();
        let segments = bytes[old[Section::LengthCm as usize].clone()].len() / size_of::<u32>();
        let islands = vec![0_u32; segments];
        let ends = vec![SegmentEnds::ALL; segments];
        let mut contents: SectionBytes<'_> = [&[]; Section::COUNT];
        for (content, range) in contents.iter_mut().zip(old) {
            *content = bytes.get(range.clone())?;
        }
        contents[Section::SegmentIsland as usize] = islands.as_bytes();
        contents[Section::SegmentEnds as usize] = ends.as_bytes();
        Some(Image { checksum, ..Image::build(&contents) })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.words.as_bytes()
    }

    pub(crate) fn checksum(&self) -> u64 {
        self.checksum
    }

    /// A section as a slice of its type. Panics when the length does not fit; `check.rs` has checked it.
    pub(crate) fn slice<T: FromBytes + Immutable + KnownLayout>(&self, section: Section) -> &[T] {
        self.try_slice(section).expect("the lengths of sections were checked")
    }

    /// A section as a slice; `None` when its length is not a multiple of the type's size.
    pub(crate) fn try_slice<T: FromBytes + Immutable + KnownLayout>(&self, section: Section) -> Option<&[T]> {
        <[T]>::ref_from_bytes(&self.bytes()[self.sections[section as usize].clone()]).ok()
    }
}

/// The version of a header. The lower half of its word is the version, the upper half the number of sections.
fn version_of(header: [u64; HEADER]) -> u32 {
    header[1] as u32
}

fn check_header(header: [u64; HEADER], found: u64) -> Result<(), OpenError> {
    let [magic, version, expected, _] = header;
    if magic != MAGIC {
        return Err(OpenError::NotRoads(magic));
    }
    if found < (HEADER * WORD) as u64 {
        return Err(OpenError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    let known = [(FORMAT_VERSION, Section::COUNT), (PREVIOUS_VERSION, Section::COUNT_2)];
    let word = |(version, sections): (u32, usize)| u64::from(version) | (sections as u64) << 32;
    let Some((_, sections)) = known.into_iter().find(|known| word(*known) == version) else {
        return Err(OpenError::Version { found: version_of(header) });
    };
    if found < (table_end(sections) * WORD) as u64 {
        return Err(OpenError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    if found != expected || !found.is_multiple_of(WORD as u64) {
        return Err(OpenError::Length { found, expected });
    }
    Ok(())
}

fn content_checksum(words: &[u64]) -> u64 {
    xxh3_64(words[HEADER..].as_bytes())
}

/// The ranges of the sections. They must follow each other without gaps and end with the image.
fn sections<const COUNT: usize>(words: &[u64]) -> Option<[Range<usize>; COUNT]> {
    let mut end = table_end(COUNT) * WORD;
    let mut ranges = [const { 0..0 }; COUNT];
    for (range, entry) in ranges.iter_mut().zip(words[HEADER..table_end(COUNT)].chunks_exact(2)) {
        let start = usize::try_from(entry[0]).ok().filter(|start| *start == end)?;
        *range = start..start.checked_add(usize::try_from(entry[1]).ok()?)?;
        end = range.end.checked_next_multiple_of(WORD)?;
    }
    (end == words.len() * WORD).then_some(ranges)
}
