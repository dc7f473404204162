//! Why a journal cannot be opened or read.

use kerb_ports::TripJournalError;
use kerb_trips::{MarketId, Version};

/// Why a journal cannot be opened or read. `path` is its folder.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody has it open.
    #[error("{0} is in use by another process: give each matcher a data directory of its own")]
    InUse(String),
    /// There is none, and none was to be made.
    #[error("{path} holds no trip journal: {reason}")]
    Absent {
        /// The folder.
        path: String,
        /// What is not there.
        reason: &'static str,
    },
    /// The engine failed.
    #[error("trip journal in {path}: {reason}")]
    Engine {
        /// The folder.
        path: String,
        /// What was seen.
        reason: String,
    },
    /// A record is there and cannot be read.
    #[error("trip journal in {path}: record {version} of market {market} is damaged: {reason}")]
    Damaged {
        /// The folder.
        path: String,
        /// Whose record.
        market: MarketId,
        /// Which one.
        version: Version,
        /// What was seen.
        reason: String,
    },
    /// A record is not there, and a later one is or was.
    #[error("trip journal in {path}: record {version} of market {market} is missing")]
    Gap {
        /// The folder.
        path: String,
        /// Whose record.
        market: MarketId,
        /// Which one.
        version: Version,
    },
    /// Records that were acknowledged are gone from the end.
    #[error(
        "trip journal in {path}: {acknowledged} records were acknowledged and {found} are there: \
         bring the folder back from a copy, or remove {file} to go on without the others"
    )]
    Missing {
        /// The folder.
        path: String,
        /// The file that counts what was acknowledged.
        file: String,
        /// Its count.
        acknowledged: u64,
        /// Records of all markets.
        found: u64,
    },
    /// The file that counts what was acknowledged is damaged.
    #[error("{file} is damaged: {reason}: remove it when the records are known to be whole")]
    Watermark {
        /// The file.
        file: String,
        /// What was seen.
        reason: String,
    },
}

impl From<JournalError> for TripJournalError {
    fn from(error: JournalError) -> Self {
        Self::Internal(error.to_string())
    }
}
