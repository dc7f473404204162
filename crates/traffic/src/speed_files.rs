//! Reads the speed file and the profile at the start, and again when they change on disk. A changed file that is wrong
//! is logged and counted; the speeds of the last good contents stay in force.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kerb_routing::Roads;
use kerb_routing::speeds::{DirectionIndex, LiveSpeeds, SpeedChange, SpeedTable, read_speeds};
use kerb_types::{Clock, run_blocking};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::options::RoadsOptions;
use crate::speed_task::{Command, apply_change};
use crate::status::{FileStatus, Status};

/// The interval between two checks for changed files.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The largest file in bytes. A direction with 168 hours takes about 1,000 bytes, so this is a million directions.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The layer of speeds that a file provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileLayer {
    Speeds,
    Profile,
}

/// A speed file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason} ({setting})", path.display())]
pub struct SpeedFileError {
    /// The path of the file.
    pub path: PathBuf,
    /// What is wrong with the file, and on which line.
    pub reason: String,
    /// The setting that names the file.
    pub setting: &'static str,
}

/// Reads speed files of one road network.
#[derive(Clone)]
pub(crate) struct SpeedFileReader {
    pub(crate) roads: Arc<Roads>,
    pub(crate) directions: Arc<DirectionIndex>,
}

/// Metadata that changes when the contents change. Comparing the contents would read the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileFingerprint {
    bytes: u64,
    changed: Option<SystemTime>,
    /// The inode number. It changes when another file is moved into place.
    inode: u64,
}

/// A file that is checked for changes.
pub(crate) struct WatchedFile {
    layer: FileLayer,
    path: PathBuf,
    /// The fingerprint of the contents that were read last, whether they were valid or not; `None` if there was no
    /// file.
    fingerprint: Option<FileFingerprint>,
}

impl WatchedFile {
    /// Reads the files of the settings for the first time. Here an invalid file is an error.
    pub(crate) async fn read_all(
        options: &RoadsOptions,
        reader: &SpeedFileReader,
        clock: &dyn Clock,
        status: &Mutex<Status>,
        speeds: &mut LiveSpeeds,
    ) -> Result<Vec<Self>, SpeedFileError> {
        let mut watched = Vec::new();
        for (layer, path) in [(FileLayer::Speeds, &options.speeds), (FileLayer::Profile, &options.profile)] {
            let Some(path) = path.clone() else { continue };
            // Before the file is read: a write during the read changes the fingerprint, and the file is read again.
            let fingerprint = fingerprint(path.clone()).await;
            let table = reader.read(path.clone()).await;
            let setting = layer.setting();
            let table = table.map_err(|reason| SpeedFileError { path: path.clone(), reason, setting })?;
            speeds.record(layer.change(table), clock.now());
            *layer.status(&mut status.lock()) = Some(FileStatus::new(path.clone(), clock.now()));
            watched.push(Self { layer, path, fingerprint });
        }
        Ok(watched)
    }
}

/// Polls the files and applies changed ones.
pub(crate) async fn watch(
    mut files: Vec<WatchedFile>,
    reader: SpeedFileReader,
    clock: Arc<dyn Clock>,
    status: Arc<Mutex<Status>>,
    commands: mpsc::Sender<Command>,
) {
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for file in &mut files {
            let fingerprint = fingerprint(file.path.clone()).await;
            if fingerprint == std::mem::replace(&mut file.fingerprint, fingerprint) {
                continue;
            }
            let (layer, path) = (file.layer, file.path.display());
            let outcome = match reader.read(file.path.clone()).await {
                Ok(table) => {
                    if apply_change(&commands, layer.change(table)).await.is_err() {
                        return;
                    }
                    tracing::info!(%path, setting = layer.setting(), "the speeds of a file changed");
                    Ok(clock.now())
                }
                Err(reason) => {
                    let setting = layer.setting();
                    tracing::warn!(%path, %reason, setting, "a file of speeds is wrong: those before stay");
                    Err(reason)
                }
            };
            let mut status = status.lock();
            let of_file = layer.status(&mut status).as_mut().expect("it was read at the start");
            match outcome {
                Ok(now) => of_file.read(now),
                Err(reason) => of_file.failed(reason),
            }
        }
    }
}

impl SpeedFileReader {
    /// Reads a file off the runtime's threads: parsing takes long, and a file system may hang.
    async fn read(&self, path: PathBuf) -> Result<SpeedTable, String> {
        let Self { roads, directions } = self.clone();
        let reading = run_blocking(move || {
            let file = open(&path).map_err(|error| error.to_string())?;
            read_speeds(file, roads.network(), &directions).map_err(|error| error.to_string())
        });
        reading.await.expect("reading a file does not panic")
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("{bytes} bytes, must be at most {FILE_BYTES_MAX}")));
    }
    Ok(file)
}

/// The fingerprint of a file; `None` when it does not exist.
async fn fingerprint(path: PathBuf) -> Option<FileFingerprint> {
    let reading = run_blocking(move || std::fs::metadata(path).ok());
    let metadata = reading.await.expect("reading metadata does not panic")?;
    let changed = metadata.modified().ok();
    Some(FileFingerprint { bytes: metadata.len(), changed, inode: inode(&metadata) })
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> u64 {
    0
}

impl FileLayer {
    fn setting(self) -> &'static str {
        match self {
            Self::Speeds => "roads.speeds",
            Self::Profile => "roads.profile",
        }
    }

    fn change(self, table: SpeedTable) -> SpeedChange {
        match self {
            Self::Speeds => SpeedChange::File(table),
            Self::Profile => SpeedChange::Profile(table),
        }
    }

    fn status(self, status: &mut Status) -> &mut Option<FileStatus> {
        match self {
            Self::Speeds => &mut status.file,
            Self::Profile => &mut status.profile,
        }
    }
}
