//! Membership from a TOML file. The operator keeps the file equal on all nodes.
//!
//! ```toml
//! replicas = 2
//!
//! [[nodes]]
//! id = "index-1"
//! address = "10.0.0.11:7401"
//! roles = ["index-server"]
//! ```
//!
//! The file is read again every second. A valid change takes effect at once. An invalid change is logged with file, line and
//! key, and the last valid view stays in effect.

mod parse;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kerb_ports::Membership;
use kerb_types::{MembershipView, NodeId, Sharding};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

pub use parse::{FileError, REPLICAS_MAX, parse};

/// Time between two reads of the file.
const READ_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum size of the file. A node takes about 100 bytes, so this is enough for ten thousand nodes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The membership of a file. Every listed node counts as live; [`crate::Liveness`] adds failure detection.
pub struct StaticFile {
    view: watch::Sender<Arc<MembershipView>>,
    _reader: AbortOnDropHandle<()>,
}

impl StaticFile {
    /// Reads the file, which must list the node `own`, and watches it until the value is dropped.
    pub async fn start(path: PathBuf, own: NodeId, sharding: Sharding) -> Result<Self, FileError> {
        let text = read(path.clone()).await?;
        let view = watch::Sender::new(Arc::new(view_of(&path, &text, &own, sharding)?));
        let reader = tokio::spawn(watch_file(path, text, own, sharding, view.clone()));
        Ok(Self { view, _reader: AbortOnDropHandle::new(reader) })
    }
}

impl Membership for StaticFile {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.view.subscribe()
    }
}

/// Reads the file again and again, and publishes changes. It compares the whole text, because the file's time of change
/// misses changes within one tick of the file system's clock.
async fn watch_file(
    path: PathBuf,
    mut latest: String,
    own: NodeId,
    sharding: Sharding,
    view: watch::Sender<Arc<MembershipView>>,
) {
    let mut ticks = interval(READ_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // An unreadable file is logged once, not every second.
    let mut unreadable = false;
    loop {
        ticks.tick().await;
        let text = match read(path.clone()).await {
            Ok(text) => text,
            Err(error) => {
                if !std::mem::replace(&mut unreadable, true) {
                    tracing::error!(%error, "the membership file cannot be read; the last valid view stays in effect");
                }
                continue;
            }
        };
        unreadable = false;
        if text == latest {
            continue;
        }
        match view_of(&path, &text, &own, sharding) {
            Ok(new) => {
                tracing::info!(path = %path.display(), nodes = new.nodes.len(), "the membership file changed");
                view.send_if_modified(|old| {
                    let changed = **old != new;
                    *old = Arc::new(new);
                    changed
                });
            }
            Err(error) => {
                tracing::error!(%error, "the membership file changed and is invalid; the last valid view stays in effect");
            }
        }
        // An invalid text is also remembered, so that it is logged once.
        latest = text;
    }
}

fn view_of(path: &Path, text: &str, own: &NodeId, sharding: Sharding) -> Result<MembershipView, FileError> {
    let view = parse(path, text, sharding)?;
    if view.node(own).is_none() {
        let names: Vec<_> = view.nodes.iter().map(|node| node.id.as_str()).collect();
        return Err(FileError {
            path: path.to_owned(),
            line: None,
            key: "nodes".to_owned(),
            reason: format!("this node, {:?}, is not among {}", own.as_str(), names.join(", ")),
        });
    }
    Ok(view)
}

/// Reads the file on a blocking thread, because a file system may hang.
async fn read(path: PathBuf) -> Result<String, FileError> {
    let reading = tokio::task::spawn_blocking(move || {
        let file_error =
            |reason: String| FileError { path: path.clone(), line: None, key: String::new(), reason };
        let bytes = std::fs::metadata(&path).map_err(|error| file_error(error.to_string()))?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(file_error(format!("{bytes} bytes, must be at most {FILE_BYTES_MAX}")));
        }
        std::fs::read_to_string(&path).map_err(|error| file_error(error.to_string()))
    });
    reading.await.expect("reading a file does not panic and is not cancelled")
}
