//! Why a journal cannot be opened or read.

use std::io::ErrorKind;

use kerb_ports::TripJournalError;
use kerb_trips::{MarketId, Version};
use kerb_types::NodeId;

/// Why a journal cannot be opened or read. `path` is the journal's folder.
#[expect(missing_docs, reason = "the fields are named like the values in the messages")]
#[derive(Clone, Debug, thiserror::Error)]
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
    /// The disk has no room. The same call succeeds once it has.
    #[error("trip journal in {path}: the disk has no room: {reason}")]
    NoRoom { path: String, reason: String },
    /// A write failed, and the engine could not be opened anew yet.
    #[error("trip journal in {path}: it is closed until the disk has room")]
    Closed { path: String },
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

impl JournalError {
    /// The error of the engine of the journal at `path`.
    pub(super) fn of_engine(path: &str, error: &fjall::Error) -> Self {
        let (path, reason) = (path.to_owned(), error.to_string());
        match error {
            fjall::Error::Locked => Self::InUse(path),
            error if is_for_want_of_room(error) => Self::NoRoom { path, reason },
            _ => Self::Engine { path, reason },
        }
    }

    /// The error of a file below `path`.
    pub(super) fn of_file(path: &str, error: &std::io::Error) -> Self {
        let (path, reason) = (path.to_owned(), error.to_string());
        if is_full(error.kind()) { Self::NoRoom { path, reason } } else { Self::Engine { path, reason } }
    }

    /// Whether the same call succeeds once the disk has room.
    pub(super) fn is_temporary(&self) -> bool {
        matches!(self, Self::NoRoom { .. } | Self::Closed { .. })
    }
}

/// Whether the engine failed because the disk has no room. "Poisoned" is the engine's error after a failure of its
/// background thread, which writes tables: its log is intact, and opening verifies the tables.
fn is_for_want_of_room(error: &fjall::Error) -> bool {
    match error {
        fjall::Error::Poisoned => true,
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => is_full(error.kind()),
        _ => false,
    }
}

/// Whether an error of this kind ends when the disk has room. All other errors of a write leave unknown bytes on the disk.
fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

impl From<JournalError> for TripJournalError {
    fn from(error: JournalError) -> Self {
        if !error.is_temporary() {
            return Self::Internal(error.to_string());
        }
        let node = NodeId::new("trip-journal").expect("a legal name");
        Self::Unavailable { node, reason: error.to_string() }
    }
}
