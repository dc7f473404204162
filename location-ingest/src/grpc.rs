//! The gRPC services of an ingest node: thin adapters of its streams and of its handle.

use std::sync::Arc;

use futures::future::FutureObj;
use futures::task::Spawn;
use kerb_ports::{DriverChannel, DriverNotification};
use kerb_proto::internal::v1::ingest_service_server::{IngestService, IngestServiceServer};
use kerb_proto::internal::v1::{
    LocateDriversRequest, LocateDriversResponse, LookupDriverRequest, LookupDriverResponse,
    NotifyDriverRequest, NotifyDriverResponse,
};
use kerb_proto::status::status_of;
use kerb_proto::v1::driver_service_server::{DriverService, DriverServiceServer};
use kerb_proto::v1::fleet_service_server::{FleetService, FleetServiceServer};
use kerb_proto::v1::{ConnectRequest, ReportPositionsRequest, ReportPositionsResponse};
use kerb_types::limits::{LOCATIONS_MAX, MESSAGE_BYTES_MAX};
use kerb_types::{DriverId, FieldError};
use tokio_util::task::AbortOnDropHandle;
use tonic::{Request, Response, Status, Streaming};

use crate::error::IngestError;
use crate::handle::IngestHandle;
use crate::stream::driver_stream::{SHUTTING_DOWN, serve};
use crate::stream::fleet_stream::FleetStream;
use crate::stream::outbox::{Outbox, OutboxStream};

/// Rows of a gateway's batch that are applied before other tasks run: some 300 µs.
const ROWS_PER_POLL: usize = 1_024;

/// A server may put one into the extensions of a request: the call then runs in the task of its connection.
type ConnectionSpawner = Arc<dyn Spawn + Send + Sync>;

/// All gRPC services of an ingest node.
#[derive(Clone)]
pub struct IngestGrpc(IngestHandle);

impl IngestGrpc {
    pub(crate) fn new(handle: IngestHandle) -> Self {
        Self(handle)
    }

    /// Returns the service of driver apps.
    pub fn driver_service(&self) -> DriverServiceServer<Self> {
        DriverServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Returns the service of gateways.
    pub fn fleet_service(&self) -> FleetServiceServer<Self> {
        FleetServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Returns the service of the other roles.
    pub fn ingest_service(&self) -> IngestServiceServer<Self> {
        IngestServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}

#[tonic::async_trait]
impl DriverService for IngestGrpc {
    type ConnectStream = OutboxStream;

    async fn connect(
        &self,
        request: Request<Streaming<ConnectRequest>>,
    ) -> Result<Response<OutboxStream>, Status> {
        let context = &self.0.0;
        let outbox = Arc::new(Outbox::default());
        let spawner = request.extensions().get::<ConnectionSpawner>().cloned();
        let serving = serve(context.clone(), request.into_inner(), outbox.clone());
        let serving = context.tasks.track_future(serving);
        // Spawned, and not part of the response's future: the node takes the client's messages whether or not the client
        // reads the answers.
        if let Some(spawner) = spawner {
            if spawner.spawn_obj(FutureObj::new(Box::new(serving))).is_err() {
                return Err(Status::unavailable(SHUTTING_DOWN));
            }
        } else {
            tokio::spawn(serving);
        }
        Ok(Response::new(OutboxStream(outbox)))
    }
}

#[tonic::async_trait]
impl FleetService for IngestGrpc {
    async fn report_positions(
        &self,
        request: Request<Streaming<ReportPositionsRequest>>,
    ) -> Result<Response<ReportPositionsResponse>, Status> {
        // In a task of its own even on a connection with a spawner: the connection reads the next batch while this one is
        // applied.
        let work = self.0.0.tasks.spawn(report(self.0.clone(), request.into_inner()));
        let summary = AbortOnDropHandle::new(work).await;
        summary.unwrap_or_else(|error| Err(Status::internal(error.to_string()))).map(Response::new)
    }
}

async fn report(
    handle: IngestHandle,
    mut requests: Streaming<ReportPositionsRequest>,
) -> Result<ReportPositionsResponse, Status> {
    let mut stream = handle.gateway();
    loop {
        let request = tokio::select! {
            request = requests.message() => request?,
            () = handle.0.stop.cancelled() => return Err(Status::unavailable(SHUTTING_DOWN)),
        };
        let Some(request) = request else { return Ok(stream.into_summary()) };
        apply(&mut stream, request).await.map_err(|error| status_of(&error))?;
    }
}

/// Handles one request as [`FleetStream::take`] does, and lets other tasks run in between.
async fn apply(stream: &mut FleetStream, request: ReportPositionsRequest) -> Result<(), IngestError> {
    stream.register_drivers(&request.drivers)?;
    if let Some(columns) = request.positions.and_then(|wire| stream.validate_columns(wire)) {
        let mut rows = columns.rows();
        for start in (0..columns.len()).step_by(ROWS_PER_POLL) {
            stream.apply_rows(start, &mut rows, ROWS_PER_POLL.min(columns.len() - start))?;
            tokio::task::consume_budget().await;
        }
    }
    stream.end_request();
    Ok(())
}

#[tonic::async_trait]
impl IngestService for IngestGrpc {
    async fn lookup_driver(
        &self,
        request: Request<LookupDriverRequest>,
    ) -> Result<Response<LookupDriverResponse>, Status> {
        let id = DriverId::new(&request.into_inner().driver_id).map_err(|error| status_of(&error))?;
        let driver = self.0.0.known_driver(&id);
        Ok(Response::new(LookupDriverResponse { driver: driver.as_ref().map(Into::into) }))
    }

    async fn notify_driver(
        &self,
        request: Request<NotifyDriverRequest>,
    ) -> Result<Response<NotifyDriverResponse>, Status> {
        let (driver, notification) =
            decode_notification(request.into_inner()).map_err(|error| status_of(&error))?;
        let delivered = self.0.notify(driver, notification).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(NotifyDriverResponse { delivered }))
    }

    async fn locate_drivers(
        &self,
        request: Request<LocateDriversRequest>,
    ) -> Result<Response<LocateDriversResponse>, Status> {
        let drivers =
            decode_driver_ids(&request.into_inner().driver_id).map_err(|error| status_of(&error))?;
        let locations = self.0.locations(drivers).await.map_err(|error| status_of(&error))?;
        let drivers = locations.iter().map(|location| location.as_ref().into()).collect();
        Ok(Response::new(LocateDriversResponse { drivers }))
    }
}

fn decode_notification(wire: NotifyDriverRequest) -> Result<(DriverId, DriverNotification), FieldError> {
    let absent = || FieldError::new("notification", "absent, must be given");
    let notification = wire.notification.ok_or_else(absent)?;
    let notification =
        DriverNotification::try_from(notification).map_err(|error| error.within("notification"))?;
    Ok((DriverId::new(&wire.driver_id)?, notification))
}

fn decode_driver_ids(ids: &[String]) -> Result<Vec<DriverId>, FieldError> {
    if ids.len() > LOCATIONS_MAX {
        let description = format!("{} elements, must be at most {LOCATIONS_MAX}", ids.len());
        return Err(FieldError::new("driver_id", description));
    }
    let decode = |(i, id): (usize, &String)| {
        let numbered = |error: FieldError| FieldError::new(format!("driver_id[{i}]"), error.description);
        DriverId::new(id).map_err(numbered)
    };
    ids.iter().enumerate().map(decode).collect()
}
