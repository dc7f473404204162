//! What a node says of the speeds of its streets.

use std::path::PathBuf;

use kerb_routing::Roads;
use kerb_routing::speeds::{Counts, listed};

/// Counts since the start, and what is in force.
pub(super) struct Status {
    /// Where the directions' speeds come from.
    pub(super) counts: Counts,
    /// When the travel times were replaced last, unix milliseconds; 0: never.
    pub(super) applied_ms: i64,
    /// How long that took.
    pub(super) apply_us: u64,
    /// When they change by themselves, unix milliseconds.
    pub(super) next_change_ms: Option<i64>,
    /// The hour of the week when they were replaced last.
    pub(super) hour: usize,
    /// Rows of streams that were taken.
    pub(super) rows_taken: u64,
    /// Rows of streams that were refused.
    pub(super) rows_refused: u64,
    /// `roads.speeds`.
    pub(super) file: Option<FileStatus>,
    /// `roads.profile`.
    pub(super) profile: Option<FileStatus>,
}

/// Of a file that is watched.
pub(super) struct FileStatus {
    /// Where it is.
    pub(super) path: PathBuf,
    /// When the speeds in force were read, unix milliseconds.
    pub(super) read_ms: i64,
    /// Why the file as it is now is not in force.
    pub(super) error: Option<String>,
    /// How often it was read.
    pub(super) reads: u64,
    /// How often it was wrong.
    pub(super) failures: u64,
}

impl Status {
    /// Free flow.
    pub(super) fn new(roads: &Roads) -> Self {
        let directions = listed(roads.network()).count() as u32;
        Self {
            counts: Counts { directions, ..Counts::default() },
            applied_ms: 0,
            apply_us: 0,
            next_change_ms: None,
            hour: 0,
            rows_taken: 0,
            rows_refused: 0,
            file: None,
            profile: None,
        }
    }
}

impl FileStatus {
    /// It was read at the start.
    pub(super) fn new(path: PathBuf, now_ms: i64) -> Self {
        Self { path, read_ms: now_ms, error: None, reads: 1, failures: 0 }
    }

    /// It is in force.
    pub(super) fn read(&mut self, now_ms: i64) {
        self.read_ms = now_ms;
        self.error = None;
        self.reads += 1;
    }

    /// It is wrong, or gone: what was read before stays.
    pub(super) fn failed(&mut self, error: String) {
        self.error = Some(error);
        self.reads += 1;
        self.failures += 1;
    }
}
