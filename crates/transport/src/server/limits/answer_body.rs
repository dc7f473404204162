//! The body of an answer: hands it out in small pieces, counts what the client has not read, and ends what is too much.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::StdError;

use super::call::Call;

/// Bytes of a piece. The HTTP/2 library takes a piece whole when the client has room for one byte of it, so a piece is what
/// a stream holds beyond the client's window.
const PIECE_BYTES: usize = 16 * 1024;

/// What is left of an answer.
#[derive(Default)]
pub(super) struct Answer {
    body: Option<Body>,
    /// The part of the last chunk that was not handed out.
    rest: Bytes,
    /// The server has ended the answer with this status.
    end: Option<Status>,
}

impl Answer {
    /// Ends the answer. Returns what it held, for a drop without the lock.
    pub(super) fn end_with(&mut self, status: Status) -> impl Sized + use<> {
        self.end = Some(status);
        (self.body.take(), std::mem::take(&mut self.rest))
    }

    fn next_piece(&mut self) -> Bytes {
        self.rest.split_to(self.rest.len().min(PIECE_BYTES))
    }
}

/// The body of an answer.
pub(in crate::server) enum AnswerBody {
    /// The answer of an admitted call.
    Limited(Arc<Call>),
    /// A status for a call that was not admitted.
    Rejection(Body),
}

impl AnswerBody {
    pub(in crate::server) fn new(call: Arc<Call>, head: &http::response::Parts, body: Body) -> Self {
        if body.is_end_stream() {
            call.finish();
        }
        call.answered(head.headers.get(Status::GRPC_STATUS).is_none_or(|status| status == "0"));
        call.answer.lock().body = Some(body);
        Self::Limited(call)
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        match self.get_mut() {
            Self::Limited(call) => poll_limited(call, context),
            Self::Rejection(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Limited(call) => {
                let answer = call.answer.lock();
                let ended = answer.body.as_ref().is_none_or(HttpBody::is_end_stream);
                ended && answer.rest.is_empty() && answer.end.is_none()
            }
            Self::Rejection(body) => body.is_end_stream(),
        }
    }
}

fn poll_limited(call: &Arc<Call>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
    let mut answer = call.answer.lock();
    // A poll means that the client has taken the piece before, or has room for it.
    call.pieces_read();
    if let Some(status) = answer.end.take() {
        call.finish();
        return Poll::Ready(Some(Ok(Frame::trailers(trailers(&status)))));
    }
    if answer.rest.is_empty() {
        let Some(body) = &mut answer.body else { return Poll::Ready(None) };
        let frame = match ready!(Pin::new(body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                call.finish();
                return Poll::Ready(Some(Err(error.into())));
            }
            None => {
                call.finish();
                return Poll::Ready(None);
            }
        };
        let data = match frame.into_data() {
            Ok(data) if !data.is_empty() => data,
            Ok(empty) => return Poll::Ready(Some(Ok(Frame::data(empty)))),
            Err(frame) => {
                call.finish();
                return Poll::Ready(Some(Ok(frame)));
            }
        };
        match call.connection.track(data) {
            Ok(tracked) => answer.rest = tracked,
            Err(status) => {
                let held = answer.end_with(status.clone());
                answer.end = None;
                call.finish();
                drop(answer);
                drop(held);
                return Poll::Ready(Some(Ok(Frame::trailers(trailers(&status)))));
            }
        }
    }
    call.piece_sent();
    Poll::Ready(Some(Ok(Frame::data(answer.next_piece()))))
}

fn trailers(status: &Status) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // The messages of this server are valid header values once they are escaped, which this does.
    status.add_header(&mut headers).expect("a status is a header");
    headers
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if let Self::Limited(call) = self {
            let held = std::mem::take(&mut *call.answer.lock());
            drop(held);
        }
    }
}
