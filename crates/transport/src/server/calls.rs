//! Routes each call of a connection to its service, within the limits of the server and the caller's deadline.

use std::convert::Infallible;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use futures::task::Spawn;
use http::{Request, Response};
use hyper::body::Incoming;
use kerb_proto::deadline::{TIMEOUT_KEY, timeout_in};
use tokio::time::timeout;
use tonic::Status;
use tonic::service::Routes;
use tower::Service;

use super::limits::{AnswerBody, ConnectionRecord, RequestBody, ServerLimits};

/// Handles the calls of one connection.
pub(super) struct CallRouter {
    routes: Routes,
    /// Each call finds this executor in its extensions. A service that spawns there runs in the task of the connection,
    /// unless the connection is shared by several calls.
    executor: Arc<dyn Spawn + Send + Sync>,
    limits: Arc<ServerLimits>,
    connection: Arc<ConnectionRecord>,
}

impl CallRouter {
    pub(super) fn new(
        routes: Routes,
        executor: Arc<dyn Spawn + Send + Sync>,
        limits: Arc<ServerLimits>,
        connection: Arc<ConnectionRecord>,
    ) -> Self {
        Self { routes, executor, limits, connection }
    }
}

impl hyper::service::Service<Request<Incoming>> for CallRouter {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<AnswerBody>, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let call = match self.connection.admit_call(request.headers()) {
            Ok(call) => call,
            Err(status) => return ready(Ok(status.into_http().map(AnswerBody::Rejection))).boxed(),
        };
        let is_stream = self.limits.is_client_streaming(request.uri().path());
        let mut request = request.map(|body| RequestBody::new(body, call.clone(), is_stream));
        request.extensions_mut().insert(self.executor.clone());
        let limit = request.headers().get(TIMEOUT_KEY).and_then(|text| timeout_in(text.to_str().ok()?));
        let response = self.routes.clone().call(request);
        let limited = async move {
            let response = match limit {
                None => response.await,
                Some(limit) => {
                    let response = timeout(limit, response).await;
                    response.unwrap_or_else(|_| Ok(Status::cancelled("Timeout expired").into_http()))
                }
            };
            response.map(|response| {
                let (head, body) = response.into_parts();
                let body = AnswerBody::new(call, &head, body);
                Response::from_parts(head, body)
            })
        };
        limited.boxed()
    }
}
