//! Routes each call of a connection to its service and applies the caller's deadline.

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

/// Handles the calls of one connection.
pub(super) struct CallRouter {
    routes: Routes,
    /// Each call finds this executor in its extensions. A service that spawns there runs in the task of the connection,
    /// unless the connection is shared by several calls.
    executor: Arc<dyn Spawn + Send + Sync>,
}

impl CallRouter {
    pub(super) fn new(routes: Routes, executor: Arc<dyn Spawn + Send + Sync>) -> Self {
        Self { routes, executor }
    }
}

impl hyper::service::Service<Request<Incoming>> for CallRouter {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.executor.clone());
        let limit = request.headers().get(TIMEOUT_KEY).and_then(|text| timeout_in(text.to_str().ok()?));
        let response = self.routes.clone().call(request);
        let Some(limit) = limit else { return response.boxed() };
        let in_time = async move {
            let response = timeout(limit, response).await;
            response.unwrap_or_else(|_| Ok(Status::cancelled("Timeout expired").into_http()))
        };
        in_time.boxed()
    }
}
