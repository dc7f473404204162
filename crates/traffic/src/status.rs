//! The speeds in force on a node, as operators see them.

use std::path::PathBuf;

use kerb_routing::Roads;
use kerb_routing::speeds::{LayerCounts, list_directions};
use kerb_types::Timestamp;

/// The speeds in force, and when they were applied.
pub(crate) struct Status {
    /// The number of directions whose speed comes from each layer.
    pub(crate) counts: LayerCounts,
    /// The last replacement of the travel times in milliseconds since the Unix epoch; 0 if there was none.
    pub(crate) applied_ms: Timestamp,
    /// The duration of the last replacement in microseconds.
    pub(crate) apply_us: u64,
    /// The next change without new speeds, in milliseconds since the Unix epoch.
    pub(crate) next_change_ms: Option<Timestamp>,
    /// The hour of the week of the last replacement.
    pub(crate) hour: usize,
    /// The state of the file that `roads.speeds` names.
    pub(crate) file: Option<FileStatus>,
    /// The state of the file that `roads.profile` names.
    pub(crate) profile: Option<FileStatus>,
}

/// The state of a watched file.
pub(crate) struct FileStatus {
    /// The path in the settings.
    pub(crate) path: PathBuf,
    /// When the speeds in force were read, in milliseconds since the Unix epoch.
    pub(crate) read_ms: Timestamp,
    /// Why the current contents of the file are not in force.
    pub(crate) error: Option<String>,
    /// How often the file was read.
    pub(crate) reads: u64,
    /// How often the file could not be used.
    pub(crate) failures: u64,
}

impl Status {
    /// The status before any speed is set: all directions have free flow.
    pub(crate) fn new(roads: &Roads) -> Self {
        let directions = list_directions(roads.network()).count() as u32;
        Self {
            counts: LayerCounts { directions, ..LayerCounts::default() },
            applied_ms: Timestamp::default(),
            apply_us: 0,
            next_change_ms: None,
            hour: 0,
            file: None,
            profile: None,
        }
    }
}

impl FileStatus {
    /// The status after the first read.
    pub(crate) fn new(path: PathBuf, now: Timestamp) -> Self {
        Self { path, read_ms: now, error: None, reads: 1, failures: 0 }
    }

    /// Records that new contents are in force.
    pub(crate) fn read(&mut self, now: Timestamp) {
        self.read_ms = now;
        self.error = None;
        self.reads += 1;
    }

    /// Records that the file is wrong or missing. The speeds of the last good contents stay in force.
    pub(crate) fn failed(&mut self, error: String) {
        self.error = Some(error);
        self.reads += 1;
        self.failures += 1;
    }
}
