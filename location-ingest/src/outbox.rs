//! What waits to be read by a driver's app. It holds at most one acknowledgement, one interval and one piece of news
//! about a trip, because the newest speaks for all before it, and a few refusals and results: a client that does not
//! read costs no memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::Stream;
use kerb_ports::DriverNotification;
use kerb_proto::v1::connect_response::Message;
use kerb_proto::v1::{
    Acknowledgement, ActionResult, ConnectResponse, Registered, Rejection, ReportingInterval,
};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Refusals that wait, at most; then the oldest goes.
pub(crate) const REFUSALS_MAX: usize = 16;
/// Results of actions that wait, at most. None may go unread: then the stream ends.
pub(crate) const RESULTS_MAX: usize = 64;

/// Messages to one driver's app, written by the stream's task and read by its response.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    /// The stream is over: its task stops reading.
    over: CancellationToken,
}

#[derive(Debug, Default)]
struct Waiting {
    registered: Option<Registered>,
    refusals: VecDeque<Rejection>,
    interval_ms: Option<u32>,
    results: VecDeque<ActionResult>,
    news: Option<Message>,
    /// This stream was told something about a trip.
    told: bool,
    /// The driver was told something about a trip, or acted on one, in this stream or one that it took over.
    concerned: bool,
    acknowledgement: Option<Acknowledgement>,
    end: Option<Status>,
    ended: bool,
    reading: Reading,
    reader: Option<Waker>,
}

/// How far the reader is.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    /// Messages that were read.
    read: u64,
    /// Something waits that nobody has come for.
    unread: bool,
}

impl Outbox {
    pub(crate) fn registered(&self, registered: Registered) {
        self.write(|waiting| waiting.registered = Some(registered));
    }

    pub(crate) fn refuse(&self, refusal: Rejection) {
        self.write(|waiting| {
            if waiting.rejections.len() == REFUSALS_MAX {
                waiting.rejections.pop_front();
            }
            waiting.rejections.push_back(refusal);
        });
    }

    pub(crate) fn interval(&self, interval_ms: u32) {
        self.write(|waiting| waiting.interval_ms = Some(interval_ms));
    }

    pub(crate) fn acknowledge(&self, acknowledgement: Acknowledgement) {
        self.write(|waiting| waiting.acknowledgement = Some(acknowledgement));
    }

    /// Adds what an action came to. One too many ends the stream: its client acts and does not read.
    pub(crate) fn result(&self, result: ActionResult) {
        let mut full = false;
        self.write(|waiting| {
            full = waiting.results.len() == RESULTS_MAX;
            if !full {
                waiting.results.push_back(result);
            }
        });
        if full {
            let text = format!("{RESULTS_MAX} results of actions wait to be read, must be read as they come");
            self.end_now(Status::resource_exhausted(text));
        }
    }

    /// Puts news before the driver, in place of what has not been read yet. False: the stream is ending.
    pub(crate) fn news(&self, news: &DriverNotification) -> bool {
        let mut taken = false;
        self.write(|waiting| taken = waiting.tell(news));
        taken
    }

    /// As [`Outbox::news`], of what the matcher knew when the stream was opened: anything told since is newer.
    pub(crate) fn first_news(&self, news: &DriverNotification) {
        self.write(|waiting| {
            if !waiting.told {
                waiting.tell(news);
            }
        });
    }

    /// The driver acts on trips: the matcher is to know when it is gone.
    pub(crate) fn concern(&self) {
        self.waiting.lock().concerned = true;
    }

    /// Whether the matcher is to know when the driver is gone.
    pub(crate) fn is_concerned(&self) -> bool {
        self.waiting.lock().concerned
    }

    /// Takes over from an older stream of the driver.
    pub(crate) fn inherit(&self, older: &Self) {
        if older.is_concerned() {
            self.concern();
        }
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

    /// While something waits to be read: how many messages were read before it. The same number twice: nobody has read
    /// in between. An update costs no look at a clock this way.
    pub(crate) fn unread(&self) -> Option<u64> {
        let Reading { read, unread } = self.waiting.lock().reading;
        unread.then_some(read)
    }

    fn write(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock();
        change(&mut waiting);
        waiting.reading.unread = true;
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Waiting {
    fn tell(&mut self, news: &DriverNotification) -> bool {
        if self.end.is_some() || self.ended {
            return false;
        }
        self.news = Some(news.into());
        self.told = true;
        self.concerned = true;
        true
    }

    fn take(&mut self) -> Option<Result<Message, Status>> {
        if let Some(registered) = self.registered.take() {
            return Some(Ok(Message::Registered(registered)));
        }
        if let Some(refusal) = self.rejections.pop_front() {
            return Some(Ok(Message::Rejection(refusal)));
        }
        if let Some(interval_ms) = self.interval_ms.take() {
            return Some(Ok(Message::ReportingInterval(ReportingInterval { interval_ms })));
        }
        if let Some(result) = self.results.pop_front() {
            return Some(Ok(Message::Result(result)));
        }
        if let Some(news) = self.news.take() {
            return Some(Ok(news));
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
                waiting.reading.read += 1;
                Poll::Ready(Some(Ok(ConnectResponse { message: Some(message) })))
            }
            Some(Err(status)) => {
                waiting.ended = true;
                Poll::Ready((status.code() != tonic::Code::Ok).then_some(Err(status)))
            }
            None => {
                waiting.reading.unread = false;
                match &mut waiting.reader {
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
        self.0.over.cancel();
    }
}
