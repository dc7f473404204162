//! One tree of settings for all roles: defaults, then one TOML file, then the environment, then flags.
//!
//! A wrong key or value is refused with the layer that brought it and what would be right; every problem is
//! found, not only the first. Nothing here opens a port or a store.

mod environment;
mod file;
mod layer;
mod load;
mod problem;
mod schema;
mod sections;
mod show;

use std::num::NonZeroU16;

use kerb_fleet::{Catalog, FieldError, Sharding};
use serde::{Deserialize, Serialize};

pub use environment::PREFIX;
pub use layer::{Entry, Given, Origin};
pub use load::{Loaded, Sources};
pub use problem::{Problem, Problems};
pub use sections::{ClusterOptions, DataDir, FleetOptions, LogFormat, LogOptions, NodeOptions};

/// Everything that a node can be told. Sections are the TOML file's tables.
///
/// ```
/// let settings = kerb::Settings::default();
/// assert_eq!(settings.fleet.shards.get(), 1_024);
/// assert!(settings.check().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// This process.
    pub node: NodeOptions,
    /// What all processes of a cluster must agree on.
    pub fleet: FleetOptions,
    /// Who else is there.
    pub cluster: ClusterOptions,
    /// What the process says of itself.
    pub log: LogOptions,
}

impl Settings {
    /// Every value that has the right type and is wrong all the same. Fields are full key paths.
    pub fn check(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut section = |name: &str, found: Vec<FieldError>| {
            problems.extend(found.into_iter().map(|error| error.within(name)));
        };
        section("node", self.node.check());
        section("fleet", self.fleet.check());
        section("log", self.log.check());
        problems
    }

    /// The lists of classes and capabilities.
    pub fn catalog(&self) -> Result<Catalog, FieldError> {
        Catalog::new(self.fleet.vehicle_classes.clone(), self.fleet.capabilities.clone())
    }

    /// How the fleet is cut into shards.
    pub fn sharding(&self) -> Result<Sharding, FieldError> {
        Sharding::new(NonZeroU16::get(self.fleet.shards), self.fleet.partitioning)
    }
}
