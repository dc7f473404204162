//! The conformance suite of `DriverEvents`: for a matcher, and for its gRPC service on a random port.

use std::sync::Arc;

use kerb_cluster::remote::RemoteMatcher;
use kerb_matcher::{Matcher, Options};
use kerb_ports::DriverEvents;
use kerb_ports::conformance::driver_events::{OFFERED_DRIVER, OFFERED_TRIP};

use crate::fakes::{World, node, options, ride_request};
use crate::grpc::MatcherServer;

mod local {
    use super::*;

    kerb_ports::driver_events_conformance!(port);

    async fn port() -> (Arc<dyn DriverEvents>, ()) {
        (Arc::new(matcher_with_offer().await), ())
    }
}

mod remote {
    use super::*;

    kerb_ports::driver_events_conformance!(port);

    async fn port() -> (Arc<dyn DriverEvents>, MatcherServer) {
        let server = MatcherServer::start(matcher_with_offer().await).await;
        (Arc::new(RemoteMatcher::new(node("matcher-0"), server.channel.clone())), server)
    }
}

/// A matcher with one trip, which is offered to a driver.
async fn matcher_with_offer() -> Matcher {
    let world = World::new();
    world.put(OFFERED_DRIVER, 100.0);
    let matcher = world.start(Options { window_min_ms: 1, ..options() }).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    assert_eq!(trip.to_string(), OFFERED_TRIP);
    world.offer_to(OFFERED_DRIVER, &trip).await;
    matcher
}
