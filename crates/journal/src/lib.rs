//! Journals of trips: fleet's `TripJournal` on this machine's disk, or in memory for tests and demonstrations.
//!
//! **What is kept.** [`FjallJournal`] keeps a folder: the engine's files in `engine`, and the file `acknowledged`. Each
//! record stands under its market and version, as text that names its fields (JSON), behind a check over key and text.
//!
//! **What is found when files are damaged.** A record that is changed, in another place than its own, or missing
//! between others is never answered: opening or reading fails and names the folder, the market and the version. The
//! engine itself takes a broken end of its log for a write that was cut off by a crash, and drops it. Such a loss is
//! found by `acknowledged`, which counts what was answered: opening then fails and says how many records are missing.
//! That count is written without waiting for the disk, so after a loss of power, and only then, it may lag behind, and
//! a log that was damaged in the same moment may lose its last acknowledged records unnoticed. A changed record in the
//! middle is found when it is read, not at the opening, which looks at the first and last record of each market.

mod disk;
mod error;
mod key;
mod memory;
mod open;
mod preflight;
mod record;
#[cfg(test)]
mod tests;
mod watermark;
mod writer;

pub use disk::FjallJournal;
pub use error::JournalError;
pub use memory::MemoryJournal;
pub use record::{RECORD_BYTES_MAX, SNAPSHOT_BYTES_MAX};
// For the fuzz targets only.
#[doc(hidden)]
pub use record::{decode_record, decode_snapshot, encode_record};
