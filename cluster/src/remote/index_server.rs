//! All that an index server offers, over gRPC.

use futures::FutureExt;
use kerb_fleet::limits::MESSAGE_BYTES_MAX;
use kerb_fleet::{
    Answer, Error, FieldError, IndexAdmin, NodeId, PositionSession, PositionSink, ShardAnswer, ShardId,
    ShardQuestion, ShardSearch, ShardStat, SourceHello,
};
use kerb_proto::internal::v1::index_service_client::IndexServiceClient;
use kerb_proto::internal::v1::{RefillRequest, SearchShardsRequest, ShardStatsRequest};
use kerb_proto::status::error_of;
use tokio::time::{Instant, timeout_at};
use tonic::Request;
use tonic::transport::Channel;

use super::session::RemoteSession;

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
    fn open(&self, hello: SourceHello) -> Answer<'_, Box<dyn PositionSession>> {
        async move {
            let session = RemoteSession::open(self.node.clone(), self.client.clone(), &hello).await?;
            Ok(Box::new(session) as Box<dyn PositionSession>)
        }
        .boxed()
    }
}

impl ShardSearch for RemoteIndexServer {
    fn search(&self, question: ShardQuestion, deadline: Instant) -> Answer<'_, ShardAnswer> {
        async move {
            let mut request = Request::new(SearchShardsRequest::from(&question));
            // The server gives up when nobody waits any more.
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
            let mut client = self.client.clone();
            let Ok(answer) = timeout_at(deadline, client.search_shards(request)).await else {
                return Err(Error::DeadlineExceeded(format!("{} has not answered", self.node)));
            };
            let answer = answer.map_err(|status| error_of(&status, &self.node))?.into_inner();
            ShardAnswer::try_from(answer).map_err(|error| self.wrong_value(&error))
        }
        .boxed()
    }
}

impl IndexAdmin for RemoteIndexServer {
    fn stats(&self) -> Answer<'_, Vec<ShardStat>> {
        async move {
            let answer = self.client.clone().shard_stats(ShardStatsRequest {}).await;
            let answer = answer.map_err(|status| error_of(&status, &self.node))?.into_inner();
            let stats = answer.shards.into_iter().map(ShardStat::try_from).collect::<Result<_, _>>();
            stats.map_err(|error| self.wrong_value(&error))
        }
        .boxed()
    }

    fn refill(&self, shards: Vec<ShardId>) -> Answer<'_, Vec<ShardId>> {
        async move {
            let request = RefillRequest { shards: shards.iter().map(|shard| u32::from(shard.0)).collect() };
            let answer = self.client.clone().refill(request).await;
            let answer = answer.map_err(|status| error_of(&status, &self.node))?.into_inner();
            let shard = |number: u32| {
                let shard = u16::try_from(number).ok().map(ShardId);
                shard.ok_or_else(|| self.wrong_value(&FieldError::new("shards", number.to_string())))
            };
            answer.shards.into_iter().map(shard).collect()
        }
        .boxed()
    }
}
