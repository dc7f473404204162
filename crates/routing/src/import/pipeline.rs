//! From streets to a network: cut, find islands and streets without through traffic, expand turns, lay out.
//!
//! Nodes, pieces and arcs have `u32` numbers. The readers reject inputs with more than `COUNT_MAX` nodes, and `layout.rs`
//! rejects more than `COUNT_MAX` arcs or points. So the casts of counts to `u32` in these modules keep their values.

mod component;
mod compress;
mod ends;
mod kept_graph;
mod layout;
mod through;
mod turn_expansion;
mod turns;

use super::error::ImportError;
use super::options::UTurns;
use super::report::Report;
use super::streets::{Pieces, Streets};
use crate::network::Network;
use kept_graph::KeptGraph;
use through::ThroughAccess;
use turns::Bans;

/// Builds a network of whole ways and their turn restrictions.
pub(super) fn build_from_ways(
    streets: &Streets,
    u_turns: UTurns,
    report: &mut Report,
) -> Result<Network, ImportError> {
    let (pieces, vias) = compress::compress(streets, report);
    let bans = turns::bans(streets, &pieces, &vias, report);
    build(streets, &pieces, &bans, u_turns, report)
}

/// Builds a network of streets that are already cut at their junctions and have no turn restrictions.
pub(super) fn build_from_pieces(
    streets: &Streets,
    pieces: &Pieces,
    report: &mut Report,
) -> Result<Network, ImportError> {
    build(streets, pieces, &Bans::default(), UTurns::default(), report)
}

fn build(
    streets: &Streets,
    pieces: &Pieces,
    bans: &Bans,
    u_turns: UTurns,
    report: &mut Report,
) -> Result<Network, ImportError> {
    let access = ThroughAccess::new(streets, pieces);
    let graph = turn_expansion::expand(streets, pieces, &access, bans, u_turns);
    let kept = KeptGraph::new(pieces, &graph);
    if kept.arcs.is_empty() {
        return Err(ImportError::NoStreets { ways: report.ways_read, drivable: report.streets });
    }
    report.islands = kept.islands(pieces, &access);
    layout::lay_out(&kept, streets, pieces, &access, &graph)
}
