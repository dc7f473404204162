//! The conformance suite of index servers, over gRPC on a random port.

use std::sync::Arc;

use kerb_ports::IndexServer;

use crate::remote::{TestServer, serve_index_server};

kerb_ports::index_server_conformance!(server);

async fn server() -> (Arc<dyn IndexServer>, TestServer) {
    let server = serve_index_server().await;
    (server.index_server(), server)
}
