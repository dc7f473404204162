//! Journals of trips: the port `TripJournal` on this machine's disk, and in memory for tests and demonstrations.
//!
//! # Files of a journal
//!
//! A journal is a folder. All numbers are unsigned and have 64 bits; every checksum is the 64-bit xxh3.
//!
//! | path | content |
//! |---|---|
//! | `engine/` | the files of the storage engine (fjall) with two keyspaces: `records` and `snapshots` |
//! | `acknowledged` | 16 bytes: the number of acknowledged records of all markets, and the checksum of that number, both in little endian |
//!
//! A keyspace maps keys to values in the order of the keys:
//!
//! | keyspace | key | content of the value |
//! |---|---|---|
//! | `records` | the market's name, a zero byte, the version in big endian | the record as JSON |
//! | `snapshots` | the market's name | the version in little endian, then the snapshot's bytes |
//!
//! No name contains a zero byte, so the records of a market are next to each other, in order of their versions. The first
//! version of a market is 1.
//!
//! Each value starts with 9 bytes: the number of the format (one byte, now 1), and a checksum in little endian. The checksum
//! covers the key, the format and the content, so a value under a wrong key is detected. JSON names its fields:
//! programs of later releases that have more fields still read it, and so do people.
//!
//! # Damaged files
//!
//! A record that is changed, that is under a wrong key, or that is missing between others is never returned: opening or
//! reading fails, and the error names the folder, the market and the version. Opening reads the first and the last record
//! of each market; a changed record in between is detected when it is read.
//!
//! The engine takes a damaged end of its log for a write that a crash cut off, and drops it. The file `acknowledged` reveals
//! this loss: opening fails, and the error states how many records are missing. The process does not wait until this file
//! is on the disk. So after a loss of power the count may be too low, and if the log is damaged in the same moment, the last
//! acknowledged records may be lost without an error.
//!
//! # Full disk
//!
//! A write that fails for want of room is an `Unavailable`. The engine takes no writes after a failure, so the writer opens
//! it anew at the first later write that finds room, and the versions that it finds on the disk hold from then on: a record
//! whose write failed may be among them. Reads go on meanwhile. Any other failure of a write leaves unknown bytes on the
//! disk: it is an `Internal`, and nothing more is written until the process starts again.

mod disk;
mod error;
mod key;
mod memory;
mod open;
mod preflight;
mod record;
mod steps;
mod store;
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
