//! Membership from a TOML file that the operator keeps equal on all nodes.
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
//! The file is read again every second; a change that is right takes effect at once, one that is not is logged with
//! file, line and key, and the last good view stays.

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

/// How often the file is looked at.
const READ_EVERY: Duration = Duration::from_secs(1);
/// Bytes of the file, at most: a node takes about 100, so this is ten thousand nodes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file that is watched. Every listed node counts as live: see [`crate::Liveness`].
pub struct StaticFile {
    view: watch::Sender<Arc<MembershipView>>,
    _reader: AbortOnDropHandle<()>,
}

impl StaticFile {
    /// Reads the file, in which `own` must stand, and goes on watching it until dropped.
    pub async fn start(path: PathBuf, own: NodeId, sharding: Sharding) -> Result<Self, FileError> {
        let text = read(path.clone()).await?;
        let view = watch::Sender::new(Arc::new(view_of(&path, &text, &own, sharding)?));
        let reader = tokio::spawn(keep_reading(path, text, own, sharding, view.clone()));
        Ok(Self { view, _reader: AbortOnDropHandle::new(reader) })
    }
}

impl Membership for StaticFile {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.view.subscribe()
    }
}

/// A small file: comparing all of it finds every change, which a time of change does not.
async fn keep_reading(
    path: PathBuf,
    mut seen: String,
    own: NodeId,
    sharding: Sharding,
    view: watch::Sender<Arc<MembershipView>>,
) {
    let mut ticks = interval(READ_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut unreadable = false;
    loop {
        ticks.tick().await;
        let text = match read(path.clone()).await {
            Ok(text) => text,
            Err(error) => {
                if !std::mem::replace(&mut unreadable, true) {
                    tracing::error!(%error, "the membership file cannot be read: the last good view stays");
                }
                continue;
            }
        };
        unreadable = false;
        if text == seen {
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
                tracing::error!(%error, "the membership file changed and is wrong: the last good view stays");
            }
        }
        seen = text;
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

/// Off the runtime's threads: a file system may hang.
async fn read(path: PathBuf) -> Result<String, FileError> {
    let reading = tokio::task::spawn_blocking(move || {
        let whole = |reason: String| FileError { path: path.clone(), line: None, key: String::new(), reason };
        let bytes = std::fs::metadata(&path).map_err(|error| whole(error.to_string()))?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(whole(format!("{bytes} bytes, must be at most {FILE_BYTES_MAX}")));
        }
        std::fs::read_to_string(&path).map_err(|error| whole(error.to_string()))
    });
    reading.await.expect("reading a file does not panic and is not cancelled")
}
