//! The port of an ingest node in another process.

use futures::FutureExt;
use kerb_ports::{
    DriverChannel, DriverChannelError, DriverLocation, DriverLookup, DriverLookupError, DriverNotification,
    PortFuture,
};
use kerb_proto::internal::v1::ingest_service_client::IngestServiceClient;
use kerb_proto::internal::v1::{LocateDriversRequest, LookupDriverRequest, NotifyDriverRequest};
use kerb_proto::status::error_of;
use kerb_transport::NodeChannel;
use kerb_types::limits::{LOCATIONS_MAX, MESSAGE_BYTES_MAX};
use kerb_types::{DriverId, FieldError, KnownDriver, NodeId};

use super::mismatch::wrong_value;

/// An ingest node in another process.
#[derive(Clone)]
pub struct RemoteIngestNode {
    node: NodeId,
    client: IngestServiceClient<NodeChannel>,
}

impl RemoteIngestNode {
    /// Makes the port of this node over this channel.
    pub fn new(node: NodeId, channel: impl Into<NodeChannel>) -> Self {
        let client = IngestServiceClient::new(channel.into()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Self { node, client }
    }

    /// Locates the drivers of one message. The result has the order of `drivers`.
    async fn locate(&self, drivers: &[DriverId]) -> Result<Vec<Option<DriverLocation>>, DriverChannelError> {
        let request =
            LocateDriversRequest { driver_id: drivers.iter().map(|id| id.as_str().to_owned()).collect() };
        let response = self.client.clone().locate_drivers(request).await;
        let locations = response
            .map_err(|status| error_of::<DriverChannelError>(&status, &self.node))?
            .into_inner()
            .drivers;
        if locations.len() != drivers.len() {
            let description = format!("{} elements, must be {}", locations.len(), drivers.len());
            return Err(wrong_value(&self.node, &FieldError::new("drivers", description)));
        }
        let locations = locations.into_iter().map(TryFrom::try_from).collect::<Result<_, _>>();
        locations.map_err(|error| wrong_value(&self.node, &error))
    }
}

impl DriverLookup for RemoteIngestNode {
    fn lookup(&self, id: DriverId) -> PortFuture<'_, Option<KnownDriver>, DriverLookupError> {
        async move {
            let request = LookupDriverRequest { driver_id: id.as_str().to_owned() };
            let response = self.client.clone().lookup_driver(request).await;
            let response =
                response.map_err(|status| error_of::<DriverLookupError>(&status, &self.node))?.into_inner();
            let driver = response.driver.map(KnownDriver::try_from).transpose();
            driver.map_err(|error| wrong_value(&self.node, &error))
        }
        .boxed()
    }
}

impl DriverChannel for RemoteIngestNode {
    fn notify(
        &self,
        driver: DriverId,
        notification: DriverNotification,
    ) -> PortFuture<'_, bool, DriverChannelError> {
        async move {
            let driver_id = driver.as_str().to_owned();
            let request = NotifyDriverRequest { driver_id, notification: Some((&notification).into()) };
            let response = self.client.clone().notify_driver(request).await;
            Ok(response
                .map_err(|status| error_of::<DriverChannelError>(&status, &self.node))?
                .into_inner()
                .delivered)
        }
        .boxed()
    }

    fn locations(
        &self,
        drivers: Vec<DriverId>,
    ) -> PortFuture<'_, Vec<Option<DriverLocation>>, DriverChannelError> {
        async move {
            let mut locations = Vec::with_capacity(drivers.len());
            // A node rejects longer queries.
            for chunk in drivers.chunks(LOCATIONS_MAX) {
                locations.extend(self.locate(chunk).await?);
            }
            Ok(locations)
        }
        .boxed()
    }
}
