//! A channel to a node that signs internal calls.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use kerb_types::NodeId;
use tonic::body::Body;
use tonic::transport::channel::ResponseFuture;
use tonic::transport::{Channel, Error};
use tower::Service;

use super::INTERNAL_PREFIX;
use super::signature::Signer;

/// A channel to a node. It signs internal calls and leaves all others as they are. Cheap to clone.
#[derive(Clone)]
pub struct NodeChannel {
    channel: Channel,
    /// The called node and the signer; `None` signs nothing.
    signer: Option<(NodeId, Arc<Signer>)>,
}

impl NodeChannel {
    pub(crate) fn new(channel: Channel, callee: NodeId, signer: Option<Arc<Signer>>) -> Self {
        Self { channel, signer: signer.map(|signer| (callee, signer)) }
    }
}

impl From<Channel> for NodeChannel {
    /// A channel that signs nothing.
    fn from(channel: Channel) -> Self {
        Self { channel, signer: None }
    }
}

impl Service<Request<Body>> for NodeChannel {
    type Response = Response<Body>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> ResponseFuture {
        if let Some((callee, signer)) = &self.signer
            && request.uri().path().starts_with(INTERNAL_PREFIX)
        {
            let path = request.uri().path().to_owned();
            signer.sign(callee, &path, request.headers_mut());
        }
        self.channel.call(request)
    }
}
