//! The speed file and the profile: read at the start, and again when they change on disk. A file that is wrong then is
//! logged and counted, and what was read before stays.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kerb_routing::Roads;
use kerb_routing::speeds::{LiveSpeeds, Segments, SpeedChange, SpeedTable, read_speeds};
use kerb_types::{Clock, run_blocking};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::options::RoadsOptions;
use crate::service::{Command, apply_change};
use crate::status::{FileStatus, Status};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a file, at most: a direction with 168 hours takes about 1,000, so this is a million of them.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    File,
    Profile,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason} ({setting})", path.display())]
pub struct SpeedFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and on which line.
    pub reason: String,
    /// The setting that names it.
    pub setting: &'static str,
}

/// What it takes to read them.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) roads: Arc<Roads>,
    pub(super) segments: Arc<Segments>,
}

/// What tells a file from the one that was there before. They are too large to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileFingerprint {
    bytes: u64,
    changed: Option<SystemTime>,
    /// A file that is moved into place has another one.
    number: u64,
}

/// A file that is watched.
pub(super) struct WatchedFile {
    layer: Layer,
    path: PathBuf,
    /// Of what was read last, right or wrong; `None` when there was nothing.
    mark: Option<FileFingerprint>,
}

impl WatchedFile {
    /// Reads the files of the settings for the first time.
    pub(super) async fn read_all(
        options: &RoadsOptions,
        reader: &Reader,
        clock: &dyn Clock,
        status: &Mutex<Status>,
        speeds: &mut LiveSpeeds,
    ) -> Result<Vec<Self>, SpeedFileError> {
        let mut watched = Vec::new();
        for (layer, path) in [(Layer::File, &options.speeds), (Layer::Profile, &options.profile)] {
            let Some(path) = path.clone() else { continue };
            let mark = mark_of(path.clone()).await;
            let table = reader.read(path.clone()).await;
            let setting = layer.setting();
            let table = table.map_err(|reason| SpeedFileError { path: path.clone(), reason, setting })?;
            speeds.take(layer.change(table), clock.now_ms());
            *layer.status(&mut status.lock()) = Some(FileStatus::new(path.clone(), clock.now_ms()));
            watched.push(Self { layer, path, mark });
        }
        Ok(watched)
    }
}

/// Looks at the files again and again.
pub(super) async fn watch(
    mut files: Vec<WatchedFile>,
    reader: Reader,
    clock: Arc<dyn Clock>,
    status: Arc<Mutex<Status>>,
    commands: mpsc::Sender<Command>,
) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for file in &mut files {
            // Taken before the file is read: what is written meanwhile makes another one.
            let mark = mark_of(file.path.clone()).await;
            if mark == std::mem::replace(&mut file.mark, mark) {
                continue;
            }
            let (layer, path) = (file.layer, file.path.display());
            let outcome = match reader.read(file.path.clone()).await {
                Ok(table) => {
                    if apply_change(&commands, layer.change(table)).await.is_err() {
                        return;
                    }
                    tracing::info!(%path, setting = layer.setting(), "the speeds of a file changed");
                    Ok(clock.now_ms())
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
                Ok(now_ms) => of_file.read(now_ms),
                Err(reason) => of_file.failed(reason),
            }
        }
    }
}

impl Reader {
    /// Off the runtime's threads: it is long work, and a file system may hang.
    async fn read(&self, path: PathBuf) -> Result<SpeedTable, String> {
        let Self { roads, segments } = self.clone();
        let reading = run_blocking(move || {
            let file = open(&path).map_err(|error| error.to_string())?;
            read_speeds(file, roads.network(), &segments).map_err(|error| error.to_string())
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

async fn mark_of(path: PathBuf) -> Option<FileFingerprint> {
    let looking = run_blocking(move || std::fs::metadata(path).ok());
    let metadata = looking.await.expect("looking at a file does not panic")?;
    let changed = metadata.modified().ok();
    Some(FileFingerprint { bytes: metadata.len(), changed, number: number_of(&metadata) })
}

#[cfg(unix)]
fn number_of(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number_of(_metadata: &Metadata) -> u64 {
    0
}

impl Layer {
    fn setting(self) -> &'static str {
        match self {
            Self::File => "roads.speeds",
            Self::Profile => "roads.profile",
        }
    }

    fn change(self, table: SpeedTable) -> SpeedChange {
        match self {
            Self::File => SpeedChange::File(table),
            Self::Profile => SpeedChange::Profile(table),
        }
    }

    fn status(self, status: &mut Status) -> &mut Option<FileStatus> {
        match self {
            Self::File => &mut status.file,
            Self::Profile => &mut status.profile,
        }
    }
}
