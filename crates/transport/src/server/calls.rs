//! Routes each call of a connection to its service, within the limits of the server and the caller's deadline.

use std::convert::Infallible;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use futures::task::Spawn;
use http::{Request, Response};
use hyper::body::Incoming;
use kerb_proto::caller::Caller;
use kerb_proto::deadline::{TIMEOUT_KEY, timeout_in};
use tokio::time::timeout;
use tonic::Status;
use tonic::service::Routes;
use tower::Service;

use super::limits::{AnswerBody, ConnectionRecord, RequestBody, ServerLimits};
use crate::internal_calls::{INTERNAL_PREFIX, InternalCalls};

/// The services of a server, and which internal calls it takes. Cheap to clone.
#[derive(Clone)]
pub(super) struct CallRoutes {
    pub(super) routes: Routes,
    pub(super) internal_calls: InternalCalls,
}

impl CallRoutes {
    /// Checks a call before any service sees it. The check goes by the path, so it holds for every internal service.
    fn admit<B>(&self, request: &mut Request<B>) -> Result<(), Status> {
        let path = request.uri().path();
        if !path.starts_with(INTERNAL_PREFIX) {
            return Ok(());
        }
        match &self.internal_calls {
            InternalCalls::Trusted => Ok(()),
            InternalCalls::Refused => Err(Status::unimplemented(format!(
                "{path} is for nodes of a cluster, and this node is not in one"
            ))),
            InternalCalls::Verified(verifier) => {
                let caller = verifier.verify(path, request.headers())?;
                request.extensions_mut().insert(Caller(caller));
                Ok(())
            }
        }
    }
}

/// Handles the calls of one connection.
pub(super) struct CallRouter {
    routes: CallRoutes,
    /// Each call finds this executor in its extensions. A service that spawns there runs in the task of the connection,
    /// unless the connection is shared by several calls.
    executor: Arc<dyn Spawn + Send + Sync>,
    limits: Arc<ServerLimits>,
    connection: Arc<ConnectionRecord>,
}

impl CallRouter {
    pub(super) fn new(
        routes: CallRoutes,
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

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let call = match self.connection.admit_call(request.headers()) {
            Ok(call) => call,
            Err(status) => return ready(Ok(status.into_http().map(AnswerBody::Rejection))).boxed(),
        };
        if let Err(status) = self.routes.admit(&mut request) {
            return ready(Ok(status.into_http().map(AnswerBody::Rejection))).boxed();
        }
        let is_stream = self.limits.is_client_streaming(request.uri().path());
        let mut request = request.map(|body| RequestBody::new(body, call.clone(), is_stream));
        request.extensions_mut().insert(self.executor.clone());
        let limit = request.headers().get(TIMEOUT_KEY).and_then(|text| timeout_in(text.to_str().ok()?));
        let response = self.routes.routes.clone().call(request);
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
