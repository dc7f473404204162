//! A probe by the standard health service.

use futures::FutureExt;
use futures::future::BoxFuture;
use kerb_transport::Channels;
use kerb_types::NodeId;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::liveness::Probe;

/// By the standard health service, on the very connection that the calls take: what they would see, it sees.
impl Probe for Channels {
    fn probe(&self, node: &NodeId) -> BoxFuture<'_, Result<(), String>> {
        let channel = self.channel(node);
        async move {
            let channel = channel.ok_or("no address is known")?;
            let request = HealthCheckRequest { service: String::new() };
            let answer = HealthClient::new(channel).check(request).await;
            let status = answer.map_err(|status| status.to_string())?.into_inner().status();
            if status == ServingStatus::Serving {
                Ok(())
            } else {
                Err(format!("it says {}", status.as_str_name()))
            }
        }
        .boxed()
    }
}
