//! The services of one process, put together as the binary does it.

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

use crate::city::{Places, Spread};
use crate::drivers::{Fleet, Offer, Streams};
use crate::stopwatch::{Stopwatch, TimedJournal, TimedSearch};

/// Drivers of the city.
pub(crate) const DRIVERS: usize = 20_000;

/// A city that is dispatched.
pub(crate) struct Node {
    pub(crate) matcher: Matcher,
    pub(crate) fleet: Fleet,
    pub(crate) offers: Receiver<Offer>,
    pub(crate) stopwatch: Arc<Stopwatch>,
    /// Where riders are.
    pub(crate) riders: Places,
    pub(crate) rng: Pcg64Mcg,
    index: IndexServer,
    _journal: TempDir,
}

/// The ports of a matcher without a city: nobody is near, nobody is told.
pub(crate) fn ports_of(journal: Arc<dyn TripJournal>) -> kerb_matcher::Ports {
    let (sharding, catalog, id) = place();
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

fn place() -> (Sharding, Catalog, NodeId) {
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
        let places = Places::of(spread, &mut rng);
        Self::start_in(options, places, times(), rng).await
    }

    /// As [`Node::start`], where drivers and riders are, and with these travel times.
    pub(crate) async fn start_in(
        options: Options,
        [drivers, riders]: [Places; 2],
        times: Arc<dyn TravelTimes>,
        mut rng: Pcg64Mcg,
    ) -> Self {
        let places: Vec<LatLng> = (0..DRIVERS).map(|_| drivers.any(&mut rng)).collect();
        let (sharding, catalog, id) = place();
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
        let (streams, offers) = Streams::new(&places);
        peers.set_ingest_node(id.clone(), Arc::new(streams));
        let fleet = Fleet::fill(&id, (sharding, &catalog), &index, &places).await;

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
