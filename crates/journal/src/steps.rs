//! The steps of the writer that touch the disk. A trait, so that a test lets each of them fail.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use fjall::OwnedWriteBatch;

use crate::error::JournalError;
use crate::open::{OpenEngine, open};
use crate::watermark::Watermark;

/// Name of the file that finds out whether the disk has room.
const PROBE: &str = "room";
/// Size of that file. An open engine and a record need less.
const PROBE_BYTES: usize = 256 * 1024;

/// The steps of the writer that touch the disk, and that fail when it is full.
pub(super) trait WriteSteps: Send {
    /// Opens the engine and the count of acknowledged records.
    fn open(&mut self, folder: &Path) -> Result<(OpenEngine, Watermark), JournalError> {
        let opened = open(folder)?;
        // The versions of a market count from 1 without gaps, so their sum is the number of records.
        let found = opened.versions.values().map(|version| version.get()).sum();
        let watermark = Watermark::open(folder, found)?;
        Ok((opened, watermark))
    }

    /// Makes a group of writes durable.
    fn commit(&mut self, batch: OwnedWriteBatch) -> fjall::Result<()> {
        batch.commit()
    }

    /// Counts records that are durable.
    fn count(&mut self, watermark: &mut Watermark, records: u64) -> io::Result<()> {
        watermark.raise(records)
    }

    /// Writes a file and removes it, to find out whether the disk has room. It costs far less than opening the engine.
    fn probe(&mut self, folder: &Path) -> io::Result<()> {
        let path = folder.join(PROBE);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&vec![0; PROBE_BYTES])?;
            file.sync_all()
        });
        // A file that was not created cannot be removed. One that stays is overwritten by the next probe.
        let removed = std::fs::remove_file(&path);
        written.and(removed)
    }
}

/// The steps on the real disk.
pub(super) struct Disk;

impl WriteSteps for Disk {}
