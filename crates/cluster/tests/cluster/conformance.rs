//! fleet's suite for index servers, over gRPC on a random port.

use std::sync::Arc;

use kerb_ports::IndexServer;

use crate::remote::{Served, serve_index_server};

kerb_ports::index_server_conformance!(server);

async fn server() -> (Arc<dyn IndexServer>, Served) {
    let served = serve_index_server().await;
    (served.index_server(), served)
}
