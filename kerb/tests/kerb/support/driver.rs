//! The app of a driver.

use futures::{SinkExt, channel::mpsc};
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::driver_service_client::DriverServiceClient;
use kerb_proto::v1::{
    Acknowledgement, ActionResult, ConnectRequest, ConnectResponse, DriverStatus, PositionUpdate, Register,
    Registered, Rejection, TripAction, TripAssignment, trip_action,
};
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// An open `DriverService` stream.
pub(crate) struct DriverStream {
    up: mpsc::Sender<ConnectRequest>,
    pub(crate) down: Streaming<ConnectResponse>,
    pub(crate) registered: Registered,
}

/// Makes the registration of a driver of the default class.
pub(crate) fn register(id: &str) -> Register {
    Register { driver_id: id.to_owned(), vehicle_class: "standard".to_owned(), ..Register::default() }
}

/// Makes an update with a position and a sequence only.
pub(crate) fn update(sequence: u64, latitude_deg: f64, longitude_deg: f64) -> PositionUpdate {
    PositionUpdate {
        sequence,
        latitude_deg,
        longitude_deg,
        status: DriverStatus::Available.into(),
        ..PositionUpdate::default()
    }
}

impl DriverStream {
    /// Opens a stream and registers the driver.
    pub(crate) async fn open(channel: Channel, register: Register) -> Result<Self, Status> {
        let (mut up, requests) = mpsc::channel(16);
        up.send(ConnectRequest { message: Some(Up::Register(register)) }).await.expect("the channel is new");
        let mut down = DriverServiceClient::new(channel).connect(requests).await?.into_inner();
        match down.message().await?.and_then(|response| response.message) {
            Some(Down::Registered(registered)) => Ok(Self { up, down, registered }),
            other => panic!("not registered: {other:?}"),
        }
    }

    /// Sends an update. Returns false if the stream has ended.
    pub(crate) async fn send(&mut self, update: PositionUpdate) -> bool {
        self.up.send(ConnectRequest { message: Some(Up::Position(update)) }).await.is_ok()
    }

    /// Returns the next message that is not a reporting interval.
    pub(crate) async fn next(&mut self) -> Result<Down, Status> {
        loop {
            match self.down.message().await? {
                None => return Err(Status::cancelled("the stream ended")),
                Some(ConnectResponse { message: Some(Down::ReportingInterval(_)) | None }) => {}
                Some(ConnectResponse { message: Some(message) }) => return Ok(message),
            }
        }
    }

    /// Waits until this sequence is acknowledged.
    pub(crate) async fn acknowledged(&mut self, sequence: u64) -> Result<Acknowledgement, Status> {
        loop {
            match self.next().await? {
                Down::Acknowledgement(ack) if ack.sequence >= sequence => return Ok(ack),
                Down::Rejection(rejection) => panic!("rejected: {rejection:?}"),
                _ => {}
            }
        }
    }

    /// Sends an update and waits until it is acknowledged.
    pub(crate) async fn report(&mut self, update: PositionUpdate) -> Result<Acknowledgement, Status> {
        let sequence = update.sequence;
        if !self.send(update).await {
            return Err(self.next().await.err().unwrap_or_else(|| Status::cancelled("the stream ended")));
        }
        self.acknowledged(sequence).await
    }

    /// Returns the next assignment: an offer or a trip.
    pub(crate) async fn assignment(&mut self) -> Result<TripAssignment, Status> {
        loop {
            if let Down::Assignment(assignment) = self.next().await? {
                return Ok(assignment);
            }
        }
    }

    /// Sends an action on a trip. Returns false if the stream has ended.
    pub(crate) async fn send_action(&mut self, trip_id: &str, action: trip_action::Action) -> bool {
        let action = TripAction { trip_id: trip_id.to_owned(), action: Some(action) };
        self.up.send(ConnectRequest { message: Some(Up::Action(action)) }).await.is_ok()
    }

    /// Sends an action on a trip and waits for its result.
    pub(crate) async fn act(
        &mut self,
        trip_id: &str,
        action: trip_action::Action,
    ) -> Result<ActionResult, Status> {
        assert!(self.send_action(trip_id, action).await, "the stream has ended");
        loop {
            if let Down::Result(result) = self.next().await? {
                return Ok(result);
            }
        }
    }

    /// Sends an update that must be rejected.
    pub(crate) async fn rejection(&mut self, update: PositionUpdate) -> Rejection {
        assert!(self.send(update).await, "the stream has ended");
        loop {
            match self.next().await.expect("the stream is open") {
                Down::Rejection(rejection) => return rejection,
                Down::Acknowledgement(_) => {}
                other => panic!("not a rejection: {other:?}"),
            }
        }
    }
}
