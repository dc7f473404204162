//! The sections that belong to no single service.

use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use kerb_cluster::{ChannelOptions, LivenessOptions};
use kerb_fleet::limits::SHARDS_DEFAULT;
use kerb_fleet::{Catalog, FieldError, NodeId, Partitioning, Sharding};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// Longest grace that may be configured: an hour.
const DRAIN_MAX_MS: u32 = 3_600_000;

/// A shorter limit would lose drivers between two reports.
const GONE_AFTER_MIN_MS: u32 = 1_000;
/// A day.
const GONE_AFTER_MAX_MS: u32 = 86_400_000;

/// `[node]`: this process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeOptions {
    /// Its name: 1 to 32 letters, digits, `-`, `_` or `.`. In a cluster, one of the membership file's.
    pub id: NodeId,
    /// `address:port` to listen on; port 0 takes a free one. Unset: 127.0.0.1:7717, or in a cluster the
    /// address that the membership file gives this node.
    pub listen: Option<SocketAddr>,
    /// Where the driver table and the trips are kept, or `none` to keep them in memory only. A relative path starts in the
    /// working directory.
    pub data_dir: DataDir,
    /// How long calls and streams may go on after a request to stop.
    pub drain_ms: u32,
}

impl Default for NodeOptions {
    fn default() -> Self {
        let id = NodeId::new("local").expect("a legal name");
        Self { id, listen: None, data_dir: DataDir(Some("kerb-data".into())), drain_ms: 5_000 }
    }
}

impl NodeOptions {
    pub(super) fn check(&self) -> Vec<FieldError> {
        within("drain_ms", self.drain_ms, 1, DRAIN_MAX_MS).into_iter().collect()
    }
}

/// A folder, or none: `none` in settings.
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

/// `[fleet]`: equal in all processes of a cluster; a difference is noticed when they connect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetOptions {
    /// Names of vehicle classes, 1 to 64. The order matters: add at the end.
    pub vehicle_classes: Vec<String>,
    /// Names of capabilities, at most 16. The order matters: add at the end.
    pub capabilities: Vec<String>,
    /// Virtual shards, 1 to 16,384.
    pub shards: NonZeroU16,
    /// A driver silent for so long leaves the index, milliseconds: 1 s to a day.
    pub gone_after_ms: u32,
    /// `tile`: by place, a search of 2 km asks 1 to 4 shards. `id`: by driver id, a search asks all.
    pub partitioning: Partitioning,
}

impl Default for FleetOptions {
    fn default() -> Self {
        let catalog = Catalog::default();
        Self {
            vehicle_classes: catalog.vehicle_classes().to_vec(),
            capabilities: catalog.all_capabilities().to_vec(),
            shards: NonZeroU16::new(SHARDS_DEFAULT).expect("the default is not 0"),
            gone_after_ms: 60_000,
            partitioning: Partitioning::default(),
        }
    }
}

impl FleetOptions {
    pub(super) fn check(&self) -> Vec<FieldError> {
        // One list at a time, so that a problem in the first does not hide one in the second.
        let classes = Catalog::new(self.vehicle_classes.clone(), Vec::new()).err();
        let any_class = vec!["any".to_owned()];
        let capabilities = Catalog::new(any_class, self.capabilities.clone()).err();
        let shards = Sharding::new(self.shards.get(), self.partitioning).err();
        let gone = within("gone_after_ms", self.gone_after_ms, GONE_AFTER_MIN_MS, GONE_AFTER_MAX_MS);
        [classes, capabilities, shards, gone].into_iter().flatten().collect()
    }
}

/// `[cluster]`: who else is there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterOptions {
    /// The membership file: nodes, addresses, roles and replicas. Unset: this process is all there is. Read
    /// again when it changes. A relative path starts in the working directory.
    pub file: Option<PathBuf>,
    /// How it is noticed that a node is down.
    pub liveness: LivenessOptions,
    /// Connections to the other nodes.
    pub channels: ChannelOptions,
}

impl ClusterOptions {
    pub(super) fn check(&self) -> Vec<FieldError> {
        let liveness = self.liveness.check().err().map(|error| error.within("liveness"));
        liveness.into_iter().collect()
    }
}

/// Farther from every street than this is off the map, whatever the setting.
const SNAP_MAX_M: f64 = 10_000.0;
/// No clock is farther from UTC, minutes.
const UTC_OFFSET_MAX_MIN: i16 = 840;
/// 30 days.
const LIFETIME_MAX_MS: u32 = 2_592_000_000;

/// `[roads]`: travel times on real streets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoadsOptions {
    /// The road network of `kerb roads import`. Unset: travel times are straight lines over a speed. A relative path
    /// starts in the working directory.
    pub file: Option<PathBuf>,
    /// A position farther from every street is off the map, and its times are straight lines, metres.
    pub snap_max_m: f64,
    /// A file of speeds that count over the profile's. Read again when it changes.
    pub speeds: Option<PathBuf>,
    /// A profile of speeds by hour of the week, as `kerb roads learn` writes it. Read again when it changes.
    pub profile: Option<PathBuf>,
    /// How far the local clocks of the profile's hours are ahead of UTC, minutes: -840 to 840.
    pub utc_offset_min: i16,
    /// How long a streamed speed counts that does not say, milliseconds.
    pub speed_lifetime_ms: u32,
    /// The longest that a streamed speed may count, milliseconds: at most 30 days.
    pub speed_lifetime_max_ms: u32,
}

impl Default for RoadsOptions {
    fn default() -> Self {
        Self {
            file: None,
            snap_max_m: 300.0,
            speeds: None,
            profile: None,
            utc_offset_min: 0,
            speed_lifetime_ms: 900_000,
            speed_lifetime_max_ms: 86_400_000,
        }
    }
}

impl RoadsOptions {
    pub(super) fn check(&self) -> Vec<FieldError> {
        let snap = within("snap_max_m", self.snap_max_m, 1.0, SNAP_MAX_M);
        let offset = within("utc_offset_min", self.utc_offset_min, -UTC_OFFSET_MAX_MIN, UTC_OFFSET_MAX_MIN);
        let lifetime_max_ms = self.speed_lifetime_max_ms;
        let lifetime_max = within("speed_lifetime_max_ms", lifetime_max_ms, 1, LIFETIME_MAX_MS);
        let lifetime = within("speed_lifetime_ms", self.speed_lifetime_ms, 1, lifetime_max_ms);
        let without_roads = [("speeds", &self.speeds), ("profile", &self.profile)].map(|(field, path)| {
            let path = path.as_ref().filter(|_| self.file.is_none())?;
            Some(FieldError::new(field, format!("{}, needs a road network: roads.file", path.display())))
        });
        [snap, offset, lifetime_max, lifetime].into_iter().chain(without_roads).flatten().collect()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[log]`: on stderr.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogOptions {
    /// `text` or `json`.
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
    pub(super) fn check(&self) -> Vec<FieldError> {
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
    let is_right = min <= value && value <= max;
    (!is_right).then(|| FieldError::new(field, format!("{value}, must be {min} to {max}")))
}
