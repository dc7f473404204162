//! The stream of a driver's app to the service. It reconnects when it breaks.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use kerb_proto::v1;
use kerb_proto::v1::connect_request::Message as Request;
use kerb_proto::v1::connect_response::Message;
use kerb_proto::v1::driver_service_client::DriverServiceClient;
use kerb_types::{DriverStatus, Stopwatch};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::agents::messages::{ActionOutcome, AgentEvent, DriverAction, DriverNumber};
use crate::backends::wire;
use crate::checkers::position_log::PositionReport;
use crate::run::service::ServiceEvent;

/// Maximum messages that wait for the connection.
const QUEUED_MAX: usize = 16;
/// Timeout of one attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval between two attempts to connect.
const RETRY: Duration = Duration::from_millis(500);
/// Maximum attempts to connect.
const ATTEMPTS_MAX: u32 = 20;

/// A message of a driver's stream; `None` marks its end.
pub(super) type StreamMessage = (DriverNumber, Option<Message>);

/// A connected stream.
pub(super) struct OpenStream {
    pub(super) driver: DriverNumber,
    outgoing: mpsc::Sender<v1::ConnectRequest>,
    resume_token: Bytes,
    pub(super) incoming: BoxStream<'static, StreamMessage>,
}

/// The driver's side of its successive streams.
#[derive(Default)]
pub(super) struct DriverStream {
    /// `None` while no stream is connected.
    outgoing: Option<mpsc::Sender<v1::ConnectRequest>>,
    pub(super) resume_token: Bytes,
    /// The last report that was sent.
    last_report: Option<PositionReport>,
    /// Dropped updates of the present stream, as its acknowledgements count them.
    dropped: u64,
    /// Actions without a result.
    in_flight: Vec<(String, DriverAction, Stopwatch)>,
}

impl DriverStream {
    /// Starts to use a new stream.
    pub(super) fn on_connected(&mut self, stream: &OpenStream) {
        self.outgoing = Some(stream.outgoing.clone());
        self.dropped = 0;
        self.keep_token(stream.resume_token.clone());
    }

    /// Keeps the newest resume token.
    fn keep_token(&mut self, token: Bytes) {
        if !token.is_empty() {
            self.resume_token = token;
        }
    }

    /// Sends a report. Returns false when the stream is not connected or its queue is full.
    pub(super) fn report(&mut self, report: &PositionReport) -> bool {
        self.last_report = Some(*report);
        self.send(Request::Position(wire::position_update(report)))
    }

    /// Sends a last report, which removes the driver from the index, and ends the stream.
    pub(super) fn sign_off(&mut self) {
        if let Some(report) = self.last_report {
            let last =
                PositionReport { sequence: report.sequence + 1, status: DriverStatus::Offline, ..report };
            self.send(Request::Position(wire::position_update(&last)));
        }
        self.outgoing = None;
    }

    /// Sends an action. Returns the event of a failure.
    pub(super) fn act(
        &mut self,
        driver: DriverNumber,
        trip: String,
        action: DriverAction,
    ) -> Option<ServiceEvent> {
        if self.send(Request::Action(action.to_wire(trip.clone()))) {
            self.in_flight.push((trip, action, Stopwatch::start()));
            return None;
        }
        Some(retry_event(driver, trip, action))
    }

    /// The stream ended. The driver repeats all actions without a result.
    pub(super) fn on_closed(&mut self, driver: DriverNumber, events: &mut Vec<ServiceEvent>) {
        self.outgoing = None;
        events.extend(self.in_flight.drain(..).map(|(trip, action, _)| retry_event(driver, trip, action)));
    }

    /// Processes a message of the service. Returns the number of updates that it reports as lost.
    pub(super) fn on_message(
        &mut self,
        driver: DriverNumber,
        message: Message,
        events: &mut Vec<ServiceEvent>,
    ) -> u64 {
        match message {
            Message::Acknowledgement(ack) => {
                self.keep_token(ack.resume_token);
                // An update that arrives after a newer one is superseded, not lost.
                let before = std::mem::replace(&mut self.dropped, ack.dropped_rate);
                return self.dropped.saturating_sub(before);
            }
            Message::Rejection(rejection) => {
                let fault = format!("an update of driver {driver} was rejected: {rejection:?}");
                events.push(ServiceEvent::Fault(fault));
                return 1;
            }
            message => {
                let event = wire::driver_event(driver, message);
                if let Some(ServiceEvent::Agent(AgentEvent::ActionResult { trip, action, .. })) = &event {
                    self.record_latency(trip, *action, events);
                }
                events.extend(event);
            }
        }
        0
    }

    fn record_latency(&mut self, trip: &str, action: DriverAction, events: &mut Vec<ServiceEvent>) {
        let index = self.in_flight.iter().position(|(t, a, _)| t == trip && *a == action);
        if let Some(index) = index {
            let (_, _, stopwatch) = self.in_flight.swap_remove(index);
            events.push(ServiceEvent::Latency { kind: "action", us: stopwatch.us() });
        }
    }

    fn send(&self, message: Request) -> bool {
        let message = v1::ConnectRequest { message: Some(message) };
        self.outgoing.as_ref().is_some_and(|outgoing| outgoing.try_send(message).is_ok())
    }
}

fn retry_event(driver: DriverNumber, trip: String, action: DriverAction) -> ServiceEvent {
    ServiceEvent::Agent(AgentEvent::ActionResult { driver, trip, action, outcome: ActionOutcome::Retry })
}

/// Connects a driver's stream, with retries.
pub(super) async fn connect(
    driver: DriverNumber,
    channel: Channel,
    register: v1::Register,
) -> Result<OpenStream, (DriverNumber, Status)> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let connected =
            timeout(CONNECT_TIMEOUT, connect_once(driver, channel.clone(), register.clone())).await;
        match connected.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer to the registration"))) {
            Ok(stream) => return Ok(stream),
            Err(status) if attempts == ATTEMPTS_MAX => return Err((driver, status)),
            Err(_) => sleep(RETRY).await,
        }
    }
}

async fn connect_once(
    driver: DriverNumber,
    channel: Channel,
    register: v1::Register,
) -> Result<OpenStream, Status> {
    let (outgoing, requests) = mpsc::channel(QUEUED_MAX);
    let register = v1::ConnectRequest { message: Some(Request::Register(register)) };
    outgoing.try_send(register).map_err(|e| Status::internal(format!("a new queue has room: {e}")))?;
    let response = DriverServiceClient::new(channel).connect(ReceiverStream::new(requests)).await?;
    let mut incoming = response.into_inner();
    match incoming.message().await?.and_then(|message| message.message) {
        Some(Message::Registered(registered)) => {
            let (incoming, resume_token) = (messages(driver, incoming).boxed(), registered.resume_token);
            Ok(OpenStream { driver, outgoing, resume_token, incoming })
        }
        other => {
            Err(Status::internal(format!("the first message must answer the registration, was {other:?}")))
        }
    }
}

/// Returns all messages of a stream, and then its end.
fn messages(
    driver: DriverNumber,
    incoming: Streaming<v1::ConnectResponse>,
) -> impl Stream<Item = StreamMessage> {
    let messages = stream::unfold(incoming, |mut incoming| async move {
        // An error ends the stream as well.
        let message = incoming.message().await.ok().flatten()?;
        Some((message.message, incoming))
    });
    let messages =
        messages.filter_map(move |message| async move { message.map(|message| (driver, Some(message))) });
    messages.chain(stream::once(async move { (driver, None) }))
}
