//! fleet's suite for desks: of a matcher, and of the same behind its gRPC service on a random port.

use std::sync::Arc;

use kerb_cluster::remote::RemoteMatcher;
use kerb_matcher::{Matcher, Options};
use kerb_ports::DriverEvents;
use kerb_ports::conformance::driver_events::{OFFERED_DRIVER, OFFERED_TRIP};

use crate::fakes::{World, node, options, wish};
use crate::grpc::Served;

mod local {
    use super::*;

    kerb_ports::driver_events_conformance!(desk);

    async fn desk() -> (Arc<dyn DriverEvents>, ()) {
        (Arc::new(offering().await), ())
    }
}

mod remote {
    use super::*;

    kerb_ports::driver_events_conformance!(desk);

    async fn desk() -> (Arc<dyn DriverEvents>, Served) {
        let served = Served::start(offering().await).await;
        (Arc::new(RemoteMatcher::new(node("matcher-0"), served.channel.clone())), served)
    }
}

/// A matcher with one trip, which is offered.
async fn offering() -> Matcher {
    let world = World::new();
    world.put(OFFERED_DRIVER, 100.0);
    let matcher = world.start(Options { window_min_ms: 1, ..options() }).await;
    let trip = matcher.request(wish("anna")).await.unwrap().id;
    assert_eq!(trip.to_string(), OFFERED_TRIP);
    world.offer_to(OFFERED_DRIVER, &trip).await;
    matcher
}
