//! Checks the engine's files before the engine opens them, for two kinds of damage that would end the process without the
//! name of the file. The engine itself detects all other damage.
//!
//! * The file `current` of a keyspace names the newest list of tables, a file `v` with a number, and holds the checksum of
//!   that list. The engine does not verify this checksum, and some changed lists make it panic twice, which aborts the
//!   process.
//! * The engine reserves memory for all entries of a file's table of contents before it verifies the checksum of that table.
//!   One flipped bit makes it reserve 80 GB.
//!
//! Both checksums are 128-bit xxh3, and all numbers are in little endian. A file that does not have one of these layouts
//! passes this check; if it is damaged, the engine reports it.

use std::fs::{File, read_dir};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use crate::error::JournalError;

/// Name of the file that names the newest list of tables.
const CURRENT: &str = "current";
/// Length of that file: the number of the list (8 bytes), its checksum (16), the kind of checksum (1).
const CURRENT_BYTES: usize = 25;
/// Length of the trailer of a file with a table of contents: [`TRAILER_START`], checksum of the table (16 bytes), offset of
/// the table (8), length of the table (8).
const TRAILER_BYTES: usize = 38;
/// The magic number, the format and the kind of checksum of a trailer.
const TRAILER_START: [u8; 6] = *b"SFA!\x01\x00";
/// Maximum length of a table of contents. Actual ones have some hundred bytes.
const CONTENTS_BYTES_MAX: u64 = 1024 * 1024;

/// The engine's file that it makes last when it makes a new database.
const MARKER: &str = "version";

/// Removes what is left of a database whose making did not end, as on a full disk: the engine could neither open it nor make
/// it again. Nothing was ever written to such a database. One with content is left alone, and opening it fails.
pub(super) fn remove_unfinished(folder: &Path) -> Result<(), JournalError> {
    let path = || folder.display().to_string();
    let removed = (|| match read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(_) if !is_unfinished(folder)? => Ok(()),
        Ok(_) => std::fs::remove_dir_all(folder),
    })();
    removed.map_err(|e| JournalError::of_file(&path(), &e))
}

/// Whether the folder lacks the marker, or has an empty one, and no file in it has content.
fn is_unfinished(folder: &Path) -> io::Result<bool> {
    match std::fs::metadata(folder.join(MARKER)) {
        Ok(marker) if marker.len() > 0 => return Ok(false),
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    has_only_zeros(folder)
}

fn has_only_zeros(folder: &Path) -> io::Result<bool> {
    for entry in read_dir(folder)? {
        let path = entry?.path();
        let is_empty = if path.is_dir() { has_only_zeros(&path)? } else { is_file_of_zeros(&path)? };
        if !is_empty {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_file_of_zeros(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(true);
        }
        if buffer[..read].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
}

/// Checks all files below this folder. The folder need not exist.
pub(super) fn check(folder: &Path) -> Result<(), JournalError> {
    match find_damaged(folder) {
        Ok(None) => Ok(()),
        Ok(Some(damaged)) => {
            let reason = "its content does not match its checksum".to_owned();
            Err(JournalError::Engine { path: damaged.display().to_string(), reason })
        }
        Err(e) => Err(JournalError::Engine { path: folder.display().to_string(), reason: e.to_string() }),
    }
}

/// Returns the first damaged file below this folder.
fn find_damaged(folder: &Path) -> io::Result<Option<PathBuf>> {
    let entries = match read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let damaged = if path.is_dir() {
            find_damaged(&path)?
        } else if path.file_name().is_some_and(|name| name == CURRENT) {
            find_damaged_list(&path)?
        } else {
            (!are_contents_intact(&File::open(&path)?)?).then_some(path)
        };
        if damaged.is_some() {
            return Ok(damaged);
        }
    }
    Ok(None)
}

/// Returns the list of tables that this file names if it is damaged, or the file itself if there is no such list.
fn find_damaged_list(current: &Path) -> io::Result<Option<PathBuf>> {
    let bytes = std::fs::read(current)?;
    let Ok(bytes) = <[u8; CURRENT_BYTES]>::try_from(bytes) else { return Ok(Some(current.to_owned())) };
    let (number, checksum) = bytes.split_at(8);
    let list = current.with_file_name(format!("v{}", from_le_bytes(number)));
    let content = match std::fs::read(&list) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Some(current.to_owned())),
        content => content?,
    };
    // The last byte is the kind of checksum: 0 is xxh3.
    let expected = [&xxh3_128(&content).to_le_bytes()[..], &[0]].concat();
    Ok((expected != checksum).then_some(list))
}

/// Returns whether the file's table of contents matches its checksum. A file without a table of contents is intact.
fn are_contents_intact(file: &File) -> io::Result<bool> {
    let Some(trailer_at) = file.metadata()?.len().checked_sub(TRAILER_BYTES as u64) else { return Ok(true) };
    let mut trailer = [0; TRAILER_BYTES];
    file.read_exact_at(&mut trailer, trailer_at)?;
    let Some(trailer) = trailer.strip_prefix(&TRAILER_START) else { return Ok(true) };
    let (checksum, extent) = trailer.split_at(16);
    let (offset, length) = extent.split_at(8);
    let (offset, length) = (from_le_bytes(offset), from_le_bytes(length));
    // The table ends where the trailer begins.
    if length > CONTENTS_BYTES_MAX || offset.checked_add(length) != Some(trailer_at) {
        return Ok(false);
    }
    // At most a megabyte, so the cast keeps the length.
    let mut contents = vec![0; length as usize];
    file.read_exact_at(&mut contents, offset)?;
    Ok(xxh3_128(&contents).to_le_bytes() == checksum)
}

fn from_le_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
