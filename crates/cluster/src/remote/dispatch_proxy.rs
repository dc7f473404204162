//! A proxy for the matcher's services: it forwards their calls, unchanged, to the node that is the matcher. So a client can
//! call these services on any node.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use kerb_proto::status::{failure_of, status_of};
use kerb_types::{MembershipView, NodeId, Role};
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service, ServiceExt};

use kerb_transport::{Channels, NodeChannel};

/// Forwards the service that has the name of `S`: `DispatchProxy::<RideServiceServer<()>>` takes the place of a
/// `RideServiceServer`. Messages are forwarded without decoding. Metadata, deadlines and streams pass in both directions.
///
/// The status is `UNAVAILABLE` if the membership has no matcher, if the matcher cannot be reached, or if the connection to
/// it is lost during the call.
pub struct DispatchProxy<S> {
    view: watch::Receiver<Arc<MembershipView>>,
    channels: Arc<Channels>,
    service: PhantomData<fn() -> S>,
}

impl<S> DispatchProxy<S> {
    /// Makes a proxy to the matcher of the membership `view`, over these channels.
    pub fn new(view: watch::Receiver<Arc<MembershipView>>, channels: Arc<Channels>) -> Self {
        Self { view, channels, service: PhantomData }
    }

    fn matcher(&self) -> Option<(NodeId, NodeChannel)> {
        let node = self.view.borrow().with_role(Role::Matcher).next()?.id.clone();
        let channel = self.channels.channel(&node)?;
        Some((node, channel))
    }
}

impl<S> Clone for DispatchProxy<S> {
    fn clone(&self) -> Self {
        Self::new(self.view.clone(), Arc::clone(&self.channels))
    }
}

impl<S: NamedService> NamedService for DispatchProxy<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for DispatchProxy<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let matcher = self.matcher();
        async move {
            let Some((node, channel)) = matcher else {
                return Ok(Status::unavailable("no node of the cluster is a matcher").into_http());
            };
            Ok(match channel.oneshot(request).await {
                Ok(response) => response.map(|body| Body::new(ForwardedBody { body, node, is_lost: false })),
                Err(error) => transport_failure(&Status::from_error(error.into()), &node).into_http(),
            })
        }
        .boxed()
    }
}

/// Returns the status that the client receives when the transport to the matcher fails.
fn transport_failure(status: &Status, node: &NodeId) -> Status {
    status_of(&failure_of(status, node))
}

/// The body of a response from the matcher. If the connection to the matcher is lost, the body ends with a status in
/// its trailers. A broken stream would look like a failure of this node.
struct ForwardedBody {
    body: Body,
    node: NodeId,
    is_lost: bool,
}

impl http_body::Body for ForwardedBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        if self.is_lost {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let Some(Err(status)) = frame else { return Poll::Ready(frame) };
        self.is_lost = true;
        let mut trailers = HeaderMap::new();
        let added = transport_failure(&status, &self.node).add_header(&mut trailers);
        Poll::Ready(Some(added.map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_lost || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // The length is unknown, because trailers may replace the rest of the body.
        SizeHint::default()
    }
}
