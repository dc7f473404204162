//! A driver's stream, as a driver's app holds it. The caller decides what to send and when.

use std::time::Duration;

use bytes::Bytes;
use kerb_proto::v1::driver_service_client::DriverServiceClient;
use kerb_proto::v1::{
    ConnectRequest, ConnectResponse, PositionUpdate, Register, Registered, TripAction, connect_request,
    connect_response,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// Maximum updates that wait for the connection. A full queue drops the newest update.
const QUEUED_MAX: usize = 16;
/// The server must answer the registration within this time.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(10);

/// An open stream.
#[derive(Debug)]
pub struct DriverStream {
    outgoing: mpsc::Sender<ConnectRequest>,
    incoming: Streaming<ConnectResponse>,
    tally: Tally,
}

/// Counts of one stream's updates, as its acknowledgements report them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    first_sequence: u64,
    /// Newest acknowledged sequence.
    pub sequence: u64,
    /// Acknowledged updates, including dropped ones.
    pub acknowledged: u64,
    /// Acknowledged updates that were dropped as late.
    pub late: u64,
    /// Acknowledged updates that the rate limit dropped.
    pub rate: u64,
    /// The newest resume token, for the driver's next stream.
    pub resume_token: Bytes,
}

/// A message of the server.
#[derive(Clone, Debug)]
pub enum Event {
    /// The server acknowledged updates. Counts are differences to the acknowledgement before.
    Acknowledged(Tally),
    /// The server requests this reporting interval, milliseconds.
    Interval(u32),
    /// The server rejected an update.
    Refused {
        /// The number of the update.
        sequence: u64,
        /// Each wrong field with its description.
        reason: String,
    },
    /// An assignment, its end, or the result of an action.
    Trip(connect_response::Message),
}

impl DriverStream {
    /// Opens a stream and waits until the server has registered the driver.
    pub async fn open(channel: Channel, register: Register) -> Result<(Self, Registered), Status> {
        let opened = tokio::time::timeout(REGISTER_TIMEOUT, Self::open_unhurried(channel, register)).await;
        opened.unwrap_or_else(|_| Err(Status::deadline_exceeded("no registered")))
    }

    async fn open_unhurried(channel: Channel, register: Register) -> Result<(Self, Registered), Status> {
        let (outgoing, requests) = mpsc::channel(QUEUED_MAX);
        let brought = register.resume_token.clone();
        let register = ConnectRequest { message: Some(connect_request::Message::Register(register)) };
        outgoing.try_send(register).map_err(|e| Status::internal(format!("a new queue has room: {e}")))?;
        let response = DriverServiceClient::new(channel).connect(ReceiverStream::new(requests)).await?;
        let mut incoming = response.into_inner();
        let registered = match incoming.message().await?.and_then(|m| m.message) {
            Some(connect_response::Message::Registered(registered)) => registered,
            other => {
                return Err(Status::internal(format!(
                    "the first message must be a registered, was {other:?}"
                )));
            }
        };
        let newest = Some(registered.resume_token.clone()).filter(|token| !token.is_empty());
        let resume_token = newest.unwrap_or(brought);
        let tally = Tally { first_sequence: registered.last_sequence + 1, resume_token, ..Tally::default() };
        Ok((Self { outgoing, incoming, tally }, registered))
    }

    /// Sets the number of this stream's first update; the default is one above the server's last.
    pub fn begin_at(&mut self, sequence: u64) {
        self.tally.first_sequence = sequence;
    }

    /// The newest resume token, for the driver's next stream.
    pub fn resume_token(&self) -> &Bytes {
        &self.tally.resume_token
    }

    /// Reserves room for one message; `None` when the connection does not keep up or the stream has ended.
    pub fn room(&self) -> Option<Room<'_>> {
        self.outgoing.try_reserve().ok().map(Room)
    }

    /// Returns the next message. An error ends the stream; so does the server's orderly end, as `CANCELLED`. Dropping the
    /// future before it is ready loses nothing.
    pub async fn next(&mut self) -> Result<Event, Status> {
        loop {
            let message = self.incoming.message().await?;
            let message = message.ok_or_else(|| Status::cancelled("the server ended the stream"))?;
            if let Some(event) = message.message.and_then(|m| self.read(m)) {
                return Ok(event);
            }
        }
    }

    fn read(&mut self, message: connect_response::Message) -> Option<Event> {
        match message {
            connect_response::Message::Acknowledgement(ack) => {
                let before = self.tally.clone();
                let now = &mut self.tally;
                now.sequence = now.sequence.max(ack.sequence);
                now.acknowledged = (now.sequence + 1).saturating_sub(now.first_sequence);
                now.late = now.late.max(ack.dropped_late);
                now.rate = now.rate.max(ack.dropped_rate);
                if !ack.resume_token.is_empty() {
                    now.resume_token = ack.resume_token;
                }
                Some(Event::Acknowledged(now.since(&before)))
            }
            connect_response::Message::ReportingInterval(interval) => {
                Some(Event::Interval(interval.interval_ms))
            }
            connect_response::Message::Rejection(rejection) => {
                let reasons: Vec<_> =
                    rejection.errors.iter().map(|e| format!("{}: {}", e.field, e.description)).collect();
                Some(Event::Refused { sequence: rejection.sequence, reason: reasons.join("; ") })
            }
            connect_response::Message::Assignment(_)
            | connect_response::Message::Ended(_)
            | connect_response::Message::Result(_) => Some(Event::Trip(message)),
            connect_response::Message::Registered(_) | connect_response::Message::Notice(_) => None,
        }
    }
}

impl Tally {
    /// Counts as differences, the newest sequence and token as they are.
    fn since(&self, before: &Self) -> Self {
        Self {
            acknowledged: self.acknowledged - before.acknowledged,
            late: self.late - before.late,
            rate: self.rate - before.rate,
            ..self.clone()
        }
    }
}

/// Room for one message in the stream's queue.
#[derive(Debug)]
pub struct Room<'a>(mpsc::Permit<'a, ConnectRequest>);

impl Room<'_> {
    /// Sends an update.
    pub fn send(self, update: PositionUpdate) {
        self.0.send(ConnectRequest { message: Some(connect_request::Message::Position(update)) });
    }

    /// Sends an action of the driver on a trip.
    pub fn act(self, action: TripAction) {
        self.0.send(ConnectRequest { message: Some(connect_request::Message::Action(action)) });
    }
}
