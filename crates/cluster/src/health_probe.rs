//! Probes a node with the standard gRPC health service.

use futures::FutureExt;
use futures::future::BoxFuture;
use kerb_transport::Channels;
use kerb_types::NodeId;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::liveness::Probe;

/// The probe uses the same connection as the calls to the node, so it fails whenever they would.
impl Probe for Channels {
    fn probe(&self, node: &NodeId) -> BoxFuture<'_, Result<(), String>> {
        let channel = self.channel(node);
        async move {
            let channel = channel.ok_or("the membership has no address of the node")?;
            let request = HealthCheckRequest { service: String::new() };
            let response = HealthClient::new(channel).check(request).await;
            let status = response.map_err(|status| status.to_string())?.into_inner().status();
            if status == ServingStatus::Serving {
                Ok(())
            } else {
                Err(format!("its health is {}", status.as_str_name()))
            }
        }
        .boxed()
    }
}
