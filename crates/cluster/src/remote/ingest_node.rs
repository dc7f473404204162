//! All that an ingest node offers, over gRPC.

use futures::FutureExt;
use kerb_ports::{Answer, DriverChannel, DriverLocation, DriverLookup, DriverNotification, Error};
use kerb_proto::internal::v1::ingest_service_client::IngestServiceClient;
use kerb_proto::internal::v1::{LocateDriversRequest, LookupDriverRequest, NotifyDriverRequest};
use kerb_proto::status::error_of;
use kerb_types::limits::{LOCATIONS_MAX, MESSAGE_BYTES_MAX};
use kerb_types::{DriverId, FieldError, KnownDriver, NodeId};
use tonic::transport::Channel;

/// An ingest node of another process.
#[derive(Clone)]
pub struct RemoteIngestNode {
    node: NodeId,
    client: IngestServiceClient<Channel>,
}

impl RemoteIngestNode {
    /// Over this connection.
    pub fn new(node: NodeId, channel: Channel) -> Self {
        let client = IngestServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Self { node, client }
    }

    /// The peer is one of ours: a wrong value means that it runs another version.
    fn wrong_value(&self, error: &FieldError) -> Error {
        Error::Mismatch(format!("{} answered a wrong value: {error}", self.node))
    }

    /// One message's worth of drivers.
    async fn find(&self, drivers: &[DriverId]) -> Result<Vec<Option<DriverLocation>>, Error> {
        let request =
            LocateDriversRequest { driver_id: drivers.iter().map(|id| id.as_str().to_owned()).collect() };
        let answer = self.client.clone().locate_drivers(request).await;
        let found = answer.map_err(|status| error_of::<Error>(&status, &self.node))?.into_inner().drivers;
        if found.len() != drivers.len() {
            let description = format!("{} elements, must be {}", found.len(), drivers.len());
            return Err(self.wrong_value(&FieldError::new("drivers", description)));
        }
        let found = found.into_iter().map(TryFrom::try_from).collect::<Result<_, _>>();
        found.map_err(|error| self.wrong_value(&error))
    }
}

impl DriverLookup for RemoteIngestNode {
    fn lookup(&self, id: DriverId) -> Answer<'_, Option<KnownDriver>> {
        async move {
            let request = LookupDriverRequest { driver_id: id.as_str().to_owned() };
            let answer = self.client.clone().lookup_driver(request).await;
            let answer = answer.map_err(|status| error_of::<Error>(&status, &self.node))?.into_inner();
            let driver = answer.driver.map(KnownDriver::try_from).transpose();
            driver.map_err(|error| self.wrong_value(&error))
        }
        .boxed()
    }
}

impl DriverChannel for RemoteIngestNode {
    fn notify(&self, driver: DriverId, notification: DriverNotification) -> Answer<'_, bool> {
        async move {
            let driver_id = driver.as_str().to_owned();
            let request = NotifyDriverRequest { driver_id, notification: Some((&notification).into()) };
            let answer = self.client.clone().notify_driver(request).await;
            Ok(answer.map_err(|status| error_of::<Error>(&status, &self.node))?.into_inner().delivered)
        }
        .boxed()
    }

    fn locations(&self, drivers: Vec<DriverId>) -> Answer<'_, Vec<Option<DriverLocation>>> {
        async move {
            let mut found = Vec::with_capacity(drivers.len());
            for part in drivers.chunks(LOCATIONS_MAX) {
                found.extend(self.find(part).await?);
            }
            Ok(found)
        }
        .boxed()
    }
}
