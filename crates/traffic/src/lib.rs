//! Live speeds of a node's streets: two watched files, what streams tell, and the one task that works them into the
//! travel times while queries go on.
//!
//! | file | its job |
//! |---|---|
//! | `files.rs` | reads the speed file and the profile, and again when they change |
//! | `service.rs` | owns all speeds; works in what came, and what runs out |
//! | `speed_rows.rs` | a wire row becomes a streamed speed, or a rejection of its field |
//! | `status.rs` | what the node says of its speeds |
//! | `peer_nodes.rs` | the other nodes that have streets |
//! | `grpc.rs` | `RoadsAdminService` |

mod files;
mod grpc;
pub mod options;
mod peer_nodes;
mod service;
mod speed_rows;
mod status;

use std::sync::Arc;

use kerb_ports::Error;
use kerb_proto::v1::StreetSpeed;
use kerb_routing::Roads;
use kerb_routing::speeds::{LiveSpeeds, Segments, SpeedChange, UtcOffset};
use kerb_types::{Clock, run_blocking};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

pub use files::SpeedFileError;
pub use grpc::Grpc;
pub use grpc::speed_messages;
pub use options::RoadsOptions;
pub use peer_nodes::PeerNodes;

use files::{Reader, WatchedFile};
use service::{COMMANDS_MAX, Command, SpeedTask};
use speed_rows::{ResolvedRows, Rules};
use status::Status;

/// The speeds of this node's streets. Cheap to clone; its tasks end with the last clone.
#[derive(Clone)]
pub struct StreetSpeeds(Arc<Shared>);

struct Shared {
    roads: Arc<Roads>,
    segments: Arc<Segments>,
    clock: Arc<dyn Clock>,
    lifetime_ms: u32,
    lifetime_max_ms: u32,
    commands: mpsc::Sender<Command>,
    status: Arc<Mutex<Status>>,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl StreetSpeeds {
    /// Reads the files and works their speeds in; then goes on in the background. Inside a tokio runtime.
    pub async fn start(
        options: &RoadsOptions,
        roads: Arc<Roads>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpeedFileError> {
        let offset = UtcOffset::new(options.utc_offset_min).expect("the settings were checked");
        let named = Arc::clone(&roads);
        let segments = run_blocking(move || Arc::new(Segments::new(named.network()))).await;
        let segments = segments.expect("naming segments does not panic");
        let reader = Reader { roads: Arc::clone(&roads), segments: Arc::clone(&segments) };
        let status = Arc::new(Mutex::new(Status::new(&roads)));
        let mut speeds = LiveSpeeds::new(&roads, offset);
        let watched = WatchedFile::read_all(options, &reader, &*clock, &status, &mut speeds).await?;
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let mut task = SpeedTask {
            speeds,
            roads: Arc::clone(&roads),
            clock: Arc::clone(&clock),
            offset,
            status: Arc::clone(&status),
            commands,
        };
        task = task.apply_what_is_due().await;
        let mut tasks = vec![AbortOnDropHandle::new(tokio::spawn(task.run()))];
        if !watched.is_empty() {
            let watching = files::watch(watched, reader, clock.clone(), status.clone(), sender.clone());
            tasks.push(AbortOnDropHandle::new(tokio::spawn(watching)));
        }
        Ok(Self(Arc::new(Shared {
            roads,
            segments,
            clock,
            lifetime_ms: options.speed_lifetime_ms,
            lifetime_max_ms: options.speed_lifetime_max_ms,
            commands: sender,
            status,
            _tasks: tasks,
        })))
    }

    /// Takes the rows of one call; answers when they are in the travel times. `checksum`: of the network that the rows'
    /// numbers are of; empty for this node's.
    async fn set(&self, rows: Arc<Vec<StreetSpeed>>, checksum: &str) -> Result<ResolvedRows, Error> {
        let (running, now_ms) = (Arc::clone(&self.0), self.0.clock.now_ms());
        let has_its_numbers = checksum.is_empty() || checksum == self.checksum();
        let resolving = run_blocking(move || {
            let rules = Rules {
                segments: &running.segments,
                has_its_numbers,
                lifetime_ms: running.lifetime_ms,
                lifetime_max_ms: running.lifetime_max_ms,
            };
            speed_rows::resolve(&rows, &rules, now_ms)
        });
        let mut resolved = resolving.await.map_err(|error| Error::Internal(error.to_string()))?;
        {
            let mut status = self.0.status.lock();
            status.rows_taken += u64::from(resolved.taken);
            status.rows_refused += u64::from(resolved.refused);
        }
        if !resolved.streamed.is_empty() {
            service::apply_change(
                &self.0.commands,
                SpeedChange::Streamed(std::mem::take(&mut resolved.streamed)),
            )
            .await?;
        }
        Ok(resolved)
    }

    /// Of its road network, as `kerb roads info` prints it.
    fn checksum(&self) -> String {
        format!("{:016x}", self.0.roads.network().fingerprint())
    }
}
