//! Starts the live speeds of a node.

use std::sync::Arc;

use kerb_routing::Roads;
use kerb_routing::speeds::{DirectionIndex, LiveSpeeds, UtcOffset};
use kerb_types::{Clock, run_blocking};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::handle::{Inner, StreetSpeeds};
use crate::metrics::Metrics;
use crate::options::RoadsOptions;
use crate::speed_files::{self, SpeedFileError, SpeedFileReader, WatchedFile};
use crate::speed_task::{COMMANDS_MAX, SpeedTask};
use crate::status::Status;

impl StreetSpeeds {
    /// Reads the files and applies their speeds, then spawns the tasks that keep them current. Must be called inside a
    /// tokio runtime. `options` must be valid.
    pub async fn start(
        options: &RoadsOptions,
        roads: Arc<Roads>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpeedFileError> {
        let offset = UtcOffset::new(options.utc_offset_min).expect("the options are valid");
        let indexed = Arc::clone(&roads);
        let directions = run_blocking(move || Arc::new(DirectionIndex::new(indexed.network()))).await;
        let directions = directions.expect("indexing directions does not panic");
        let reader = SpeedFileReader { roads: Arc::clone(&roads), directions: Arc::clone(&directions) };
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
        // The speeds of the files are in force before the node answers its first query.
        task = task.apply_due().await;
        let mut tasks = vec![AbortOnDropHandle::new(tokio::spawn(task.run()))];
        if !watched.is_empty() {
            let watching = speed_files::watch(watched, reader, clock.clone(), status.clone(), sender.clone());
            tasks.push(AbortOnDropHandle::new(tokio::spawn(watching)));
        }
        Ok(Self(Arc::new(Inner {
            roads,
            directions,
            clock,
            lifetime_ms: options.speed_lifetime_ms,
            lifetime_max_ms: options.speed_lifetime_max_ms,
            commands: sender,
            status,
            metrics: Metrics::default(),
            _tasks: tasks,
        })))
    }
}
