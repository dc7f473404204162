//! A driver's phone: one stream to the service, opened again when it breaks.

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

use crate::lab::message::{Action, DriverNumber, Heard, Outcome};
use crate::lab::service::{News, Row};
use crate::lab::wire;

/// Messages that wait for the connection, at most.
const QUEUED_MAX: usize = 16;
/// A stream is open in this time, or is tried again.
const OPEN_MAX: Duration = Duration::from_secs(10);
/// Between two tries, and so many of them.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const TRIES: u32 = 20;

/// What came down a driver's stream; `None` ends it.
pub(super) type Came = (DriverNumber, Option<Message>);

/// A stream that was opened.
pub(super) struct Opened {
    pub(super) driver: DriverNumber,
    outgoing: mpsc::Sender<v1::ConnectRequest>,
    resume_token: Bytes,
    pub(super) incoming: BoxStream<'static, Came>,
}

/// One driver's side of its streams.
#[derive(Default)]
pub(super) struct Phone {
    /// `None` while no stream is open.
    outgoing: Option<mpsc::Sender<v1::ConnectRequest>>,
    pub(super) resume_token: Bytes,
    /// The newest position that was sent.
    reported: Option<Row>,
    /// As this stream's acknowledgements count them.
    dropped: u64,
    /// What was done and is not answered.
    acts: Vec<(String, Action, Stopwatch)>,
}

impl Phone {
    /// The stream is there.
    pub(super) fn connect(&mut self, opened: &Opened) {
        self.outgoing = Some(opened.outgoing.clone());
        self.dropped = 0;
        self.keep_token(opened.resume_token.clone());
    }

    /// The newest that a node gave.
    fn keep_token(&mut self, token: Bytes) {
        if !token.is_empty() {
            self.resume_token = token;
        }
    }

    /// Reports; false when the connection does not keep up or is not there.
    pub(super) fn report(&mut self, row: &Row) -> bool {
        self.reported = Some(*row);
        self.send(Request::Position(wire::update(row)))
    }

    /// Reports for the last time, and ends the stream.
    pub(super) fn sign_off(&mut self) {
        if let Some(row) = self.reported {
            let last = Row { sequence: row.sequence + 1, status: DriverStatus::Offline, ..row };
            self.send(Request::Position(wire::update(&last)));
        }
        self.outgoing = None;
    }

    /// Acts. What cannot be sent now is to be done again.
    pub(super) fn act(&mut self, driver: DriverNumber, trip: String, action: Action) -> Option<News> {
        if self.send(Request::Action(action.on(trip.clone()))) {
            self.acts.push((trip, action, Stopwatch::start()));
            return None;
        }
        Some(again(driver, trip, action))
    }

    /// The stream has ended: whatever was not answered is to be done again.
    pub(super) fn broke(&mut self, driver: DriverNumber, news: &mut Vec<News>) {
        self.outgoing = None;
        news.extend(self.acts.drain(..).map(|(trip, action, _)| again(driver, trip, action)));
    }

    /// Something came down the stream. Answers how many updates are newly known to be lost.
    pub(super) fn heard(&mut self, driver: DriverNumber, message: Message, news: &mut Vec<News>) -> u64 {
        match message {
            Message::Acknowledgement(ack) => {
                self.keep_token(ack.resume_token);
                // What came after newer ones is not missed.
                let before = std::mem::replace(&mut self.dropped, ack.dropped_rate);
                return self.dropped.saturating_sub(before);
            }
            Message::Rejection(refusal) => {
                news.push(News::Fault(format!("an update of driver {driver} was refused: {refusal:?}")));
                return 1;
            }
            message => {
                let said = wire::news(driver, message);
                if let Some(News::Heard(Heard::Acted { trip, action, .. })) = &said {
                    self.answered(trip, *action, news);
                }
                news.extend(said);
            }
        }
        0
    }

    fn answered(&mut self, trip: &str, action: Action, news: &mut Vec<News>) {
        let place = self.acts.iter().position(|(t, a, _)| t == trip && *a == action);
        if let Some(place) = place {
            let (_, _, took) = self.acts.swap_remove(place);
            news.push(News::Took { what: "action", us: took.us() });
        }
    }

    fn send(&self, message: Request) -> bool {
        let message = v1::ConnectRequest { message: Some(message) };
        self.outgoing.as_ref().is_some_and(|outgoing| outgoing.try_send(message).is_ok())
    }
}

fn again(driver: DriverNumber, trip: String, action: Action) -> News {
    News::Heard(Heard::Acted { driver, trip, action, outcome: Outcome::Again })
}

/// Opens a driver's stream, trying again for a while.
pub(super) async fn open(
    driver: DriverNumber,
    channel: Channel,
    register: v1::Register,
) -> Result<Opened, (DriverNumber, Status)> {
    let mut tries = 0;
    loop {
        tries += 1;
        let opened = timeout(OPEN_MAX, open_once(driver, channel.clone(), register.clone())).await;
        match opened.unwrap_or_else(|_| Err(Status::deadline_exceeded("no registered"))) {
            Ok(opened) => return Ok(opened),
            Err(status) if tries == TRIES => return Err((driver, status)),
            Err(_) => sleep(AGAIN_AFTER).await,
        }
    }
}

async fn open_once(driver: DriverNumber, channel: Channel, register: v1::Register) -> Result<Opened, Status> {
    let (outgoing, requests) = mpsc::channel(QUEUED_MAX);
    let register = v1::ConnectRequest { message: Some(Request::Register(register)) };
    outgoing.try_send(register).map_err(|e| Status::internal(format!("a new queue has room: {e}")))?;
    let response = DriverServiceClient::new(channel).connect(ReceiverStream::new(requests)).await?;
    let mut incoming = response.into_inner();
    match incoming.message().await?.and_then(|message| message.message) {
        Some(Message::Registered(registered)) => {
            let (incoming, resume_token) = (coming(driver, incoming).boxed(), registered.resume_token);
            Ok(Opened { driver, outgoing, resume_token, incoming })
        }
        other => Err(Status::internal(format!("the first message must be a registered, was {other:?}"))),
    }
}

/// All messages of a stream, and then its end.
fn coming(driver: DriverNumber, incoming: Streaming<v1::ConnectResponse>) -> impl Stream<Item = Came> {
    let messages = stream::unfold(incoming, |mut incoming| async move {
        // A broken stream is over as one that was ended.
        let message = incoming.message().await.ok().flatten()?;
        Some((message.message, incoming))
    });
    let said =
        messages.filter_map(move |message| async move { message.map(|message| (driver, Some(message))) });
    said.chain(stream::once(async move { (driver, None) }))
}
