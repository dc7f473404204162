//! Import of streets: an OpenStreetMap PBF extract, or a plain list of edges, becomes a [`Network`].
//!
//! | step | files |
//! |---|---|
//! | read objects without trust in any byte | `osm/pbf.rs` |
//! | collect what streets need, in two passes | `osm/collect.rs` |
//! | evaluate the tags of ways and nodes | `osm/ways.rs` with `access.rs`, `conditional.rs`, `hours.rs`, `size.rs`, `speed.rs`, `surface.rs`; `osm/barriers.rs` |
//! | read turn restrictions | `osm/restrictions.rs` |
//! | or read tables of nodes and edges | `csv.rs` |
//! | cut streets at junctions, keep their curves | `pipeline/compress.rs` |
//! | find islands, and streets without through traffic | `pipeline/through.rs` with `component.rs` |
//! | resolve turn restrictions and put all rules about turns into the graph | `pipeline/turns.rs`, `pipeline/turn_expansion.rs` |
//! | renumber the graph, find where trips may start and end | `pipeline/kept_graph.rs`, `pipeline/ends.rs` |
//! | write the arrays of the network | `pipeline/layout.rs` |
//!
//! `options.rs` holds the caller's choices. `streets.rs` defines the types between reading and building. Nothing depends on
//! the order of the input's objects.

mod csv;
mod error;
mod options;
mod osm;
mod pipeline;
mod progress;
mod report;
mod streets;

use std::io::{Read, Seek};

pub use error::{BlockError, ImportError};
pub use options::{ImportOptions, UTurns, Vehicle};
pub use progress::{ImportStage, Progress};
pub use report::{ExcludedCounts, IslandCounts, Report, RestrictionCounts};

use crate::network::Network;

/// The result of an import.
#[derive(Debug)]
pub struct ImportedNetwork {
    /// The imported streets.
    pub network: Network,
    /// What the import kept, what it left out, and why.
    pub report: Report,
}

/// Imports an OpenStreetMap PBF extract. Calls `progress` after every block.
///
/// The objects may be in any order; the same objects in another order give the same network, byte for byte.
pub fn import_pbf(
    source: impl Read + Seek,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportedNetwork, ImportError> {
    import_pbf_with(source, &ImportOptions::default(), progress)
}

/// Like [`import_pbf`], for another vehicle or with ferries.
pub fn import_pbf_with(
    source: impl Read + Seek,
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportedNetwork, ImportError> {
    let mut report = Report::default();
    let mut pbf = osm::Pbf::new(source)?;
    let streets = osm::collect(&mut pbf, options, &mut report, progress)?;
    progress(Progress { stage: ImportStage::Graph, done: pbf.bytes(), total: pbf.bytes() });
    let network = pipeline::build_from_ways(&streets, options.u_turns, &mut report)?;
    Ok(ImportedNetwork { network, report })
}

/// Imports two tables, plain or gzipped: nodes (`node_id`, `lat`, `lon`) and directed edges (`from_node`, `to_node`,
/// `length_m`, `highway`, optionally `maxspeed_kmh` and `two_way`).
pub fn import_csv(nodes: impl Read, edges: impl Read) -> Result<ImportedNetwork, ImportError> {
    let mut report = Report::default();
    let (streets, pieces) = csv::read(nodes, edges, &mut report)?;
    let network = pipeline::build_from_pieces(&streets, &pieces, &mut report)?;
    Ok(ImportedNetwork { network, report })
}
