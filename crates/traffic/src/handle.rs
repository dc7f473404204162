//! The handle of a node's live speeds.

use std::sync::Arc;

use kerb_proto::v1::{NodeRoads, SpeedFile, StreetSpeed};
use kerb_routing::Roads;
use kerb_routing::speeds::{DirectionIndex, SpeedChange};
use kerb_types::{Clock, NodeId, Timestamp, run_blocking};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::error::TrafficError;
use crate::metrics::Metrics;
use crate::speed_rows::{self, ResolvedRows, RowRules};
use crate::speed_task::{Command, apply_change};
use crate::status::{FileStatus, Status};

/// The live speeds of this node's streets. Cheap to clone; its tasks end with the last clone.
#[derive(Clone)]
pub struct StreetSpeeds(pub(crate) Arc<Inner>);

/// The state that all clones of a [`StreetSpeeds`] share.
pub(crate) struct Inner {
    pub(crate) roads: Arc<Roads>,
    pub(crate) directions: Arc<DirectionIndex>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The lifetime of a streamed speed whose row does not state one, in milliseconds.
    pub(crate) lifetime_ms: u32,
    pub(crate) lifetime_max_ms: u32,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) status: Arc<Mutex<Status>>,
    pub(crate) metrics: Metrics,
    /// Aborts the tasks when the last clone is dropped.
    pub(crate) _tasks: Vec<AbortOnDropHandle<()>>,
}

impl StreetSpeeds {
    /// Sets the speeds of one call's rows. Returns after the travel times contain them.
    ///
    /// `checksum` names the network that the segment numbers of the rows belong to; empty means this node's network.
    pub(crate) async fn set(
        &self,
        rows: Arc<Vec<StreetSpeed>>,
        checksum: &str,
    ) -> Result<ResolvedRows, TrafficError> {
        let (inner, now) = (Arc::clone(&self.0), self.0.clock.now());
        let has_own_numbers = checksum.is_empty() || checksum == self.checksum();
        let resolving = run_blocking(move || {
            let rules = RowRules {
                directions: &inner.directions,
                has_own_numbers,
                lifetime_ms: inner.lifetime_ms,
                lifetime_max_ms: inner.lifetime_max_ms,
            };
            speed_rows::resolve(&rows, &rules, now)
        });
        let mut resolved = resolving.await.map_err(|error| TrafficError::Internal(error.to_string()))?;
        self.0.metrics.rows_accepted.add(resolved.accepted.into());
        self.0.metrics.rows_rejected.add(resolved.rejected.into());
        // A change costs a customization of the whole network, so a call without speeds makes none.
        if !resolved.streamed.is_empty() {
            let change = SpeedChange::Streamed(std::mem::take(&mut resolved.streamed));
            apply_change(&self.0.commands, change).await?;
        }
        Ok(resolved)
    }

    /// The fingerprint of the road network as text, as `kerb roads info` prints it.
    pub(crate) fn checksum(&self) -> String {
        format!("{:016x}", self.0.roads.network().fingerprint())
    }

    /// Describes the speeds in force.
    pub(crate) fn describe(&self, node: &NodeId) -> NodeRoads {
        let counters = self.0.metrics.snapshot();
        let status = self.0.status.lock();
        NodeRoads {
            node_id: node.to_string(),
            error: String::new(),
            network_checksum: self.checksum(),
            // Segments have 32-bit numbers.
            segments: self.0.roads.network().segments() as u32,
            directions: status.counts.directions,
            streamed: status.counts.stream,
            from_file: status.counts.file,
            from_profile: status.counts.profile,
            generation: self.0.roads.engine().router().version(),
            applied_ms: status.applied_ms.as_millis(),
            apply_us: u32::try_from(status.apply_us).unwrap_or(u32::MAX),
            next_change_ms: status.next_change_ms.map_or(0, Timestamp::as_millis),
            // 0 to 167.
            hour_of_week: status.hour as u32,
            rows_taken: counters.rows_accepted,
            rows_refused: counters.rows_rejected,
            file: status.file.as_ref().map(speed_file),
            profile: status.profile.as_ref().map(speed_file),
        }
    }
}

fn speed_file(status: &FileStatus) -> SpeedFile {
    SpeedFile {
        path: status.path.display().to_string(),
        read_ms: status.read_ms.as_millis(),
        error: status.error.clone().unwrap_or_default(),
        reads: status.reads,
        failures: status.failures,
    }
}
