//! One call: to the service that answers it, within the time that its caller gives.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::task::Spawn;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::Service;

/// Answers the calls of one connection.
pub(super) struct Answers {
    routes: Routes,
    /// Every call's extensions have it: who spawns there runs as one task with the connection while that is not shared.
    beside: Arc<dyn Spawn + Send + Sync>,
}

impl Answers {
    pub(super) fn new(routes: Routes, beside: Arc<dyn Spawn + Send + Sync>) -> Self {
        Self { routes, beside }
    }
}

impl hyper::service::Service<Request<Incoming>> for Answers {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.beside.clone());
        let limit = limit(request.headers());
        let answer = self.routes.clone().call(request);
        let Some(limit) = limit else { return answer.boxed() };
        let in_time = async move {
            let answer = timeout(limit, answer).await;
            answer.unwrap_or_else(|_| Ok(Status::cancelled("Timeout expired").into_http()))
        };
        in_time.boxed()
    }
}

/// The `grpc-timeout` of a call: 1 to 8 digits and a unit ("PROTOCOL-HTTP2.md" of gRPC). `None` when there is none.
fn limit(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}
