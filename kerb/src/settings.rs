//! The settings of all roles in one tree: defaults, then a TOML file, then the environment, then flags.
//!
//! The error of a wrong key or value names its layer and what would be valid. All problems are reported, not only the first.
//! Nothing here opens a port or a store.

mod blame;
mod environment;
mod file;
mod layer;
mod load;
mod problem;
mod renamed;
mod schema;
mod sections;
mod show;

use std::num::NonZeroU16;

use kerb_traffic::RoadsOptions;
use kerb_transport::ServerOptions;
use kerb_types::{Catalog, FieldError, Millis, Sharding};
use serde::{Deserialize, Serialize};

pub use environment::PREFIX;
pub use layer::{Entry, Given, Origin};
pub use load::{LoadedSettings, Sources};
pub use problem::{Problem, Problems};
pub use sections::{ClusterOptions, DataDir, FleetOptions, LogFormat, LogOptions, NodeOptions};

/// All settings of a node. Each section is a table of the TOML file.
///
/// A value that services share is set once, in `node` or `fleet`, and overrides the services' own: the data
/// folder, the time to live of positions and the drain time.
///
/// ```
/// let settings = kerb::Settings::default();
/// assert_eq!(settings.fleet.shards.get(), 1_024);
/// assert!(settings.validate().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Name, address and folder of the process.
    pub node: NodeOptions,
    /// Values that must be equal in all processes of a cluster.
    pub fleet: FleetOptions,
    /// The other nodes.
    pub cluster: ClusterOptions,
    /// The gRPC server: connections and streams.
    pub server: ServerOptions,
    /// The role that takes driver streams.
    pub location_ingest: kerb_location_ingest::Options,
    /// The role that holds shards.
    pub index_server: kerb_index_server::Options,
    /// The role that answers searches.
    pub aggregator: kerb_aggregator::Options,
    /// The role that assigns drivers to requests and keeps trips.
    pub matcher: kerb_matcher::Options,
    /// Travel times on real streets.
    pub roads: RoadsOptions,
    /// Format and levels of the log.
    pub log: LogOptions,
}

impl Settings {
    /// Returns every value that has the right type and is out of range. Fields are full key paths.
    pub fn validate(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut section = |name: &str, errors: Vec<FieldError>| {
            problems.extend(errors.into_iter().map(|error| schema::by_shared_key(error.within(name))));
        };
        section("node", self.node.validate());
        section("fleet", self.fleet.validate());
        section("cluster", self.cluster.validate());
        section("server", self.server().validate().err().into_iter().collect());
        section("location_ingest", self.location_ingest().validate().err().into_iter().collect());
        section("index_server", self.index_server().validate().err().into_iter().collect());
        section("aggregator", self.aggregator().validate().err().into_iter().collect());
        section("matcher", self.matcher.validate().err().into_iter().collect());
        section("roads", self.roads.validate());
        section("log", self.log.validate());
        if u64::from(self.fleet.position_ttl_ms) > 1_000 * u64::from(self.location_ingest.retention_s) {
            let retention_s = self.location_ingest.retention_s;
            let description = format!("{retention_s}, must not be shorter than fleet.position_ttl_ms");
            problems.push(FieldError::new("location_ingest.retention_s", description));
        }
        problems
    }

    /// Returns the gRPC server's settings with the shared values.
    pub(crate) fn server(&self) -> ServerOptions {
        ServerOptions { shutdown_grace_ms: self.node.drain_ms, ..self.server }
    }

    /// Returns the ingest node's settings with the shared values.
    pub(crate) fn location_ingest(&self) -> kerb_location_ingest::Options {
        kerb_location_ingest::Options {
            data_dir: self.node.data_dir.0.clone(),
            position_ttl_ms: self.fleet.position_ttl_ms,
            stale_after_ms: self.aggregator.stale_after_ms,
            drain_timeout_ms: self.node.drain_ms,
            ..self.location_ingest.clone()
        }
    }

    /// Returns the index server's settings with the shared values.
    pub(crate) fn index_server(&self) -> kerb_index_server::Options {
        kerb_index_server::Options {
            position_ttl_ms: Millis::from(self.fleet.position_ttl_ms),
            ..self.index_server
        }
    }

    /// Returns the aggregator's settings with the shared values.
    pub(crate) fn aggregator(&self) -> kerb_aggregator::Options {
        kerb_aggregator::Options { position_ttl_ms: self.fleet.position_ttl_ms, ..self.aggregator }
    }

    /// Returns the catalog of vehicle classes and capabilities.
    pub fn catalog(&self) -> Result<Catalog, FieldError> {
        Catalog::new(self.fleet.vehicle_classes.clone(), self.fleet.capabilities.clone())?
            .with_seats(&self.fleet.seats)
    }

    /// Returns the sharding of the fleet.
    pub fn sharding(&self) -> Result<Sharding, FieldError> {
        Sharding::new(NonZeroU16::get(self.fleet.shards), self.fleet.partitioning)
    }
}
