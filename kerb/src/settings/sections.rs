//! The sections of the settings that belong to no single service.

use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use kerb_cluster::LivenessOptions;
use kerb_transport::ChannelOptions;
use kerb_types::limits::SHARDS_DEFAULT;
use kerb_types::{Catalog, ClassSeats, FieldError, NodeId, Partitioning, Sharding};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// Maximum drain time, milliseconds: an hour.
const DRAIN_MAX_MS: u32 = 3_600_000;

/// Minimum time to live of a position, milliseconds: a shorter one expires drivers between two reports.
const POSITION_TTL_MIN_MS: u32 = 1_000;
/// Maximum time to live of a position, milliseconds: a day.
const POSITION_TTL_MAX_MS: u32 = 86_400_000;

/// `[node]`: the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeOptions {
    /// The node's name: 1 to 32 letters, digits, `-`, `_` or `.`. In a cluster, a name of the membership file.
    pub id: NodeId,
    /// The `address:port` to listen on; port 0 takes a free one. Unset: 127.0.0.1:7717, or in a cluster the
    /// address that the membership file gives this node.
    pub listen: Option<SocketAddr>,
    /// The folder of the driver table and the trips, or `none` to keep them in memory only. A relative path starts in the
    /// working directory.
    pub data_dir: DataDir,
    /// Time for open calls and streams to end after a stop request, milliseconds.
    pub drain_ms: u32,
}

impl Default for NodeOptions {
    fn default() -> Self {
        let id = NodeId::new("local").expect("a legal name");
        Self { id, listen: None, data_dir: DataDir(Some("kerb-data".into())), drain_ms: 5_000 }
    }
}

impl NodeOptions {
    pub(super) fn validate(&self) -> Vec<FieldError> {
        within("drain_ms", self.drain_ms, 1, DRAIN_MAX_MS).into_iter().collect()
    }
}

/// A data folder; `None` is written `none` in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DataDir(pub Option<PathBuf>);

impl TryFrom<String> for DataDir {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "" => Err("an empty path, must be a folder or \"none\""),
            "none" => Ok(Self(None)),
            _ => Ok(Self(Some(text.into()))),
        }
    }
}

impl From<DataDir> for String {
    fn from(dir: DataDir) -> Self {
        dir.0.map_or_else(|| "none".to_owned(), |path| path.to_string_lossy().into_owned())
    }
}

/// `[fleet]`: values that must be equal in all processes of a cluster. Nodes with different values do not connect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetOptions {
    /// The names of vehicle classes, 1 to 64. Their order gives the numbers: add at the end.
    pub vehicle_classes: Vec<String>,
    /// The numbers of riders that vehicles of some classes take. Classes that are not listed keep their default.
    pub seats: Vec<ClassSeats>,
    /// The names of capabilities, up to 16. Their order gives the bits: add at the end.
    pub capabilities: Vec<String>,
    /// The number of virtual shards, 1 to 16,384.
    pub shards: NonZeroU16,
    /// Time to live of a position, milliseconds, 1 s to a day: a driver that is silent for longer leaves the index.
    pub position_ttl_ms: u32,
    /// `tile`: shards by position, so a search of 2 km queries 1 to 4 shards. `id`: shards by driver id, so a search queries
    /// all shards.
    pub partitioning: Partitioning,
}

impl Default for FleetOptions {
    fn default() -> Self {
        let catalog = Catalog::default();
        Self {
            vehicle_classes: catalog.vehicle_classes().to_vec(),
            seats: Vec::new(),
            capabilities: catalog.all_capabilities().to_vec(),
            shards: NonZeroU16::new(SHARDS_DEFAULT).expect("the default is not 0"),
            position_ttl_ms: 60_000,
            partitioning: Partitioning::default(),
        }
    }
}

impl FleetOptions {
    pub(super) fn validate(&self) -> Vec<FieldError> {
        // Each list is validated by itself, so that a problem in the first does not hide one in the second.
        let classes = Catalog::new(self.vehicle_classes.clone(), Vec::new());
        let classes = classes.and_then(|catalog| catalog.with_seats(&self.seats)).err();
        let any_class = vec!["any".to_owned()];
        let capabilities = Catalog::new(any_class, self.capabilities.clone()).err();
        let shards = Sharding::new(self.shards.get(), self.partitioning).err();
        let ttl = within("position_ttl_ms", self.position_ttl_ms, POSITION_TTL_MIN_MS, POSITION_TTL_MAX_MS);
        [classes, capabilities, shards, ttl].into_iter().flatten().collect()
    }
}

/// `[cluster]`: the other nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterOptions {
    /// The membership file: nodes, addresses, roles and replicas. Unset: a cluster of this process alone. Reloaded
    /// when it changes. A relative path starts in the working directory.
    pub file: Option<PathBuf>,
    /// A file with the secret that all nodes of the cluster share, 16 to 4,096 bytes. Nodes prove with it that they belong to
    /// the cluster. Required in a cluster unless the node listens on a loopback address. Read when the node starts.
    pub secret_file: Option<PathBuf>,
    /// Intervals and limits of failure detection.
    pub liveness: LivenessOptions,
    /// Connections to the other nodes.
    pub channels: ChannelOptions,
}

impl ClusterOptions {
    pub(super) fn validate(&self) -> Vec<FieldError> {
        let liveness = self.liveness.validate().err().map(|error| error.within("liveness"));
        liveness.into_iter().collect()
    }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// JSON, one object a line.
    Json,
}

/// `[log]`: the log on stderr.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogOptions {
    /// The format: `text` or `json`.
    pub format: LogFormat,
    /// Levels, overall and by module: `info`, `warn,kerb_index_server=debug`.
    pub filter: String,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { format: LogFormat::default(), filter: "info".to_owned() }
    }
}

impl LogOptions {
    pub(super) fn validate(&self) -> Vec<FieldError> {
        let error = EnvFilter::try_new(&self.filter).err();
        let describe =
            |e| format!("{:?} is not a filter ({e}); try \"info\" or \"warn,kerb=debug\"", self.filter);
        error.map(|e| FieldError::new("filter", describe(e))).into_iter().collect()
    }
}

fn within<T: Copy + PartialOrd + Display>(
    field: &'static str,
    value: T,
    min: T,
    max: T,
) -> Option<FieldError> {
    let is_valid = min <= value && value <= max;
    (!is_valid).then(|| FieldError::new(field, format!("{value}, must be {min} to {max}")))
}
