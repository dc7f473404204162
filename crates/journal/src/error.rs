//! Why a journal cannot be opened or read.

use kerb_ports::TripJournalError;
use kerb_trips::{MarketId, Version};

/// Why a journal cannot be opened or read. `path` is the journal's folder.
#[expect(missing_docs, reason = "the fields are named like the values in the messages")]
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has the journal open.
    #[error("{0} is in use by another process: give each matcher a data directory of its own")]
    InUse(String),
    /// The folder holds no journal, and the caller does not want a new one.
    #[error("{path} holds no trip journal: {reason}")]
    Absent { path: String, reason: &'static str },
    /// The storage engine failed.
    #[error("trip journal in {path}: {reason}")]
    Engine { path: String, reason: String },
    /// A record exists and cannot be decoded.
    #[error("trip journal in {path}: record {version} of market {market} is damaged: {reason}")]
    Damaged { path: String, market: MarketId, version: Version, reason: String },
    /// A record is missing, and a later record or snapshot exists or existed.
    #[error("trip journal in {path}: record {version} of market {market} is missing")]
    Gap { path: String, market: MarketId, version: Version },
    /// Acknowledged records are missing at the end. `file` is the one that counts acknowledged records; `found` counts the
    /// records of all markets.
    #[error(
        "trip journal in {path}: {acknowledged} records were acknowledged and {found} are there: \
         restore the folder from a copy, or remove {file} to go on without the others"
    )]
    Missing { path: String, file: String, acknowledged: u64, found: u64 },
    /// The file that counts acknowledged records is damaged.
    #[error("{file} is damaged: {reason}: remove it when the records are known to be whole")]
    Watermark { file: String, reason: String },
}

impl From<JournalError> for TripJournalError {
    fn from(error: JournalError) -> Self {
        Self::Internal(error.to_string())
    }
}
