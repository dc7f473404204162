//! The services of one process, composed like in the binary.

use std::sync::Arc;

use kerb_aggregator::Aggregator;
use kerb_cluster::{EmbeddedMembership, LocalPeers};
use kerb_geometry::LatLng;
use kerb_index_server::IndexServer;
use kerb_journal::FjallJournal;
use kerb_matcher::{Matcher, Options};
use kerb_ports::{TravelTimes, TripJournal};
use kerb_routing::StraightLine;
use kerb_types::{Catalog, NodeId, Role, Sharding, SystemClock};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

use crate::city::{PositionSource, Spread};
use crate::drivers::{FakeIngestNode, Fleet, Offer};
use crate::stopwatch::{Stopwatch, TimedJournal, TimedSearch};

/// Number of drivers in the city.
pub(crate) const DRIVERS: usize = 20_000;

/// The services of a city, and its drivers and riders.
pub(crate) struct Node {
    pub(crate) matcher: Matcher,
    pub(crate) fleet: Fleet,
    pub(crate) offers: Receiver<Offer>,
    pub(crate) stopwatch: Arc<Stopwatch>,
    pub(crate) riders: PositionSource,
    pub(crate) rng: Pcg64Mcg,
    index: IndexServer,
    _journal: TempDir,
}

/// Makes the ports of a matcher without drivers: searches find none, and no notification is delivered.
pub(crate) fn ports_without_drivers(journal: Arc<dyn TripJournal>) -> kerb_matcher::Ports {
    let (sharding, catalog, id) = defaults();
    let membership = Arc::new(EmbeddedMembership::new(id.clone(), &[Role::Aggregator], sharding));
    let (peers, clock) = (Arc::new(LocalPeers::new()), Arc::new(SystemClock));
    let ports = kerb_aggregator::Ports {
        membership: membership.clone(),
        peers: peers.clone(),
        clock: clock.clone(),
        times: times(),
    };
    let aggregator = Aggregator::new(kerb_aggregator::Options::default(), sharding, catalog.clone(), ports);
    kerb_matcher::Ports {
        node: id,
        catalog: Arc::new(catalog),
        clock,
        journal,
        search: Arc::new(aggregator.unwrap()),
        times: times(),
        membership,
        peers,
    }
}

fn defaults() -> (Sharding, Catalog, NodeId) {
    let settings = kerb::Settings::default();
    (settings.sharding().unwrap(), settings.catalog().unwrap(), NodeId::new("bench").unwrap())
}

pub(crate) fn times() -> Arc<StraightLine> {
    let Options { speed_kmh, detour, .. } = Options::default();
    Arc::new(StraightLine::new(speed_kmh, detour))
}

impl Node {
    /// Starts all services, with the drivers in the index.
    pub(crate) async fn start(options: Options, spread: Spread) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let sources = PositionSource::drivers_and_riders(spread, &mut rng);
        Self::start_in(options, sources, times(), rng).await
    }

    /// Starts all services like [`Node::start`], with these positions and travel times.
    pub(crate) async fn start_in(
        options: Options,
        [drivers, riders]: [PositionSource; 2],
        times: Arc<dyn TravelTimes>,
        mut rng: Pcg64Mcg,
    ) -> Self {
        let positions: Vec<LatLng> = (0..DRIVERS).map(|_| drivers.random(&mut rng)).collect();
        let (sharding, catalog, id) = defaults();
        let roles = [Role::LocationIngest, Role::IndexServer, Role::Aggregator];
        let membership = Arc::new(EmbeddedMembership::new(id.clone(), &roles, sharding));
        let (peers, clock) = (Arc::new(LocalPeers::new()), Arc::new(SystemClock));

        let ports = kerb_index_server::Ports {
            node: id.clone(),
            sharding,
            catalog: catalog.clone(),
            membership: membership.clone(),
            clock: clock.clone(),
        };
        let index = IndexServer::start(&kerb_index_server::Options::default(), ports).await.unwrap();
        peers.set_index_server(id.clone(), Arc::new(index.clone()));
        let (ingest, offers) = FakeIngestNode::new(&positions);
        peers.set_ingest_node(id.clone(), Arc::new(ingest));
        let fleet = Fleet::fill(&id, (sharding, &catalog), &index, &positions).await;

        let ports = kerb_aggregator::Ports {
            membership: membership.clone(),
            peers: peers.clone(),
            clock: clock.clone(),
            times: times.clone(),
        };
        let options_default = kerb_aggregator::Options::default();
        let aggregator = Aggregator::new(options_default, sharding, catalog.clone(), ports).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let journal = FjallJournal::open(folder.path()).unwrap();
        let stopwatch = Stopwatch::new();
        let ports = kerb_matcher::Ports {
            node: id,
            catalog: Arc::new(catalog),
            clock,
            journal: Arc::new(TimedJournal(journal, stopwatch.clone())),
            search: Arc::new(TimedSearch(aggregator, stopwatch.clone())),
            times,
            membership,
            peers,
        };
        let matcher = Matcher::start(options, ports).await.unwrap();
        Self { matcher, fleet, offers, stopwatch, riders, rng, index, _journal: folder }
    }

    /// Ends all services.
    pub(crate) async fn shutdown(self) {
        self.matcher.shutdown().await;
        self.index.shutdown().await;
    }
}
