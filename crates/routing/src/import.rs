//! Streets in: an OpenStreetMap PBF extract, or a plain list of edges, becomes a [`Network`].
//!
//! The way through it, a module a step:
//!
//! 1. `pbf` reads objects and believes none of their bytes; `collect` takes what streets need in two passes, by the
//!    rules of `ways` (with `access` and `speed`) and `restrictions`.
//! 2. `compress` cuts streets at junctions and keeps their curves.
//! 3. `turns` finds what turn restrictions forbid, `turn_expansion` puts that into the graph.
//! 4. `component` finds the largest strongly connected part, `pipeline` numbers what is kept, `layout` writes it down.
//!
//! `csv` reads tables of nodes and edges and joins at step 3. Nothing here depends on the order of the input's objects.

mod access;
mod collect;
mod component;
mod compress;
mod csv;
mod error;
mod layout;
mod message;
mod pbf;
mod pipeline;
mod report;
mod restrictions;
mod speed;
mod streets;
mod turn_expansion;
mod turns;
mod ways;

use std::io::{Read, Seek};

pub use error::{BlockError, ImportError};
pub use report::{DroppedCounts, ExcludedCounts, Report, RestrictionCounts};

use crate::Network;
use pbf::Pbf;

/// The most of anything that has a number: numbers are 32 bits, and two directions need one of them.
const COUNT_MAX: usize = 1 << 31;

/// A network, and what became of the input.
#[derive(Debug)]
pub struct Imported {
    /// The streets.
    pub network: Network,
    /// What was kept and what was not.
    pub report: Report,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it does.
    pub stage: ImportStage,
    /// Bytes of the file that this step has read.
    pub done: u64,
    /// Bytes of the file.
    pub total: u64,
}

/// What an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportStage {
    /// Reading ways and turn restrictions.
    Ways,
    /// Reading the nodes that they need.
    Nodes,
    /// Making the graph, and ordering its nodes for the engine.
    Graph,
}

/// Imports an OpenStreetMap PBF extract, and tells after every block how far it is.
///
/// The objects may be in any order; the same objects in another order give the same network, byte for byte.
pub fn import_pbf(
    source: impl Read + Seek,
    progress: &mut dyn FnMut(Progress),
) -> Result<Imported, ImportError> {
    let mut report = Report::default();
    let mut pbf = Pbf::new(source)?;
    let streets = collect::collect(&mut pbf, &mut report, progress)?;
    progress(Progress { stage: ImportStage::Graph, done: pbf.bytes(), total: pbf.bytes() });
    let (pieces, vias) = compress::compress(&streets, &mut report);
    let graph =
        turn_expansion::expand(&streets, &pieces, &turns::bans(&streets, &pieces, &vias, &mut report));
    pipeline::assemble(&streets, &pieces, &graph, report)
}

/// Imports two tables, plain or packed by gzip: nodes (`node_id`, `lat`, `lon`) and directed edges (`from_node`,
/// `to_node`, `length_m`, `highway`, and if there are such `maxspeed_kmh` and `two_way`).
pub fn import_csv(nodes: impl Read, edges: impl Read) -> Result<Imported, ImportError> {
    let mut report = Report::default();
    let (streets, pieces) = csv::read(nodes, edges, &mut report)?;
    let graph = turn_expansion::expand(&streets, &pieces, &turns::Bans::default());
    pipeline::assemble(&streets, &pieces, &graph, report)
}
