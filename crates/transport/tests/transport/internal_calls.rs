//! Every internal method of the descriptor refuses calls that no node of the cluster signed.

use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use kerb_proto::FILE_DESCRIPTOR_SET;
use kerb_transport::{
    ChannelOptions, Channels, ClusterSecret, InternalCalls, NodeChannel, Server, ServerOptions, Signer,
    Verifier, callers_of, connect_lazily,
};
use kerb_types::{Clock, MembershipView, Node, Role, ShardMap, SystemClock};
use prost::Message;
use prost_types::FileDescriptorSet;
use tokio::sync::watch;
use tonic::Code;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt;

use crate::node;

const ROLES: [Role; 4] = [Role::LocationIngest, Role::IndexServer, Role::Aggregator, Role::Matcher];

/// Returns the path of every internal method.
fn internal_methods() -> Vec<String> {
    let files = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap().file;
    let internal = files.into_iter().filter(|file| file.package().starts_with("kerb.internal."));
    let methods = internal.flat_map(|file| {
        let package = file.package().to_owned();
        file.service.into_iter().flat_map(move |service| {
            let name = format!("/{package}.{}", service.name());
            service.method.into_iter().map(move |method| format!("{name}/{}", method.name()))
        })
    });
    methods.collect()
}

fn secret() -> ClusterSecret {
    ClusterSecret::new(b"0123456789abcdef".to_vec()).unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// A cluster of one node of each role, which all have this address.
fn cluster(address: &str) -> watch::Receiver<Arc<MembershipView>> {
    let nodes = ROLES.map(|role| Node {
        id: node(role.name()),
        roles: vec![role],
        address: Some(address.to_owned()),
        live: true,
    });
    let view = MembershipView { nodes: nodes.into(), shard_map: Arc::new(ShardMap::place(4, 1, &[])) };
    watch::Sender::new(Arc::new(view)).subscribe()
}

/// Starts a server without services, so a call that is let through is `UNIMPLEMENTED`.
async fn serve(
    calls: impl FnOnce(&str) -> InternalCalls,
) -> (String, tokio_util::task::AbortOnDropHandle<()>) {
    let server = Server::bind(node("index-server"), "127.0.0.1:0", ServerOptions::default()).await.unwrap();
    let address = server.address().to_string();
    let server = server.with_internal_calls(calls(&address));
    let serving = tokio::spawn(server.serve(Routes::builder(), std::future::pending()));
    (address, tokio_util::task::AbortOnDropHandle::new(serving))
}

async fn call(channel: NodeChannel, path: &str) -> (Code, String) {
    let request = Request::post(format!("http://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::empty());
    let response: Response<Body> = channel.oneshot(request.unwrap()).await.unwrap();
    let text = |headers: &HeaderMap, name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let code = Code::from_bytes(text(response.headers(), "grpc-status").as_bytes());
    let message = response.headers().get("grpc-message").map(|text| text.to_str().unwrap().to_owned());
    (code, message.unwrap_or_default())
}

#[tokio::test]
async fn every_internal_method_is_for_listed_nodes_only() {
    let methods = internal_methods();
    assert!(methods.len() >= 10, "{methods:?}");
    let verified = |address: &str| {
        let verifier = Verifier::new(node("index-server"), Some(secret()), cluster(address), clock());
        InternalCalls::Verified(Arc::new(verifier))
    };
    let (address, _serving) = serve(verified).await;
    let unsigned = connect_lazily(&address, ChannelOptions::default()).unwrap();
    let signed = |name: &str, secret| {
        let channels = Channels::new(cluster(&address), ChannelOptions::default());
        let channels = channels.signed_by(Signer::new(node(name), secret, clock()));
        channels.channel(&node("index-server")).unwrap()
    };
    for path in &methods {
        assert!(!callers_of(path).is_empty(), "no role may call {path}: list its callers");
        assert_eq!(call(unsigned.clone().into(), path).await.0, Code::Unauthenticated, "{path}");
        assert_eq!(call(signed("ghost", Some(secret())), path).await.0, Code::PermissionDenied, "{path}");
        for role in ROLES {
            assert_eq!(call(signed(role.name(), None), path).await.0, Code::Unauthenticated, "{path}");
            let (code, message) = call(signed(role.name(), Some(secret())), path).await;
            let expected =
                if callers_of(path).contains(&role) { Code::Unimplemented } else { Code::PermissionDenied };
            assert_eq!(code, expected, "{path} by {}: {message}", role.name());
        }
    }
    let (code, _) = call(signed("ghost", Some(secret())), "/kerb.v1.NearbyService/FindNearby").await;
    assert_eq!(code, Code::Unimplemented, "other services are for all");
}

#[tokio::test]
async fn a_node_without_a_cluster_rejects_internal_calls() {
    let (address, _serving) = serve(|_| InternalCalls::Refused).await;
    for path in internal_methods() {
        let channel = connect_lazily(&address, ChannelOptions::default()).unwrap();
        let (code, message) = call(channel.into(), &path).await;
        assert_eq!(code, Code::Unimplemented);
        assert!(message.contains("not%20in%20one") || message.contains("not in one"), "{message}");
    }
}
