//! The ingest nodes that fill this server, by number: a record names its owner in 16 bits.

use std::collections::BTreeSet;

use kerb_ports::ReplicationError;
use kerb_types::{NodeId, ShardId};

use super::source_stream::SourceStream;
use crate::store::record::{Owner, SnapshotNumber, SourceIndex};

/// Maximum number of ingest nodes over the lifetime of an index server.
const SOURCES_MAX: u16 = 4_096;

/// All ingest nodes.
#[derive(Default)]
pub(crate) struct Sources(Vec<IngestSource>);

struct IngestSource {
    node: NodeId,
    /// The newest snapshot. Its end removes the drivers that were last reported under an older number.
    snapshot: SnapshotNumber,
    /// Number of the newest stream, from 1.
    generation: u64,
    /// Shards that this source must send again.
    resync_requests: BTreeSet<ShardId>,
}

impl Sources {
    /// Returns the number of a node, a new one for an unknown node.
    pub(crate) fn index_of(&mut self, node: &NodeId) -> Result<SourceIndex, ReplicationError> {
        let known = (0..).map(SourceIndex).zip(&self.0).find(|(_, source)| source.node == *node);
        if let Some((index, _)) = known {
            return Ok(index);
        }
        if self.0.len() == usize::from(SOURCES_MAX) {
            return Err(ReplicationError::Overloaded {
                what: "ingest nodes",
                limit: usize::from(SOURCES_MAX),
            });
        }
        // Below `SOURCES_MAX`.
        let index = SourceIndex(self.0.len() as u16);
        self.0.push(IngestSource {
            node: node.clone(),
            snapshot: SnapshotNumber::default(),
            generation: 0,
            resync_requests: BTreeSet::new(),
        });
        Ok(index)
    }

    pub(crate) fn node(&self, source: SourceIndex) -> &NodeId {
        &self.0[source.as_usize()].node
    }

    /// Opens a stream, which supersedes the source's previous one.
    pub(crate) fn open(&mut self, index: SourceIndex) -> SourceStream {
        let source = &mut self.0[index.as_usize()];
        source.generation += 1;
        // A new stream begins with a snapshot of all shards, so older requests are fulfilled.
        source.resync_requests.clear();
        SourceStream::new(index, source.generation)
    }

    /// Returns [`ReplicationError::Superseded`] unless the stream is its source's newest.
    pub(crate) fn check(&self, stream: &SourceStream) -> Result<(), ReplicationError> {
        if self.is_newest(stream) {
            return Ok(());
        }
        Err(ReplicationError::Superseded(format!("a newer stream of {} is open", self.node(stream.source))))
    }

    /// Whether the source has opened no stream after this one.
    pub(crate) fn is_newest(&self, stream: &SourceStream) -> bool {
        self.0[stream.source.as_usize()].generation == stream.generation
    }

    /// The owner of drivers that this stream reports now.
    pub(crate) fn owner(&self, stream: &SourceStream) -> Owner {
        Owner { source: stream.source, snapshot: self.0[stream.source.as_usize()].snapshot }
    }

    /// Begins a snapshot and returns its number.
    pub(crate) fn begin_snapshot(&mut self, stream: &SourceStream) -> SnapshotNumber {
        let source = &mut self.0[stream.source.as_usize()];
        source.snapshot = source.snapshot.next();
        source.snapshot
    }

    /// Requests a snapshot of these shards from every source.
    pub(crate) fn request_resync(&mut self, shards: &[ShardId]) {
        for source in &mut self.0 {
            source.resync_requests.extend(shards);
        }
    }

    /// Requests a snapshot of these shards from the stream's source.
    pub(crate) fn request_resync_from(&mut self, stream: &SourceStream, shards: &[ShardId]) {
        self.0[stream.source.as_usize()].resync_requests.extend(shards);
    }

    /// Takes the shards that the stream's source must send again.
    pub(crate) fn take_resync_requests(&mut self, stream: &SourceStream) -> Vec<ShardId> {
        let requests = &mut self.0[stream.source.as_usize()].resync_requests;
        std::mem::take(requests).into_iter().collect()
    }
}
