//! `AdminService`: lists shards, and rebuilds them.

use futures::StreamExt;
use futures::stream::BoxStream;
use kerb_ports::{IndexAdminError, ShardStat};
use kerb_proto::status::status_of;
use kerb_proto::v1::admin_service_server::AdminService;
use kerb_proto::v1::{
    ListShardsRequest, ListShardsResponse, NodeInfo, RebuildRequest, RebuildResponse, ShardInfo,
};
use kerb_types::limits::SHARDS_MAX;
use kerb_types::{FieldError, MembershipView, NodeId, ShardId};
use tonic::{Request, Response, Status};

use super::Grpc;
use crate::handle::RebuildProgress;

#[tonic::async_trait]
impl AdminService for Grpc {
    async fn list_shards(
        &self,
        _request: Request<ListShardsRequest>,
    ) -> Result<Response<ListShardsResponse>, Status> {
        let (view, stats) = self.0.shard_stats().await;
        let answered = stats.iter().filter_map(|(node, stats)| Some((node, stats.as_ref()?)));
        let shards = answered.flat_map(|(node, stats)| shard_rows(node, stats)).collect();
        Ok(Response::new(ListShardsResponse { nodes: nodes(&view), shards }))
    }

    type RebuildStream = BoxStream<'static, Result<RebuildResponse, Status>>;

    async fn rebuild(
        &self,
        request: Request<RebuildRequest>,
    ) -> Result<Response<Self::RebuildStream>, Status> {
        let RebuildRequest { node_id, shards } = request.into_inner();
        let node = NodeId::new(&node_id).map_err(|error| status_of(&error))?;
        let shards = shards.iter().enumerate().map(shard).collect::<Result<Vec<_>, _>>();
        let shards = shards.map_err(|error| status_of(&error))?;
        let progress = self.0.rebuild(&node, shards).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(progress.map(response).boxed()))
    }
}

fn shard((i, number): (usize, &u32)) -> Result<ShardId, FieldError> {
    let shard = u16::try_from(*number).ok().filter(|number| *number < SHARDS_MAX);
    let out_of_range =
        || FieldError::new(format!("shards[{i}]"), format!("{number}, must be below {SHARDS_MAX}"));
    shard.map(ShardId).ok_or_else(out_of_range)
}

fn nodes(view: &MembershipView) -> Vec<NodeInfo> {
    let info = |node: &kerb_types::Node| NodeInfo {
        node_id: node.id.as_str().to_owned(),
        roles: node.roles.iter().map(|role| role.name().to_owned()).collect(),
        address: node.address.clone().unwrap_or_default(),
        live: node.live,
    };
    view.nodes.iter().map(info).collect()
}

fn shard_rows(node: &NodeId, stats: &[ShardStat]) -> Vec<ShardInfo> {
    let row = |stat: &ShardStat| ShardInfo {
        shard: u32::from(stat.shard.0),
        node_id: node.as_str().to_owned(),
        drivers: stat.drivers,
        bytes: stat.bytes,
        covered: stat.covered,
    };
    stats.iter().map(row).collect()
}

fn response(progress: Result<RebuildProgress, IndexAdminError>) -> Result<RebuildResponse, Status> {
    let progress = progress.map_err(|error| status_of(&error))?;
    Ok(RebuildResponse {
        shards_total: progress.shards_total as u32,
        shards_covered: progress.shards_covered as u32,
        drivers: progress.drivers,
        bytes: progress.bytes,
        elapsed_s: progress.elapsed.as_secs_f64(),
        sources: progress.sources.iter().map(|node| node.as_str().to_owned()).collect(),
        done: progress.done,
    })
}
