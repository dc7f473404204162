//! The port of an index server in another process.

use futures::FutureExt;
use kerb_ports::{
    IndexAdmin, IndexAdminError, PortFuture, PositionSink, ReplicationError, ReplicationStream, ShardQuery,
    ShardResult, ShardSearch, ShardSearchError, ShardStat, SourceRegistration,
};
use kerb_proto::internal::v1::index_service_client::IndexServiceClient;
use kerb_proto::internal::v1::{ResyncRequest, SearchShardsRequest, ShardStatsRequest};
use kerb_proto::status::error_of;
use kerb_transport::NodeChannel;
use kerb_types::limits::MESSAGE_BYTES_MAX;
use kerb_types::{FieldError, NodeId, ShardId};
use tokio::time::{Instant, timeout_at};
use tonic::Request;

use super::mismatch::wrong_value;
use super::replication_stream::RemoteReplicationStream;

/// An index server in another process.
#[derive(Clone)]
pub struct RemoteIndexServer {
    node: NodeId,
    client: IndexServiceClient<NodeChannel>,
}

impl RemoteIndexServer {
    /// Makes the port of this node over this channel.
    pub fn new(node: NodeId, channel: impl Into<NodeChannel>) -> Self {
        let client = IndexServiceClient::new(channel.into()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Self { node, client }
    }
}

impl PositionSink for RemoteIndexServer {
    fn open(
        &self,
        register: SourceRegistration,
    ) -> PortFuture<'_, Box<dyn ReplicationStream>, ReplicationError> {
        async move {
            let stream =
                RemoteReplicationStream::open(self.node.clone(), self.client.clone(), &register).await?;
            // The cast makes the concrete type a trait object.
            Ok(Box::new(stream) as Box<dyn ReplicationStream>)
        }
        .boxed()
    }
}

impl ShardSearch for RemoteIndexServer {
    fn search(&self, query: ShardQuery, deadline: Instant) -> PortFuture<'_, ShardResult, ShardSearchError> {
        async move {
            let mut request = Request::new(SearchShardsRequest::from(&query));
            // The server ends the search at the same deadline.
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
            let mut client = self.client.clone();
            let Ok(response) = timeout_at(deadline, client.search_shards(request)).await else {
                return Err(ShardSearchError::DeadlineExceeded(format!("{} has not answered", self.node)));
            };
            let response =
                response.map_err(|status| error_of::<ShardSearchError>(&status, &self.node))?.into_inner();
            ShardResult::try_from(response).map_err(|error| wrong_value(&self.node, &error))
        }
        .boxed()
    }
}

impl IndexAdmin for RemoteIndexServer {
    fn stats(&self) -> PortFuture<'_, Vec<ShardStat>, IndexAdminError> {
        async move {
            let response = self.client.clone().shard_stats(ShardStatsRequest {}).await;
            let response =
                response.map_err(|status| error_of::<IndexAdminError>(&status, &self.node))?.into_inner();
            let stats = response.shards.into_iter().map(ShardStat::try_from).collect::<Result<_, _>>();
            stats.map_err(|error| wrong_value(&self.node, &error))
        }
        .boxed()
    }

    fn resync(&self, shards: Vec<ShardId>) -> PortFuture<'_, Vec<ShardId>, IndexAdminError> {
        async move {
            let request = ResyncRequest { shards: shards.iter().map(|shard| u32::from(shard.0)).collect() };
            let response = self.client.clone().resync(request).await;
            let response =
                response.map_err(|status| error_of::<IndexAdminError>(&status, &self.node))?.into_inner();
            let shard = |number: u32| {
                let shard = u16::try_from(number).ok().map(ShardId);
                shard.ok_or_else(|| wrong_value(&self.node, &FieldError::new("shards", number.to_string())))
            };
            response.shards.into_iter().map(shard).collect()
        }
        .boxed()
    }
}
