//! The outbox of a driver's stream: the messages that wait until the app reads them.
//!
//! It holds at most one acknowledgement, one reporting interval and one trip notification, because the newest replaces all
//! before it, and a bounded number of rejections and results. So a client that does not read costs no memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::Stream;
use kerb_ports::DriverNotification;
use kerb_proto::v1::connect_response::Message;
use kerb_proto::v1::{
    Acknowledgement, ActionResult, ConnectResponse, Notice, Registered, Rejection, ReportingInterval,
};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Maximum rejections that wait; beyond it the oldest one is dropped.
pub(crate) const REJECTIONS_MAX: usize = 16;
/// Maximum results of actions that wait. A result must not be lost, so beyond it the stream ends.
pub(crate) const RESULTS_MAX: usize = 64;

/// Messages to one driver's app. The stream's task writes them; the stream's response reads them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    messages: Mutex<QueuedMessages>,
    /// Cancelled when the stream has ended: its task stops.
    closed: CancellationToken,
}

#[derive(Debug, Default)]
struct QueuedMessages {
    registered: Option<Registered>,
    rejections: VecDeque<Rejection>,
    /// At most one of each reason.
    notices: VecDeque<Notice>,
    interval_ms: Option<u32>,
    results: VecDeque<ActionResult>,
    notification: Option<Message>,
    /// This stream has got a trip notification.
    was_notified: bool,
    /// The driver got a trip notification or acted on a trip, in this stream or in one that this stream replaced.
    has_trip_activity: bool,
    acknowledgement: Option<Acknowledgement>,
    /// The status that follows the messages.
    end: Option<Status>,
    ended: bool,
    progress: ReadProgress,
    reader: Option<Waker>,
}

/// How far the client has read.
#[derive(Clone, Copy, Debug, Default)]
struct ReadProgress {
    /// Number of messages that were read.
    read: u64,
    /// A message was written since the client last found the outbox empty.
    unread: bool,
}

impl Outbox {
    pub(crate) fn registered(&self, registered: Registered) {
        self.write(|messages| messages.registered = Some(registered));
    }

    pub(crate) fn reject(&self, rejection: Rejection) {
        self.write(|messages| {
            if messages.rejections.len() == REJECTIONS_MAX {
                messages.rejections.pop_front();
            }
            messages.rejections.push_back(rejection);
        });
    }

    /// Adds a notice. A stream sends each reason once, which bounds their number.
    pub(crate) fn notice(&self, notice: Notice) {
        self.write(|messages| messages.notices.push_back(notice));
    }

    pub(crate) fn interval(&self, interval_ms: u32) {
        self.write(|messages| messages.interval_ms = Some(interval_ms));
    }

    pub(crate) fn acknowledge(&self, acknowledgement: Acknowledgement) {
        self.write(|messages| messages.acknowledgement = Some(acknowledgement));
    }

    /// Adds the result of an action. One too many ends the stream: its client acts and does not read.
    pub(crate) fn result(&self, result: ActionResult) {
        let mut full = false;
        self.write(|messages| {
            full = messages.results.len() == RESULTS_MAX;
            if !full {
                messages.results.push_back(result);
            }
        });
        if full {
            let text = format!("{RESULTS_MAX} results of actions wait to be read, must be read as they come");
            self.end_now(Status::resource_exhausted(text));
        }
    }

    /// Queues a trip notification in place of one that has not been read. Returns false when the stream has ended.
    pub(crate) fn notify(&self, notification: &DriverNotification) -> bool {
        let mut taken = false;
        self.write(|messages| taken = messages.notify(notification));
        taken
    }

    /// Queues the notification that the matcher returned for the new stream, unless a newer one has come since.
    pub(crate) fn notify_initial(&self, notification: &DriverNotification) {
        self.write(|messages| {
            if !messages.was_notified {
                messages.notify(notification);
            }
        });
    }

    /// Records that the driver acts on trips: the matcher must get a report when the driver disconnects.
    pub(crate) fn mark_trip_activity(&self) {
        self.messages.lock().has_trip_activity = true;
    }

    /// Whether the matcher must get a report when the driver disconnects.
    pub(crate) fn has_trip_activity(&self) -> bool {
        self.messages.lock().has_trip_activity
    }

    /// Takes over from the driver's older stream, which this stream replaces.
    pub(crate) fn inherit(&self, older: &Self) {
        if older.has_trip_activity() {
            self.mark_trip_activity();
        }
    }

    /// Ends the stream after the queued messages. The first status stands; `Ok` is an end without an error.
    pub(crate) fn end(&self, status: Status) {
        self.write(|messages| {
            messages.end.get_or_insert(status);
        });
    }

    /// Ends the stream as [`Outbox::end`] does, and stops its task.
    pub(crate) fn end_now(&self, status: Status) {
        self.end(status);
        self.closed.cancel();
    }

    /// Resolves when the stream has ended.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Returns the number of messages that were read before the waiting ones; `None` when no message waits. The same number
    /// twice means that the client has read nothing in between. So an update needs no look at a clock.
    pub(crate) fn unread(&self) -> Option<u64> {
        let ReadProgress { read, unread } = self.messages.lock().progress;
        unread.then_some(read)
    }

    fn write(&self, change: impl FnOnce(&mut QueuedMessages)) {
        let mut messages = self.messages.lock();
        change(&mut messages);
        messages.progress.unread = true;
        let reader = messages.reader.take();
        // The reader may run at once, and it takes the lock.
        drop(messages);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl QueuedMessages {
    fn notify(&mut self, notification: &DriverNotification) -> bool {
        if self.end.is_some() || self.ended {
            return false;
        }
        self.notification = Some(notification.into());
        self.was_notified = true;
        self.has_trip_activity = true;
        true
    }

    /// Takes the next message, and after the last one the end.
    fn take(&mut self) -> Option<Result<Message, Status>> {
        if let Some(registered) = self.registered.take() {
            return Some(Ok(Message::Registered(registered)));
        }
        if let Some(rejection) = self.rejections.pop_front() {
            return Some(Ok(Message::Rejection(rejection)));
        }
        if let Some(notice) = self.notices.pop_front() {
            return Some(Ok(Message::Notice(notice)));
        }
        if let Some(interval_ms) = self.interval_ms.take() {
            return Some(Ok(Message::ReportingInterval(ReportingInterval { interval_ms })));
        }
        if let Some(result) = self.results.pop_front() {
            return Some(Ok(Message::Result(result)));
        }
        if let Some(notification) = self.notification.take() {
            return Some(Ok(notification));
        }
        if let Some(acknowledgement) = self.acknowledgement.take() {
            return Some(Ok(Message::Acknowledgement(acknowledgement)));
        }
        self.end.take().map(Err)
    }
}

/// The response of a driver's stream. Its drop, when the client disconnects, ends the stream.
#[derive(Debug)]
pub struct OutboxStream(pub(crate) Arc<Outbox>);

impl Stream for OutboxStream {
    type Item = Result<ConnectResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut messages = self.0.messages.lock();
        if messages.ended {
            return Poll::Ready(None);
        }
        match messages.take() {
            Some(Ok(message)) => {
                messages.progress.read += 1;
                Poll::Ready(Some(Ok(ConnectResponse { message: Some(message) })))
            }
            Some(Err(status)) => {
                messages.ended = true;
                Poll::Ready((status.code() != tonic::Code::Ok).then_some(Err(status)))
            }
            None => {
                messages.progress.unread = false;
                match &mut messages.reader {
                    // Reuses the allocation where the waker is the same.
                    Some(reader) => reader.clone_from(context.waker()),
                    reader => *reader = Some(context.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for OutboxStream {
    fn drop(&mut self) {
        self.0.closed.cancel();
    }
}
