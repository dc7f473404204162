//! One open call, as the limits see it: what its client was waited for last, and what the client has not read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::Waker;

use futures::task::AtomicWaker;
use parking_lot::Mutex;
use tonic::Status;

use super::answer_body::Answer;
use super::connection_record::ConnectionRecord;
use super::deadlines::Deadlines;
use super::warnings::Kind;

/// What the server waits for in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum RequestPart {
    /// The first byte of the first message.
    FirstMessage,
    /// The end of a message that has begun, or of a request that has one message.
    Rest,
    /// The next message of a stream.
    NextMessage,
}

impl RequestPart {
    fn of(number: u8) -> Self {
        [Self::FirstMessage, Self::Rest][..].get(usize::from(number)).copied().unwrap_or(Self::NextMessage)
    }
}

/// An open call.
pub(in crate::server) struct Call {
    pub(super) connection: Arc<ConnectionRecord>,
    pub(super) answer: Mutex<Answer>,
    request: RequestWait,
    /// The tick in which the last piece of the answer was handed out; 0 while the client has read everything.
    unread_since: AtomicU32,
    /// The answer has ended for its reader already, and the next deadline resets the stream.
    stalled: AtomicBool,
    /// The answer was handed out to its end.
    finished: AtomicBool,
    aborted: AtomicBool,
    waker: AtomicWaker,
    has_message: AtomicBool,
    succeeds: AtomicBool,
    /// Bytes of a complete request that its service works on.
    request_bytes: AtomicU64,
}

/// The request of a call.
struct RequestWait {
    awaited: AtomicU8,
    /// The tick in which the wait began.
    since: AtomicU32,
    /// The service polls the request and finds nothing. A service that is busy does not wait for its client.
    is_polled: AtomicBool,
    is_overdue: AtomicBool,
    waker: AtomicWaker,
}

impl Call {
    pub(super) fn new(connection: Arc<ConnectionRecord>) -> Self {
        let request = RequestWait {
            awaited: AtomicU8::new(RequestPart::FirstMessage as u8),
            since: AtomicU32::new(connection.server.now()),
            is_polled: AtomicBool::new(false),
            is_overdue: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        };
        Self {
            connection,
            answer: Mutex::default(),
            request,
            unread_since: AtomicU32::new(0),
            stalled: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            has_message: AtomicBool::new(false),
            succeeds: AtomicBool::new(false),
            request_bytes: AtomicU64::new(0),
        }
    }

    // ---- The request.

    /// Notes that the service waits for the request. Returns the error if the client took too long.
    pub(super) fn request_pending(&self, waker: &Waker) -> Option<Status> {
        self.request.waker.register(waker);
        self.request.is_polled.store(true, Ordering::Relaxed);
        self.overdue()
    }

    /// Returns the error if the client took too long.
    pub(super) fn overdue(&self) -> Option<Status> {
        if !self.request.is_overdue.load(Ordering::Acquire) {
            return None;
        }
        let options = &self.connection.server.options;
        let text = match RequestPart::of(self.request.awaited.load(Ordering::Relaxed)) {
            RequestPart::FirstMessage => format!("no message within {} ms", options.first_message_timeout_ms),
            RequestPart::Rest => format!("the request is incomplete after {} ms", options.message_timeout_ms),
            RequestPart::NextMessage => format!("no message for {} ms", options.call_idle_timeout_ms),
        };
        Some(Status::deadline_exceeded(text))
    }

    /// Notes that bytes of the request have arrived and what the server waits for next. `restarts`: the wait begins anew.
    pub(super) fn request_arrived(&self, awaited: RequestPart, restarts: bool) {
        self.request.is_polled.store(false, Ordering::Relaxed);
        self.request.awaited.store(awaited as u8, Ordering::Relaxed);
        if restarts {
            self.request.since.store(self.connection.server.now(), Ordering::Relaxed);
        }
    }

    /// Notes that nothing more arrives.
    pub(super) fn request_ended(&self) {
        self.request.is_polled.store(false, Ordering::Relaxed);
    }

    /// Notes the first complete message.
    pub(super) fn message_received(&self, is_stream: bool) {
        if !self.has_message.swap(true, Ordering::Relaxed)
            && (is_stream || self.succeeds.load(Ordering::Relaxed))
        {
            self.connection.prove();
        }
    }

    /// Keeps the charge of a complete request until its answer begins: the service holds the request until then.
    pub(super) fn keep_charge(&self, bytes: u64) {
        self.request_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn release_request(&self) {
        self.connection.release(self.request_bytes.swap(0, Ordering::Relaxed));
    }

    // ---- The answer.

    /// Notes that the service has returned the head of its answer.
    pub(super) fn answered(&self, is_success: bool) {
        self.release_request();
        if !is_success {
            return;
        }
        self.succeeds.store(true, Ordering::Relaxed);
        if self.has_message.load(Ordering::Relaxed) {
            self.connection.prove();
        }
    }

    /// Notes that a piece was handed out: it waits for the client from now on.
    pub(super) fn piece_sent(&self) {
        self.unread_since.store(self.connection.server.now(), Ordering::Relaxed);
    }

    /// Notes that the client has read all pieces so far.
    pub(super) fn pieces_read(&self) {
        self.unread_since.store(0, Ordering::Relaxed);
    }

    pub(super) fn finish(&self) {
        self.finished.store(true, Ordering::Relaxed);
    }

    /// Whether the client gave the call up: it ended although neither its answer nor the server ended it.
    pub(super) fn was_given_up(&self) -> bool {
        !self.finished.load(Ordering::Relaxed) && !self.aborted.load(Ordering::Relaxed)
    }

    // ---- The end.

    /// Whether the call must be dropped. Otherwise it is woken when it must be.
    pub(in crate::server) fn is_aborted(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        self.aborted.load(Ordering::Acquire)
    }

    /// Ends the call if its client has exceeded a deadline.
    pub(super) fn sweep(&self, now: u32, deadlines: &Deadlines) {
        self.sweep_request(now, deadlines);
        self.sweep_answer(now, deadlines);
    }

    fn sweep_request(&self, now: u32, deadlines: &Deadlines) {
        let request = &self.request;
        if !request.is_polled.load(Ordering::Relaxed) || request.is_overdue.load(Ordering::Relaxed) {
            return;
        }
        let waited = now.saturating_sub(request.since.load(Ordering::Relaxed));
        let limit = match RequestPart::of(request.awaited.load(Ordering::Relaxed)) {
            RequestPart::FirstMessage => deadlines.first_message,
            RequestPart::Rest => deadlines.message,
            RequestPart::NextMessage => deadlines.call_idle,
        };
        if waited > limit {
            request.is_overdue.store(true, Ordering::Release);
            request.waker.wake();
            self.connection.warn(Kind::NoMessage);
        }
    }

    fn sweep_answer(&self, now: u32, deadlines: &Deadlines) {
        let unread_since = self.unread_since.load(Ordering::Relaxed);
        if unread_since == 0 || now.saturating_sub(unread_since) <= deadlines.stall {
            return;
        }
        if self.stalled.swap(true, Ordering::Relaxed) {
            self.aborted.store(true, Ordering::Release);
            self.waker.wake();
            return;
        }
        // Locked: the client reads just now.
        let Some(mut answer) = self.answer.try_lock() else { return };
        let ms = self.connection.server.options.stall_timeout_ms;
        let text = format!("the client has read nothing for {ms} ms");
        let dropped = answer.end_with(Status::resource_exhausted(text));
        drop(answer);
        // The service's part ends now. The status waits one more timeout for a client that reads again.
        drop(dropped);
        self.piece_sent();
        self.connection.warn(Kind::NothingRead);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.release_request();
    }
}
