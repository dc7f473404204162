//! From streets to a network: cut, expand turns, keep the largest component, lay out.
//!
//! Nodes, pieces and arcs have `u32` numbers. The readers reject inputs with more than `COUNT_MAX` nodes, and `layout.rs`
//! rejects more than `COUNT_MAX` arcs or points. So the casts of counts to `u32` in these modules keep their values.

mod component;
mod compress;
mod kept_graph;
mod layout;
mod turn_expansion;
mod turns;

use super::error::ImportError;
use super::report::Report;
use super::streets::{Pieces, Streets};
use crate::network::Network;
use kept_graph::KeptGraph;
use turn_expansion::ExpandedGraph;

/// Builds a network of whole ways and their turn restrictions.
pub(super) fn build_from_ways(streets: &Streets, report: &mut Report) -> Result<Network, ImportError> {
    let (pieces, vias) = compress::compress(streets, report);
    let bans = turns::bans(streets, &pieces, &vias, report);
    build(streets, &pieces, &turn_expansion::expand(streets, &pieces, &bans), report)
}

/// Builds a network of streets that are already cut at their junctions and have no turn restrictions.
pub(super) fn build_from_pieces(
    streets: &Streets,
    pieces: &Pieces,
    report: &mut Report,
) -> Result<Network, ImportError> {
    let graph = turn_expansion::expand(streets, pieces, &turns::Bans::default());
    build(streets, pieces, &graph, report)
}

fn build(
    streets: &Streets,
    pieces: &Pieces,
    graph: &ExpandedGraph,
    report: &mut Report,
) -> Result<Network, ImportError> {
    let components = component::largest(graph.junction_of.len(), &graph.arcs);
    let kept = KeptGraph::new(pieces, graph, &components);
    if kept.arcs.is_empty() {
        return Err(ImportError::NoStreets { ways: report.ways_read, drivable: report.streets });
    }
    report.dropped = kept.dropped(pieces, graph, &components);
    layout::lay_out(&kept, streets, pieces, graph)
}
