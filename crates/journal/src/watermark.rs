//! The file `acknowledged`: the number of acknowledged records. It reveals records that the engine lost from the end of its
//! log. The crate's documentation describes its bytes.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::JournalError;

const NAME: &str = "acknowledged";
const BYTES: usize = 16;

/// The open file. Its count is never greater than the number of durable records.
#[derive(Debug)]
pub(super) struct Watermark {
    file: File,
    count: u64,
}

impl Watermark {
    /// Opens or makes the file of a journal that holds `found` records of all markets. Sets the count to `found`: a crash
    /// may have come between a commit and its count.
    pub(super) fn open(folder: &Path, found: u64) -> Result<Self, JournalError> {
        let path = folder.join(NAME);
        let name = || path.display().to_string();
        let damaged = |reason| JournalError::Watermark { file: name(), reason };
        let acknowledged = read(&path).map_err(|e| damaged(e.to_string()))?;
        let acknowledged = match acknowledged.as_deref() {
            None => 0,
            Some(bytes) => decode(bytes).ok_or_else(|| {
                damaged(format!("{} bytes that are not a count with its checksum", bytes.len()))
            })?,
        };
        if acknowledged > found {
            let path = folder.display().to_string();
            return Err(JournalError::Missing { path, file: name(), acknowledged, found });
        }
        Self::create(&path, found).map_err(|e| JournalError::of_file(&name(), &e))
    }

    /// Writes the file under another name first and then renames it: after a crash there is the old file or the new one,
    /// never half of one.
    fn create(path: &Path, count: u64) -> std::io::Result<Self> {
        let unfinished = path.with_extension("new");
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished)?;
        file.write_all_at(&encode(count), 0)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        // The new name itself is only durable once the folder is synchronized.
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { file, count })
    }

    /// Adds durable records to the count. The new count survives the end of the process at once, and a loss of power once
    /// the system has written it to the disk.
    pub(super) fn raise(&mut self, records: u64) -> std::io::Result<()> {
        self.count += records;
        self.file.write_all_at(&encode(self.count), 0)
    }

    /// Makes the count durable.
    pub(super) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }
}

/// Reads the file; `None` if there is none. Reads at most one byte more than a valid file has.
fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let mut bytes = Vec::with_capacity(BYTES + 1);
    file.take(BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn encode(count: u64) -> [u8; BYTES] {
    let count = count.to_le_bytes();
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&count);
    bytes[8..].copy_from_slice(&xxh3_64(&count).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let bytes: &[u8; BYTES] = bytes.try_into().ok()?;
    let (count, checksum) = bytes.split_first_chunk::<8>()?;
    (xxh3_64(count).to_le_bytes() == *checksum).then(|| u64::from_le_bytes(*count))
}
