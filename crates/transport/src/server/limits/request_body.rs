//! The body of a request: counts the bytes of incomplete messages, and ends a request whose client takes too long.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use kerb_types::limits::MESSAGE_BYTES_MAX;
use tonic::Status;
use tonic::codegen::StdError;

use super::call::{Call, RequestPart};
use super::framing::MessageBoundaries;

/// The body of a request.
pub(in crate::server) struct RequestBody {
    body: Incoming,
    call: Arc<Call>,
    framing: MessageBoundaries,
    /// The client may send several messages, and the service takes each when it is complete. Otherwise the service begins
    /// after the end of the request, and everything is held until then.
    is_stream: bool,
    /// Bytes of complete messages that are held: none in a stream.
    complete_bytes: u64,
    /// Bytes of the messages of a stream that the service works on: it has them until it polls for the next one.
    in_work_bytes: u64,
    /// Bytes in the account of the connection.
    charged: u64,
    failed: bool,
}

impl RequestBody {
    pub(in crate::server) fn new(body: Incoming, call: Arc<Call>, is_stream: bool) -> Self {
        let framing = MessageBoundaries::default();
        Self {
            body,
            call,
            framing,
            is_stream,
            complete_bytes: 0,
            in_work_bytes: 0,
            charged: 0,
            failed: false,
        }
    }

    fn read(&mut self, data: &[u8]) -> Result<(), Status> {
        if data.is_empty() {
            return Ok(());
        }
        let was_within = self.framing.incomplete_bytes() > 0;
        let ended = self.framing.read(data);
        let is_within = self.framing.incomplete_bytes() > 0;
        if !self.is_stream {
            self.complete_bytes += data.len() as u64;
        }
        if ended > 0 {
            self.call.message_received(self.is_stream);
        }
        if self.is_stream && ended > 0 {
            self.in_work_bytes = self.charged.max(data.len() as u64);
        }
        // The decoder rejects a longer message at its header.
        let incomplete_bytes = self.framing.incomplete_bytes().min(MESSAGE_BYTES_MAX as u64);
        self.set_charge(incomplete_bytes.max(self.complete_bytes) + self.in_work_bytes)?;
        let awaited = if is_within || !self.is_stream { RequestPart::Rest } else { RequestPart::NextMessage };
        // A request of one message has one wait from its first byte to its end.
        let restarts =
            if self.is_stream { ended > 0 || !was_within } else { self.complete_bytes == data.len() as u64 };
        self.call.request_arrived(awaited, restarts);
        Ok(())
    }

    fn set_charge(&mut self, held: u64) -> Result<(), Status> {
        if held > self.charged {
            self.call.connection.charge(held - self.charged)?;
        } else {
            self.call.connection.release(self.charged - held);
        }
        self.charged = held;
        Ok(())
    }

    /// Releases the messages that the service has worked on.
    fn release_work(&mut self) {
        let done = std::mem::take(&mut self.in_work_bytes);
        self.charged -= done;
        self.call.connection.release(done);
    }

    fn fail(&mut self, status: Status) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        self.failed = true;
        self.call.request_ended();
        Poll::Ready(Some(Err(status.into())))
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let this = self.get_mut();
        if this.failed {
            return Poll::Ready(None);
        }
        this.release_work();
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Pending => match this.call.request_pending(context.waker()) {
                Some(status) => this.fail(status),
                None => Poll::Pending,
            },
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref()
                    && let Err(status) = this.read(data)
                {
                    return this.fail(status);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.call.request_ended();
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                this.call.request_ended();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.call.request_ended();
        if self.is_stream {
            self.call.connection.release(self.charged);
        } else {
            self.call.keep_charge(self.charged);
        }
    }
}
