//! Drops nodes that no arc leads to and that no trip needs as its start.

use super::{ExpandedGraph, GraphArc};

/// Drops the arcs of nodes without an arc to them, when every one of these arcs has a twin from another node: the same
/// direction with the same head. A trip that starts there starts on the twin.
pub(super) fn drop_needless_starts(graph: &mut ExpandedGraph) {
    let mut has_arc_to = vec![false; graph.junction_of.len()];
    for arc in &graph.arcs {
        has_arc_to[arc.head as usize] = true;
    }
    let mut kept: Vec<_> = graph.arcs.iter().filter(|arc| has_arc_to[arc.tail as usize]).collect();
    let key = |arc: &GraphArc| (arc.direction, arc.head, arc.closed);
    kept.sort_unstable_by_key(|arc| key(arc));
    let mut is_needed = has_arc_to.clone();
    for arc in graph.arcs.iter().filter(|arc| !has_arc_to[arc.tail as usize]) {
        let twin = kept.binary_search_by_key(&key(arc), |arc| key(arc));
        is_needed[arc.tail as usize] |= twin.is_err();
    }
    graph.arcs.retain(|arc| is_needed[arc.tail as usize]);
}
