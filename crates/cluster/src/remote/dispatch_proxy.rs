//! The door to the matcher: calls of its services are forwarded, unchanged, to whichever node is the matcher, so that
//! callers need to know no more than the node that they talk to anyway.

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
use tonic::transport::Channel;
use tower::{Service, ServiceExt};

use kerb_transport::Channels;

/// Forwards the service that is called as `S` is: `DispatchProxy::<RideServiceServer<()>>` takes the place of a
/// `RideServiceServer`. Messages are not looked at; metadata, deadlines and streams pass in both directions.
///
/// `UNAVAILABLE`: the view has no matcher, it is not reached, or it was lost while it answered.
pub struct DispatchProxy<S> {
    view: watch::Receiver<Arc<MembershipView>>,
    channels: Arc<Channels>,
    service: PhantomData<fn() -> S>,
}

impl<S> DispatchProxy<S> {
    /// To the matcher of these views, over these connections.
    pub fn new(view: watch::Receiver<Arc<MembershipView>>, channels: Arc<Channels>) -> Self {
        Self { view, channels, service: PhantomData }
    }

    fn matcher(&self) -> Option<(NodeId, Channel)> {
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
            let answer = channel.oneshot(request).await;
            Ok(match answer {
                Ok(response) => response.map(|body| Body::new(Forwarded { body, node, is_lost: false })),
                Err(error) => seen_from_here(&Status::from_error(error.into()), &node).into_http(),
            })
        }
        .boxed()
    }
}

/// What the client is told of a call that the transport lost.
fn seen_from_here(status: &Status, node: &NodeId) -> Status {
    status_of(&failure_of(status, node))
}

/// An answer under way. A matcher that is lost ends it with a status, as it would end by itself; a broken stream would
/// look like a fault of this node.
struct Forwarded {
    body: Body,
    node: NodeId,
    is_lost: bool,
}

impl http_body::Body for Forwarded {
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
        let told = seen_from_here(&status, &self.node).add_header(&mut trailers);
        Poll::Ready(Some(told.map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_lost || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Trailers may take the place of what is left.
        SizeHint::default()
    }
}
