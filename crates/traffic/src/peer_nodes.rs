//! Calls to the other nodes that have travel times. Each has speeds of its own, so a node forwards new speeds to all.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use kerb_proto::status::error_of;
use kerb_proto::v1::roads_admin_service_client::RoadsAdminServiceClient;
use kerb_transport::{Channels, NodeChannel};
use kerb_types::{MembershipView, Node, NodeId, Role};
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::Status;

use crate::error::TrafficError;

/// The longest time that a node may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// All aggregators and matchers except this node.
#[derive(Clone)]
pub struct PeerNodes {
    own: NodeId,
    view: watch::Receiver<Arc<MembershipView>>,
    channels: Option<Arc<Channels>>,
}

impl PeerNodes {
    /// Finds the peers in `view`. Without `channels` no peer can be called.
    pub fn new(
        own: NodeId,
        view: watch::Receiver<Arc<MembershipView>>,
        channels: Option<Arc<Channels>>,
    ) -> Self {
        Self { own, view, channels }
    }

    /// Calls all peers at the same time and waits for every answer.
    pub(crate) async fn ask<T>(
        &self,
        call: impl Fn(RoadsAdminServiceClient<NodeChannel>) -> BoxFuture<'static, Result<T, Status>>,
    ) -> Vec<(NodeId, Result<T, TrafficError>)> {
        let requests = self.nodes().into_iter().map(|node| {
            let calling = self.client(&node).map(&call);
            async move {
                let answer = match calling {
                    Ok(calling) => answer_of(&node.id, calling).await,
                    Err(error) => Err(error),
                };
                (node.id, answer)
            }
        });
        join_all(requests).await
    }

    fn nodes(&self) -> Vec<Node> {
        let view = self.view.borrow();
        let has_times = |node: &&Node| {
            node.id != self.own
                && [Role::Aggregator, Role::Matcher].iter().any(|role| node.roles.contains(role))
        };
        view.nodes.iter().filter(has_times).cloned().collect()
    }

    fn client(&self, node: &Node) -> Result<RoadsAdminServiceClient<NodeChannel>, TrafficError> {
        let unavailable =
            |reason: &str| TrafficError::Unavailable { node: node.id.clone(), reason: reason.to_owned() };
        if !node.live {
            return Err(unavailable("it does not answer probes"));
        }
        let channel = self.channels.as_ref().and_then(|channels| channels.channel(&node.id));
        channel.map(RoadsAdminServiceClient::new).ok_or_else(|| unavailable("no address is known"))
    }
}

async fn answer_of<T>(
    node: &NodeId,
    calling: BoxFuture<'static, Result<T, Status>>,
) -> Result<T, TrafficError> {
    match timeout(ANSWER_TIMEOUT, calling).await {
        Ok(answer) => answer.map_err(|status| error_of::<TrafficError>(&status, node)),
        Err(_) => Err(TrafficError::DeadlineExceeded(format!("no answer within {ANSWER_TIMEOUT:?}"))),
    }
}
