//! A cluster of scripted servers. A test sets every copy of a position itself: the servers do not enforce that a driver is in one shard.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::pending;
use kerb_aggregator::{Aggregator, Options, Ports, Query};
use kerb_geometry::{Circle, LatLng, Origin};
use kerb_ports::conformance::travel_times::TwoBanks;
use kerb_ports::{
    Control, Cursor, DriverChannel, DriverChannelError, DriverEvents, DriverFilter, DriverLocation,
    DriverLookup, DriverLookupError, DriverNotification, Frame, IndexAdmin, IndexAdminError, IndexServer,
    IngestNode, Membership, Neighbor, Peers, PortFuture, PositionSink, ReplicationError, ReplicationStream,
    Search, ShardQuery, ShardResult, ShardSearch, ShardSearchError, ShardStat, SourceRegistration,
};
use kerb_types::{
    Capabilities, Catalog, DriverId, DriverProfile, IndexedStatus, KnownDriver, ManualClock, MembershipView,
    Motion, Node, NodeId, Partitioning, Role, ShardId, ShardMap, Sharding, Timestamp, UpdateVersion,
    VehicleClass,
};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::simulated_time::pass;

pub(crate) const NOW_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const SHARDS: u16 = 16;

pub(crate) fn node(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}

/// The point that all searches here are around.
pub(crate) fn center() -> LatLng {
    LatLng::new(52.52, 13.405).unwrap()
}

/// A driver `north` steps of 11 m north of the center.
pub(crate) fn neighbor(name: &str, north: u32, sequence: u64) -> Neighbor {
    let position = LatLng::new(52.52 + f64::from(north) * 1e-4, 13.405).unwrap();
    Neighbor {
        profile: DriverProfile {
            id: DriverId::new(name).unwrap(),
            vehicle_class: VehicleClass(0),
            capabilities: Capabilities(0),
        },
        position,
        hav: Origin::new(center()).hav(position),
        update_version: UpdateVersion { sequence, time: NOW_MS },
        motion: Motion::NONE,
        status: IndexedStatus::Available,
    }
}

pub(crate) fn nearest(k: u32) -> Query {
    Query::any(Search::Nearest { circle: Circle::new(center(), 50_000.0).unwrap(), k }, 15_000)
}

pub(crate) fn names(neighbors: &[Neighbor]) -> Vec<&str> {
    neighbors.iter().map(|neighbor| neighbor.profile.id.as_str()).collect()
}

/// The first neighbors of these copies, as an index server would answer.
pub(crate) fn linear_scan<'a>(
    copies: impl Iterator<Item = &'a Neighbor>,
    search: &Search,
    filter: &DriverFilter,
) -> Vec<Neighbor> {
    let by_id = matches!(search, Search::WithinPolygon { .. });
    let area = search.area();
    let passes = |neighbor: &&Neighbor| {
        area.contains(neighbor.position)
            && filter.accepts(
                neighbor.status,
                neighbor.profile.vehicle_class,
                neighbor.profile.capabilities,
                neighbor.update_version.time,
            )
    };
    let key = |neighbor: &Neighbor| (if by_id { 0.0 } else { neighbor.hav }, neighbor.profile.id.clone());
    let mut neighbors: Vec<Neighbor> = copies.filter(passes).cloned().collect();
    if by_id {
        for neighbor in &mut neighbors {
            neighbor.hav = 0.0;
        }
    }
    neighbors.sort_by(|a, b| key(a).partial_cmp(&key(b)).unwrap());
    if let Search::WithinRadius { after: Some(after), .. }
    | Search::WithinPolygon { after: Some(after), .. } = search
    {
        let Cursor { hav, id } = after;
        neighbors.retain(|neighbor| key(neighbor) > (*hav, id.clone()));
    }
    neighbors.truncate(search.limit() as usize);
    neighbors
}

/// How a server behaves.
#[derive(Clone, Debug, Default)]
pub(crate) enum Script {
    #[default]
    Immediate,
    After(Duration),
    Silent,
    Fails,
    /// Returns a busy answer after this time.
    BusyAfter(Duration),
    /// Does not cover these.
    Uncovered(Vec<ShardId>),
    Panics,
    /// The first query is answered; the server is silent after that.
    Once,
    /// Always this, and keeps no record: costs next to nothing.
    Prepared(ShardResult),
}

/// An index server that follows its script.
#[derive(Default)]
pub(crate) struct FakeServer {
    pub(crate) script: Mutex<Script>,
    pub(crate) copies: Mutex<HashMap<ShardId, Vec<Neighbor>>>,
    pub(crate) queries: Mutex<Vec<ShardQuery>>,
    /// Number of `stats` calls until an emptied shard is covered again.
    pub(crate) polls_until_covered: Mutex<u32>,
    pub(crate) looks: Mutex<u32>,
}

impl FakeServer {
    pub(crate) fn set(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    pub(crate) fn queries_received(&self) -> usize {
        self.queries.lock().unwrap().len()
    }

    fn answer(&self, query: &ShardQuery, uncovered: &[ShardId]) -> ShardResult {
        let copies = self.copies.lock().unwrap();
        let covered = query.shards.iter().filter(|shard| !uncovered.contains(shard));
        let held = covered.filter_map(|shard| copies.get(shard)).flatten();
        let uncovered = query.shards.iter().copied().filter(|shard| uncovered.contains(shard)).collect();
        ShardResult { neighbors: linear_scan(held, &query.search, &query.filter), uncovered }
    }
}

impl ShardSearch for FakeServer {
    fn search(&self, query: ShardQuery, _deadline: Instant) -> PortFuture<'_, ShardResult, ShardSearchError> {
        let script = self.script.lock().unwrap().clone();
        if !matches!(script, Script::Prepared(_)) {
            self.queries.lock().unwrap().push(query.clone());
        }
        async move {
            match script {
                Script::Prepared(answer) => Ok(answer),
                Script::Immediate => Ok(self.answer(&query, &[])),
                Script::After(wait) => {
                    pass(wait).await;
                    Ok(self.answer(&query, &[]))
                }
                Script::Silent => pending().await,
                Script::Fails => {
                    Err(ShardSearchError::Unavailable { node: node("fake"), reason: "scripted".to_owned() })
                }
                Script::BusyAfter(wait) => {
                    pass(wait).await;
                    Err(ShardSearchError::DeadlineExceeded("scripted".to_owned()))
                }
                Script::Uncovered(shards) => Ok(self.answer(&query, &shards)),
                Script::Panics => panic!("scripted"),
                Script::Once => {
                    self.set(Script::Silent);
                    Ok(self.answer(&query, &[]))
                }
            }
        }
        .boxed()
    }
}

impl IndexAdmin for FakeServer {
    fn stats(&self) -> PortFuture<'_, Vec<ShardStat>, IndexAdminError> {
        *self.looks.lock().unwrap() += 1;
        let mut polls_until_covered = self.polls_until_covered.lock().unwrap();
        let covered = *polls_until_covered == 0;
        *polls_until_covered = polls_until_covered.saturating_sub(1);
        let stat =
            |shard| ShardStat { shard, drivers: 2, bytes: 100, covered, sources: vec![node("ingest")] };
        let stats = (0..SHARDS).map(|shard| stat(ShardId(shard))).collect();
        let fails = matches!(*self.script.lock().unwrap(), Script::Fails);
        let error = IndexAdminError::Unavailable { node: node("fake"), reason: "scripted".to_owned() };
        async move { if fails { Err(error) } else { Ok(stats) } }.boxed()
    }

    fn resync(&self, shards: Vec<ShardId>) -> PortFuture<'_, Vec<ShardId>, IndexAdminError> {
        let all = || (0..SHARDS).map(ShardId).collect();
        async move { Ok(if shards.is_empty() { all() } else { shards }) }.boxed()
    }
}

impl PositionSink for FakeServer {
    fn open(
        &self,
        _register: SourceRegistration,
    ) -> PortFuture<'_, Box<dyn ReplicationStream>, ReplicationError> {
        async { Ok(Box::new(IdleReplicationStream) as Box<dyn ReplicationStream>) }.boxed()
    }
}

/// No aggregator test sends positions.
struct IdleReplicationStream;

impl ReplicationStream for IdleReplicationStream {
    fn send(&mut self, _frame: Frame) -> PortFuture<'_, (), ReplicationError> {
        async { Ok(()) }.boxed()
    }

    fn flush(&mut self) -> PortFuture<'_, (), ReplicationError> {
        async { Ok(()) }.boxed()
    }

    fn control(&mut self) -> PortFuture<'_, Control, ReplicationError> {
        pending().boxed()
    }
}

/// An ingest node that looks up the drivers in `known`.
#[derive(Default)]
pub(crate) struct FakeIngest {
    pub(crate) script: Mutex<Script>,
    pub(crate) known: Mutex<HashMap<DriverId, KnownDriver>>,
}

impl DriverLookup for FakeIngest {
    fn lookup(&self, id: DriverId) -> PortFuture<'_, Option<KnownDriver>, DriverLookupError> {
        let script = self.script.lock().unwrap().clone();
        let known = self.known.lock().unwrap().get(&id).cloned();
        async move {
            match script {
                Script::Silent => pending().await,
                Script::Fails => Err(DriverLookupError::Internal("scripted".to_owned())),
                _ => Ok(known),
            }
        }
        .boxed()
    }
}

/// No aggregator test notifies a driver.
impl DriverChannel for FakeIngest {
    fn notify(
        &self,
        _driver: DriverId,
        _notification: DriverNotification,
    ) -> PortFuture<'_, bool, DriverChannelError> {
        async { Ok(false) }.boxed()
    }

    fn locations(
        &self,
        drivers: Vec<DriverId>,
    ) -> PortFuture<'_, Vec<Option<DriverLocation>>, DriverChannelError> {
        async move { Ok(vec![None; drivers.len()]) }.boxed()
    }
}

/// Index servers `index-0`… and ingest nodes `ingest-0`….
pub(crate) struct Cluster {
    pub(crate) servers: Vec<Arc<FakeServer>>,
    pub(crate) ingest: Vec<Arc<FakeIngest>>,
    pub(crate) view: watch::Sender<Arc<MembershipView>>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Cluster {
    pub(crate) fn new(servers: usize, replicas: usize) -> Arc<Self> {
        assert!(servers <= 10, "the map sorts servers by name");
        let names: Vec<_> = (0..servers).map(|i| node(&format!("index-{i}"))).collect();
        let of = |id: NodeId, role| Node { id, roles: vec![role], address: None, live: true };
        let mut nodes: Vec<_> = names.iter().map(|id| of(id.clone(), Role::IndexServer)).collect();
        nodes.extend((0..2).map(|i| of(node(&format!("ingest-{i}")), Role::LocationIngest)));
        let shard_map = Arc::new(ShardMap::place(SHARDS, replicas, &names));
        Arc::new(Self {
            servers: names.iter().map(|_| Arc::default()).collect(),
            ingest: vec![Arc::default(), Arc::default()],
            view: watch::Sender::new(Arc::new(MembershipView { nodes, shard_map })),
            clock: Arc::new(ManualClock::new(NOW_MS)),
        })
    }

    /// Every search queries every shard, so a test is independent of the sharding.
    pub(crate) fn aggregator(self: &Arc<Self>, options: Options) -> Aggregator {
        let sharding = Sharding::new(SHARDS, Partitioning::Id).unwrap();
        let ports = Ports {
            membership: Arc::clone(self) as Arc<dyn Membership>,
            peers: Arc::clone(self) as Arc<dyn Peers>,
            clock: Arc::clone(&self.clock) as Arc<dyn kerb_types::Clock>,
            times: Arc::new(TwoBanks { bridge_s: 600 }),
        };
        Aggregator::new(options, sharding, Catalog::default(), ports).unwrap()
    }

    /// Puts a copy into all replicas of a shard.
    pub(crate) fn put(&self, shard: u16, neighbor: &Neighbor) {
        let map = Arc::clone(&self.view.borrow().shard_map);
        for &server in map.holders(ShardId(shard)) {
            let mut copies = self.servers[usize::from(server)].copies.lock().unwrap();
            copies.entry(ShardId(shard)).or_default().push(neighbor.clone());
        }
    }

    /// Drivers d00 to d15, each one farther, one a shard.
    pub(crate) fn put_line(&self) {
        (0..SHARDS).for_each(|i| self.put(i, &neighbor(&format!("d{i:02}"), u32::from(i), 1)));
    }

    pub(crate) fn set_live(&self, id: &str, live: bool) {
        self.view.send_modify(|view| {
            let mut changed = (**view).clone();
            changed.nodes.iter_mut().filter(|n| n.id.as_str() == id).for_each(|n| n.live = live);
            *view = Arc::new(changed);
        });
    }

    /// The shards that only `server` and servers before it hold.
    pub(crate) fn shards_of(&self, server: usize) -> Vec<ShardId> {
        self.view.borrow().shard_map.shards_of(&node(&format!("index-{server}")))
    }

    pub(crate) fn queries_received(&self) -> usize {
        self.servers.iter().map(|server| server.queries_received()).sum()
    }
}

impl Membership for Cluster {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.view.subscribe()
    }
}

fn number(id: &NodeId, kind: &str) -> Option<usize> {
    id.as_str().strip_prefix(kind)?.parse().ok()
}

impl Peers for Cluster {
    fn index_server(&self, id: &NodeId) -> Option<Arc<dyn IndexServer>> {
        let server = self.servers.get(number(id, "index-")?)?;
        Some(Arc::clone(server) as Arc<dyn IndexServer>)
    }

    fn ingest_node(&self, id: &NodeId) -> Option<Arc<dyn IngestNode>> {
        let ingest = self.ingest.get(number(id, "ingest-")?)?;
        Some(Arc::clone(ingest) as Arc<dyn IngestNode>)
    }

    fn matcher(&self, _id: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        None
    }
}
