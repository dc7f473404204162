//! The gRPC faces of the node: adapters without a mind of their own.

use std::sync::Arc;

use futures::future::FutureObj;
use futures::task::Spawn;
use kerb_ports::{DriverChannel, DriverNotification, Error};
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

use crate::fleet_stream::FleetStream;
use crate::node::IngestNode;
use crate::outbox::{Outbox, OutboxStream};
use crate::stream::{SHUTTING_DOWN, serve};

/// Rows of a gateway's batch that are applied before other tasks get their turn: some 300 µs.
const ROWS_A_TURN: usize = 1_024;

/// A server may give its calls this way to run as one task with their connection.
type Beside = Arc<dyn Spawn + Send + Sync>;

/// All gRPC services of an ingest node.
#[derive(Clone)]
pub struct IngestGrpc(Arc<IngestNode>);

impl IngestGrpc {
    pub(crate) fn new(node: Arc<IngestNode>) -> Self {
        Self(node)
    }

    /// For drivers' apps.
    pub fn driver_service(&self) -> DriverServiceServer<Self> {
        DriverServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For gateways.
    pub fn fleet_service(&self) -> FleetServiceServer<Self> {
        FleetServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For the other roles.
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
        let outbox = Arc::new(Outbox::default());
        let beside = request.extensions().get::<Beside>().cloned();
        let serving = serve(self.0.clone(), request.into_inner(), outbox.clone());
        let serving = self.0.streams.track_future(serving);
        // Not within the response: what the client sends is taken whether or not it reads what is answered.
        if let Some(beside) = beside {
            if beside.spawn_obj(FutureObj::new(Box::new(serving))).is_err() {
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
        // A task of its own wherever its connection runs: the next batch is read while this one is applied.
        let work = self.0.streams.spawn(report(self.0.clone(), request.into_inner()));
        let account = AbortOnDropHandle::new(work).await;
        account.unwrap_or_else(|error| Err(Status::internal(error.to_string()))).map(Response::new)
    }
}

async fn report(
    node: Arc<IngestNode>,
    mut requests: Streaming<ReportPositionsRequest>,
) -> Result<ReportPositionsResponse, Status> {
    let mut stream = FleetStream::new(node.clone());
    loop {
        let request = tokio::select! {
            request = requests.message() => request?,
            () = node.stop.cancelled() => return Err(Status::unavailable(SHUTTING_DOWN)),
        };
        let Some(request) = request else { return Ok(stream.account()) };
        take(&mut stream, request).await.map_err(|error| status_of(&error))?;
    }
}

async fn take(stream: &mut FleetStream, request: ReportPositionsRequest) -> Result<(), Error> {
    stream.drivers(&request.drivers)?;
    if let Some(columns) = request.positions.and_then(|wire| stream.columns(wire)) {
        let mut rows = columns.rows();
        for start in (0..columns.len()).step_by(ROWS_A_TURN) {
            stream.rows(start, &mut rows, ROWS_A_TURN.min(columns.len() - start))?;
            tokio::task::consume_budget().await;
        }
    }
    stream.next_request();
    Ok(())
}

#[tonic::async_trait]
impl IngestService for IngestGrpc {
    async fn lookup_driver(
        &self,
        request: Request<LookupDriverRequest>,
    ) -> Result<Response<LookupDriverResponse>, Status> {
        let id = DriverId::new(&request.into_inner().driver_id).map_err(|error| status_of(&error))?;
        let driver = self.0.known(&id);
        Ok(Response::new(LookupDriverResponse { driver: driver.as_ref().map(Into::into) }))
    }

    async fn notify_driver(
        &self,
        request: Request<NotifyDriverRequest>,
    ) -> Result<Response<NotifyDriverResponse>, Status> {
        let (driver, news) = told(request.into_inner()).map_err(|error| status_of(&error))?;
        let told = self.0.notify(driver, news).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(NotifyDriverResponse { delivered: told }))
    }

    async fn locate_drivers(
        &self,
        request: Request<LocateDriversRequest>,
    ) -> Result<Response<LocateDriversResponse>, Status> {
        let drivers = asked(&request.into_inner().driver_id).map_err(|error| status_of(&error))?;
        let found = self.0.locations(drivers).await.map_err(|error| status_of(&error))?;
        let drivers = found.iter().map(|locations| locations.as_ref().into()).collect();
        Ok(Response::new(LocateDriversResponse { drivers }))
    }
}

fn told(wire: NotifyDriverRequest) -> Result<(DriverId, DriverNotification), FieldError> {
    let news = wire.notification.ok_or_else(|| FieldError::new("notification", "absent, must be given"))?;
    let news = DriverNotification::try_from(news).map_err(|error| error.within("notification"))?;
    Ok((DriverId::new(&wire.driver_id)?, news))
}

fn asked(ids: &[String]) -> Result<Vec<DriverId>, FieldError> {
    if ids.len() > LOCATIONS_MAX {
        let description = format!("{} elements, must be at most {LOCATIONS_MAX}", ids.len());
        return Err(FieldError::new("driver_id", description));
    }
    let one = |(i, id): (usize, &String)| {
        let refusal = |error: FieldError| FieldError::new(format!("driver_id[{i}]"), error.description);
        DriverId::new(id).map_err(refusal)
    };
    ids.iter().enumerate().map(one).collect()
}
