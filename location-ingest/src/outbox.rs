//! What waits to be read by a driver's app. It holds at most one acknowledgement and one interval, because the
//! newest speaks for all before it, and a few refusals: a client that does not read costs no memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::Stream;
use kerb_proto::v1::connect_response::Message;
use kerb_proto::v1::{Acknowledgement, ConnectResponse, Refusal, ReportingInterval, Welcome};
use parking_lot::Mutex;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Refusals that wait, at most; then the oldest goes.
pub(crate) const REFUSALS_MAX: usize = 16;

/// Messages to one driver's app, written by the stream's task and read by its response.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    /// The stream is over: its task stops reading.
    over: CancellationToken,
}

#[derive(Debug, Default)]
struct Waiting {
    welcome: Option<Welcome>,
    refusals: VecDeque<Refusal>,
    interval_ms: Option<u32>,
    acknowledgement: Option<Acknowledgement>,
    end: Option<Status>,
    ended: bool,
    /// Since when something waits that nobody has come for.
    unread_since: Option<Instant>,
    reader: Option<Waker>,
}

impl Outbox {
    pub(crate) fn welcome(&self, welcome: Welcome) {
        self.write(|waiting| waiting.welcome = Some(welcome));
    }

    pub(crate) fn refuse(&self, refusal: Refusal) {
        self.write(|waiting| {
            if waiting.refusals.len() == REFUSALS_MAX {
                waiting.refusals.pop_front();
            }
            waiting.refusals.push_back(refusal);
        });
    }

    pub(crate) fn interval(&self, interval_ms: u32) {
        self.write(|waiting| waiting.interval_ms = Some(interval_ms));
    }

    pub(crate) fn acknowledge(&self, acknowledgement: Acknowledgement) {
        self.write(|waiting| waiting.acknowledgement = Some(acknowledgement));
    }

    /// Ends the stream after what waits; the first reason stands. An `Ok` status is a plain end.
    pub(crate) fn end(&self, status: Status) {
        self.write(|waiting| {
            waiting.end.get_or_insert(status);
        });
    }

    /// As [`Outbox::end`], and the stream's task stops.
    pub(crate) fn end_now(&self, status: Status) {
        self.end(status);
        self.over.cancel();
    }

    /// Resolves when the stream is over.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Whether something has waited for longer than `limit`.
    pub(crate) fn is_stalled(&self, limit: Duration) -> bool {
        self.waiting.lock().unread_since.is_some_and(|since| since.elapsed() > limit)
    }

    fn write(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock();
        change(&mut waiting);
        waiting.unread_since.get_or_insert_with(Instant::now);
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Waiting {
    fn take(&mut self) -> Option<Result<Message, Status>> {
        if let Some(welcome) = self.welcome.take() {
            return Some(Ok(Message::Welcome(welcome)));
        }
        if let Some(refusal) = self.refusals.pop_front() {
            return Some(Ok(Message::Refusal(refusal)));
        }
        if let Some(interval_ms) = self.interval_ms.take() {
            return Some(Ok(Message::ReportingInterval(ReportingInterval { interval_ms })));
        }
        if let Some(acknowledgement) = self.acknowledgement.take() {
            return Some(Ok(Message::Acknowledgement(acknowledgement)));
        }
        self.end.take().map(Err)
    }
}

/// The response of a driver's stream. Dropped when the client is gone, which ends the stream.
#[derive(Debug)]
pub struct OutboxStream(pub(crate) Arc<Outbox>);

impl Stream for OutboxStream {
    type Item = Result<ConnectResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut waiting = self.0.waiting.lock();
        if waiting.ended {
            return Poll::Ready(None);
        }
        match waiting.take() {
            Some(Ok(message)) => {
                waiting.unread_since = Some(Instant::now());
                Poll::Ready(Some(Ok(ConnectResponse { message: Some(message) })))
            }
            Some(Err(status)) => {
                waiting.ended = true;
                Poll::Ready((status.code() != tonic::Code::Ok).then_some(Err(status)))
            }
            None => {
                waiting.unread_since = None;
                waiting.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for OutboxStream {
    fn drop(&mut self) {
        self.0.over.cancel();
    }
}
