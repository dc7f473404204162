//! `DriverLookup` over gRPC.

use futures::FutureExt;
use kerb_fleet::{Answer, DriverId, DriverLookup, Error, KnownDriver, NodeId};
use kerb_proto::internal::v1::LookupDriverRequest;
use kerb_proto::internal::v1::ingest_service_client::IngestServiceClient;
use kerb_proto::status::error_of;
use tonic::transport::Channel;

/// An ingest node of another process.
#[derive(Clone)]
pub struct RemoteDriverLookup {
    node: NodeId,
    client: IngestServiceClient<Channel>,
}

impl RemoteDriverLookup {
    /// Over this connection.
    pub fn new(node: NodeId, channel: Channel) -> Self {
        Self { node, client: IngestServiceClient::new(channel) }
    }
}

impl DriverLookup for RemoteDriverLookup {
    fn lookup(&self, id: DriverId) -> Answer<'_, Option<KnownDriver>> {
        async move {
            let request = LookupDriverRequest { driver_id: id.as_str().to_owned() };
            let answer = self.client.clone().lookup_driver(request).await;
            let answer = answer.map_err(|status| error_of(&status, &self.node))?.into_inner();
            let driver = answer.driver.map(KnownDriver::try_from).transpose();
            driver.map_err(|error| Error::Mismatch(format!("{} answered a wrong value: {error}", self.node)))
        }
        .boxed()
    }
}
