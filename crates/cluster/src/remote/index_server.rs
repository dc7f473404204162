//! All that an index server offers, over gRPC.

use futures::FutureExt;
use kerb_ports::{
    Answer, Error, IndexAdmin, PositionSink, ReplicationStream, ShardQuery, ShardResult, ShardSearch,
    ShardStat, SourceRegistration,
};
use kerb_proto::internal::v1::index_service_client::IndexServiceClient;
use kerb_proto::internal::v1::{ResyncRequest, SearchShardsRequest, ShardStatsRequest};
use kerb_proto::status::error_of;
use kerb_types::limits::MESSAGE_BYTES_MAX;
use kerb_types::{FieldError, NodeId, ShardId};
use tokio::time::{Instant, timeout_at};
use tonic::Request;
use tonic::transport::Channel;

use super::replication_stream::RemoteReplicationStream;

/// An index server of another process.
#[derive(Clone)]
pub struct RemoteIndexServer {
    node: NodeId,
    client: IndexServiceClient<Channel>,
}

impl RemoteIndexServer {
    /// Over this connection.
    pub fn new(node: NodeId, channel: Channel) -> Self {
        let client = IndexServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Self { node, client }
    }

    /// The peer is one of ours: a wrong value means that it runs another version.
    fn wrong_value(&self, error: &FieldError) -> Error {
        Error::Mismatch(format!("{} answered a wrong value: {error}", self.node))
    }
}

impl PositionSink for RemoteIndexServer {
    fn open(&self, register: SourceRegistration) -> Answer<'_, Box<dyn ReplicationStream>> {
        async move {
            let session =
                RemoteReplicationStream::open(self.node.clone(), self.client.clone(), &register).await?;
            Ok(Box::new(session) as Box<dyn ReplicationStream>)
        }
        .boxed()
    }
}

impl ShardSearch for RemoteIndexServer {
    fn search(&self, query: ShardQuery, deadline: Instant) -> Answer<'_, ShardResult> {
        async move {
            let mut request = Request::new(SearchShardsRequest::from(&query));
            // The server gives up when nobody waits any more.
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
            let mut client = self.client.clone();
            let Ok(answer) = timeout_at(deadline, client.search_shards(request)).await else {
                return Err(Error::DeadlineExceeded(format!("{} has not answered", self.node)));
            };
            let answer = answer.map_err(|status| error_of::<Error>(&status, &self.node))?.into_inner();
            ShardResult::try_from(answer).map_err(|error| self.wrong_value(&error))
        }
        .boxed()
    }
}

impl IndexAdmin for RemoteIndexServer {
    fn stats(&self) -> Answer<'_, Vec<ShardStat>> {
        async move {
            let answer = self.client.clone().shard_stats(ShardStatsRequest {}).await;
            let answer = answer.map_err(|status| error_of::<Error>(&status, &self.node))?.into_inner();
            let stats = answer.shards.into_iter().map(ShardStat::try_from).collect::<Result<_, _>>();
            stats.map_err(|error| self.wrong_value(&error))
        }
        .boxed()
    }

    fn resync(&self, shards: Vec<ShardId>) -> Answer<'_, Vec<ShardId>> {
        async move {
            let request = ResyncRequest { shards: shards.iter().map(|shard| u32::from(shard.0)).collect() };
            let answer = self.client.clone().resync(request).await;
            let answer = answer.map_err(|status| error_of::<Error>(&status, &self.node))?.into_inner();
            let shard = |number: u32| {
                let shard = u16::try_from(number).ok().map(ShardId);
                shard.ok_or_else(|| self.wrong_value(&FieldError::new("shards", number.to_string())))
            };
            answer.shards.into_iter().map(shard).collect()
        }
        .boxed()
    }
}
