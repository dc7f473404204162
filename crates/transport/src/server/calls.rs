//! One call: to the service that answers it, within the time that its caller gives.

use std::convert::Infallible;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::task::Spawn;
use http::{Request, Response};
use hyper::body::Incoming;
use kerb_proto::deadline::{TIMEOUT_KEY, timeout_in};
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
        let limit = request.headers().get(TIMEOUT_KEY).and_then(|text| timeout_in(text.to_str().ok()?));
        let answer = self.routes.clone().call(request);
        let Some(limit) = limit else { return answer.boxed() };
        let in_time = async move {
            let answer = timeout(limit, answer).await;
            answer.unwrap_or_else(|_| Ok(Status::cancelled("Timeout expired").into_http()))
        };
        in_time.boxed()
    }
}
