//! All that an ingest node offers, over gRPC.

use futures::FutureExt;
use kerb_fleet::limits::{MESSAGE_BYTES_MAX, WHEREABOUTS_MAX};
use kerb_fleet::{
    Answer, DriverChannel, DriverId, DriverLookup, DriverNews, Error, FieldError, KnownDriver, NodeId,
    Whereabouts,
};
use kerb_proto::internal::v1::ingest_service_client::IngestServiceClient;
use kerb_proto::internal::v1::{FindDriversRequest, LookupDriverRequest, TellDriverRequest};
use kerb_proto::status::error_of;
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
    async fn find(&self, drivers: &[DriverId]) -> Result<Vec<Option<Whereabouts>>, Error> {
        let request =
            FindDriversRequest { driver_id: drivers.iter().map(|id| id.as_str().to_owned()).collect() };
        let answer = self.client.clone().find_drivers(request).await;
        let found = answer.map_err(|status| error_of(&status, &self.node))?.into_inner().drivers;
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
            let answer = answer.map_err(|status| error_of(&status, &self.node))?.into_inner();
            let driver = answer.driver.map(KnownDriver::try_from).transpose();
            driver.map_err(|error| self.wrong_value(&error))
        }
        .boxed()
    }
}

impl DriverChannel for RemoteIngestNode {
    fn tell(&self, driver: DriverId, news: DriverNews) -> Answer<'_, bool> {
        async move {
            let driver_id = driver.as_str().to_owned();
            let request = TellDriverRequest { driver_id, news: Some((&news).into()) };
            let answer = self.client.clone().tell_driver(request).await;
            Ok(answer.map_err(|status| error_of(&status, &self.node))?.into_inner().told)
        }
        .boxed()
    }

    fn whereabouts(&self, drivers: Vec<DriverId>) -> Answer<'_, Vec<Option<Whereabouts>>> {
        async move {
            let mut found = Vec::with_capacity(drivers.len());
            for part in drivers.chunks(WHEREABOUTS_MAX) {
                found.extend(self.find(part).await?);
            }
            Ok(found)
        }
        .boxed()
    }
}
