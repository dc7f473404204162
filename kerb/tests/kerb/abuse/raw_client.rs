//! A client of HTTP/2 that decides itself what it sends, reads and leaves.

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::Request;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use super::STEP_TIMEOUT;
use crate::support::eventually::in_time;

/// The flow control window of a client that never reads.
pub(crate) const NO_WINDOW: u32 = 0;
/// The window of a client that reads as answers come.
pub(crate) const WINDOW: u32 = 1 << 20;

/// A connection that a task drives. Its drop closes the socket.
pub(crate) struct RawClient {
    requests: SendRequest<Bytes>,
    connection: AbortOnDropHandle<Result<(), h2::Error>>,
}

/// An open call.
pub(crate) struct RawCall {
    pub(crate) response: ResponseFuture,
    pub(crate) request: SendStream<Bytes>,
}

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With this `grpc-status`.
    Status(String),
    Reset(Option<Reason>),
}

impl RawClient {
    pub(crate) async fn connect(address: &str, window: u32) -> Self {
        let socket = TcpStream::connect(address).await.expect("the node listens");
        let handshake = Builder::new().initial_window_size(window).handshake(socket);
        let (requests, connection) =
            in_time("a handshake", STEP_TIMEOUT, handshake).await.expect("a node of HTTP/2");
        let connection: JoinHandle<_> = tokio::spawn(connection);
        Self { requests, connection: AbortOnDropHandle::new(connection) }
    }

    /// Opens a call. The error is that of the connection.
    pub(crate) async fn call(&self, path: &str) -> Result<RawCall, h2::Error> {
        let mut ready = self.requests.clone().ready().await?;
        let request = Request::post(format!("http://n/{path}")).header("te", "trailers");
        let request = request.header("content-type", "application/grpc").body(()).expect("a valid request");
        let (response, request) = ready.send_request(request, false)?;
        Ok(RawCall { response, request })
    }

    /// Makes a call with one message.
    pub(crate) async fn send(&self, path: &str, message: &[u8]) -> Result<RawCall, h2::Error> {
        let mut call = self.call(path).await?;
        call.request.send_data(framed(message), true)?;
        Ok(call)
    }

    /// Waits until the server has closed the connection.
    pub(crate) async fn closed(self) -> Result<(), h2::Error> {
        in_time("the connection ends", STEP_TIMEOUT, self.connection).await.expect("it does not panic")
    }
}

impl RawCall {
    /// Reads the answer to its end.
    pub(crate) async fn end(self) -> End {
        let read = async {
            let (head, mut body) = self.response.await?.into_parts();
            while let Some(data) = body.data().await {
                let bytes = data?.len();
                body.flow_control().release_capacity(bytes)?;
            }
            let trailers = body.trailers().await?.unwrap_or_default();
            let status = trailers.get("grpc-status").or(head.headers.get("grpc-status")).cloned();
            Ok(status.map_or_else(String::new, |status| status.to_str().expect("a number").to_owned()))
        };
        match in_time("a call ends", STEP_TIMEOUT, read).await {
            Ok(status) => End::Status(status),
            Err(error) => End::Reset(h2::Error::reason(&error)),
        }
    }
}

/// Returns the message with its header.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
    [&[0], &length[..], message].concat().into()
}

/// Returns the header of a message of this length.
pub(crate) fn header(length: u32) -> Bytes {
    [&[0], &length.to_be_bytes()[..]].concat().into()
}
