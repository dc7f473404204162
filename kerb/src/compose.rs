//! Chooses whether the other side of each port is in this process or behind gRPC. No other file makes this choice, and the
//! services see no difference.

use std::net::IpAddr;
use std::sync::Arc;

use kerb_cluster::{DispatchProxy, EmbeddedMembership, Liveness, LocalPeers, RemotePeers, StaticFile};
use kerb_journal::{FjallJournal, MemoryJournal};
use kerb_ports::{Membership, Peers, TravelTimes, TripJournal};
use kerb_routing::StraightLine;
use kerb_routing::{RoadTimes, Roads};
use kerb_transport::{Channels, ClusterSecret, InternalCalls, Signer, Verifier};
use kerb_types::{Clock, Node, NodeId, Role, SystemClock};

use crate::error::StartError;
use crate::roles::{ALL_ROLES, names};
use crate::settings::Settings;
use kerb_traffic::PeerNodes;

/// The listen address of a node without a cluster when no setting gives one.
const LISTEN_DEFAULT: &str = "127.0.0.1:7717";
/// The folder of the trip journal inside the data folder.
const TRIPS_FOLDER: &str = "trips";

/// The clock, the randomness and the shared resources that a node gets from outside.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock of all services.
    pub clock: Arc<dyn Clock>,
    /// The seed of all jitter.
    pub seed: u64,
    /// A road network that is already open; `None` opens that of the settings. Live speeds change it for all its users.
    pub roads: Option<Arc<Roads>>,
    /// Whether an in-memory journal drops records that no restart of a market needs. Subscribers then only see events
    /// from the moment they subscribe.
    pub truncates_journal: bool,
}

impl Surroundings {
    /// The machine's clock. The start time is the seed, so nodes started at different times have different jitter.
    pub fn real() -> Self {
        // Any value is a seed, so the cast of a negative time does no harm.
        let (clock, seed) = (Arc::new(SystemClock), SystemClock.now().as_millis().cast_unsigned());
        Self { clock, seed, roads: None, truncates_journal: false }
    }
}

/// The other nodes, and the ports to reach them.
pub(crate) struct Cluster {
    pub(crate) membership: Arc<dyn Membership>,
    pub(crate) peers: Arc<dyn Peers>,
    /// The peers of this process; `None` when they are remote.
    pub(crate) local: Option<Arc<LocalPeers>>,
    /// The connections to other nodes; `None` when the peers are in this process.
    channels: Option<Arc<Channels>>,
    internal_calls: InternalCalls,
    listen: String,
    /// Keeps watching the membership file until it is dropped.
    _file: Option<StaticFile>,
}

impl Cluster {
    /// Joins the cluster of the membership file; without one, the node is its own cluster.
    pub(crate) async fn join(settings: &Settings, roles: &[Role]) -> Result<Self, StartError> {
        match &settings.cluster.file {
            None if roles.len() < ALL_ROLES.len() => Err(StartError::Alone),
            None => Self::alone(settings, roles),
            Some(path) => {
                let file =
                    StaticFile::start(path.clone(), settings.node.id.clone(), settings.sharding()?).await?;
                let secret = match settings.cluster.secret_file.clone() {
                    Some(path) => {
                        let read = tokio::task::spawn_blocking(move || ClusterSecret::read(&path)).await;
                        Some(read.expect("reading does not panic")?)
                    }
                    None => None,
                };
                Self::listed(settings, roles, file, secret)
            }
        }
    }

    /// Makes a cluster of this process alone.
    pub(crate) fn alone(settings: &Settings, roles: &[Role]) -> Result<Self, StartError> {
        let local = Arc::new(LocalPeers::new());
        Ok(Self {
            membership: Arc::new(EmbeddedMembership::new(
                settings.node.id.clone(),
                roles,
                settings.sharding()?,
            )),
            peers: local.clone(),
            local: Some(local),
            channels: None,
            internal_calls: InternalCalls::Refused,
            listen: settings
                .node
                .listen
                .map_or_else(|| LISTEN_DEFAULT.to_owned(), |address| address.to_string()),
            _file: None,
        })
    }

    fn listed(
        settings: &Settings,
        roles: &[Role],
        file: StaticFile,
        secret: Option<ClusterSecret>,
    ) -> Result<Self, StartError> {
        let own = &settings.node.id;
        let listed = Arc::clone(&file.watch().borrow());
        let own_entry = listed.node(own).expect("the file was rejected if this node is not in it");
        validate_roles(own_entry, roles)?;
        let address = own_entry.address.clone().unwrap_or_default();
        let listen = settings.node.listen.map_or(address, |listen| listen.to_string());
        if secret.is_none() && !is_loopback(&listen) {
            return Err(StartError::NoSecret { address: listen });
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let signer = Signer::new(own.clone(), secret.clone(), clock.clone());
        let verifier = Verifier::new(own.clone(), secret, file.watch(), clock);
        let channels = Channels::new(file.watch(), settings.cluster.channels).signed_by(signer);
        let channels = Arc::new(channels);
        let liveness = Liveness::start(&file, own.clone(), channels.clone(), settings.cluster.liveness)?;
        Ok(Self {
            membership: Arc::new(liveness),
            peers: Arc::new(RemotePeers::new(channels.clone())),
            local: None,
            channels: Some(channels),
            internal_calls: InternalCalls::Verified(Arc::new(verifier)),
            listen,
            _file: Some(file),
        })
    }

    /// Returns which internal calls the node takes. One without a cluster takes none: all its roles are in its process.
    pub(crate) fn internal_calls(&self) -> InternalCalls {
        self.internal_calls.clone()
    }

    /// Returns the address to bind.
    pub(crate) fn listen(&self) -> &str {
        &self.listen
    }

    /// Returns a proxy that forwards calls of `S` to the matcher; `None` if no other node can be the matcher.
    pub(crate) fn dispatch_proxy<S>(&self) -> Option<DispatchProxy<S>> {
        let channels = self.channels.as_ref()?;
        Some(DispatchProxy::new(self.membership.watch(), Arc::clone(channels)))
    }

    /// Returns the other nodes that have travel times.
    pub(crate) fn others(&self, own: NodeId) -> PeerNodes {
        PeerNodes::new(own, self.membership.watch(), self.channels.clone())
    }
}

/// Whether only processes of this machine reach the address, which is `host:port`.
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Opens the matcher's journal: in the data folder, or in memory without one.
pub(crate) async fn journal(
    settings: &Settings,
    around: &Surroundings,
) -> Result<Arc<dyn TripJournal>, StartError> {
    let Some(data_dir) = &settings.node.data_dir.0 else {
        let in_memory =
            if around.truncates_journal { MemoryJournal::truncating() } else { MemoryJournal::new() };
        return Ok(Arc::new(in_memory));
    };
    let folder = data_dir.join(TRIPS_FOLDER);
    // Opening reads and locks files, which blocks.
    let opened = tokio::task::spawn_blocking(move || FjallJournal::open(&folder)).await;
    Ok(Arc::new(opened.expect("opening does not panic").map_err(StartError::Journal)?))
}

/// Rejects a node whose roles differ from the membership file: all other nodes rely on the file.
fn validate_roles(node: &Node, roles: &[Role]) -> Result<(), StartError> {
    let sorted = |roles: &[Role]| {
        let mut roles = roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        roles
    };
    if sorted(&node.roles) == sorted(roles) {
        return Ok(());
    }
    let (listed, started) = (names(&node.roles), names(roles));
    Err(StartError::Roles { node: node.id.to_string(), listed, started })
}

/// Opens the road network of a process. A node that neither searches nor matches opens none.
pub(crate) async fn roads(
    settings: &Settings,
    roles: &[Role],
    around: &Surroundings,
) -> Result<Option<Arc<Roads>>, StartError> {
    let needs_roads = roles.iter().any(|role| matches!(role, Role::Aggregator | Role::Matcher));
    match (&around.roads, &settings.roads.file) {
        (Some(roads), _) => Ok(Some(roads.clone())),
        (None, Some(file)) if needs_roads => {
            let (path, snap_max_m) = (file.clone(), settings.roads.snap_max_m);
            // Opening reads the file and builds the hierarchy, which blocks.
            let opened = tokio::task::spawn_blocking(move || Roads::open(&path, snap_max_m)).await;
            let opened = opened.expect("opening does not panic");
            let opened = opened.map_err(|reason| StartError::Roads { file: file.clone(), reason })?;
            Ok(Some(Arc::new(opened)))
        }
        (None, _) => Ok(None),
    }
}

/// Returns the travel times of all services of a process: on the road network if there is one, otherwise on straight lines.
pub(crate) fn travel_times(settings: &Settings, roads: Option<Arc<Roads>>) -> Arc<dyn TravelTimes> {
    let straight = Arc::new(StraightLine::new(settings.matcher.speed_kmh, settings.matcher.detour));
    match roads {
        Some(roads) => Arc::new(RoadTimes::new(roads, straight)),
        None => straight,
    }
}
