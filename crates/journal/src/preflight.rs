//! A look at the engine's files before it opens them, for two kinds of damage that would end the process without a word
//! of which file it was. All else that is damaged the engine finds itself.
//!
//! * A keyspace's file `current` names its newest list of tables, `v` and a number, and carries the check of that whole
//!   list, at which the engine does not look. Some values in a changed list make it panic twice.
//! * The engine makes room for as many entries as a file's table of contents says before it looks at that table's check:
//!   one flipped bit makes it ask for 80 GB.
//!
//! Both checks are 128 bits of xxh3; all numbers are little endian. A file that does not look as described here is none
//! of these, or the engine will say what is wrong with it.

use std::fs::{File, read_dir};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use crate::error::JournalError;

/// Name of the file that names the list: number 8, check 16, kind of check 1.
const CURRENT: &str = "current";
const CURRENT_BYTES: usize = 25;
/// The last bytes of a file with a table of contents: [`END_STARTS`], check of the table 16, place 8, length 8.
const END_BYTES: usize = 38;
/// The mark, the format and the kind of check that are known here.
const END_STARTS: [u8; 6] = *b"SFA!\x01\x00";
/// A table of contents is some hundred bytes.
const CONTENTS_BYTES_MAX: u64 = 1024 * 1024;

/// Looks at all files below this folder; it need not be there yet.
pub(super) fn check(folder: &Path) -> Result<(), JournalError> {
    match find_broken(folder) {
        Ok(None) => Ok(()),
        Ok(Some(broken)) => {
            let reason = "its content and the check of it differ".to_owned();
            Err(JournalError::Engine { path: broken.display().to_string(), reason })
        }
        Err(e) => Err(JournalError::Engine { path: folder.display().to_string(), reason: e.to_string() }),
    }
}

fn find_broken(folder: &Path) -> io::Result<Option<PathBuf>> {
    let entries = match read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let broken = if path.is_dir() {
            find_broken(&path)?
        } else if path.file_name().is_some_and(|name| name == CURRENT) {
            find_broken_list(&path)?
        } else {
            (!are_contents_whole(&File::open(&path)?)?).then_some(path)
        };
        if broken.is_some() {
            return Ok(broken);
        }
    }
    Ok(None)
}

/// The list that this file names, when it is not the one that was written.
fn find_broken_list(current: &Path) -> io::Result<Option<PathBuf>> {
    let bytes = std::fs::read(current)?;
    let Ok(bytes) = <[u8; CURRENT_BYTES]>::try_from(bytes) else { return Ok(Some(current.to_owned())) };
    let (number, check) = bytes.split_at(8);
    let list = current.with_file_name(format!("v{}", number_of(number)));
    let content = match std::fs::read(&list) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Some(current.to_owned())),
        content => content?,
    };
    let written = [&xxh3_128(&content).to_le_bytes()[..], &[0]].concat();
    Ok((written != check).then_some(list))
}

/// Whether the file's table of contents agrees with its check; true also for a file that has none.
fn are_contents_whole(file: &File) -> io::Result<bool> {
    let Some(end_at) = file.metadata()?.len().checked_sub(END_BYTES as u64) else { return Ok(true) };
    let mut end = [0; END_BYTES];
    file.read_exact_at(&mut end, end_at)?;
    let Some(end) = end.strip_prefix(&END_STARTS) else { return Ok(true) };
    let (check, place) = end.split_at(16);
    let (at, length) = place.split_at(8);
    let (at, length) = (number_of(at), number_of(length));
    if length > CONTENTS_BYTES_MAX || at.checked_add(length) != Some(end_at) {
        return Ok(false);
    }
    let mut contents = vec![0; length as usize];
    file.read_exact_at(&mut contents, at)?;
    Ok(xxh3_128(&contents).to_le_bytes() == check)
}

fn number_of(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
