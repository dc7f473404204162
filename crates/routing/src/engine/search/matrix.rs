//! Many to many: a matrix of travel times.

use super::rphast::{Accesses, SearchGraph, Sweep};
use crate::engine::phantom_node::{PhantomNode, on_one_arc};
use crate::engine::streets::UNREACHABLE_MS;

/// Travel times from many starts (rows) to many goals (columns).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TravelTimeMatrix {
    columns: usize,
    times_ms: Vec<u32>,
}

impl TravelTimeMatrix {
    /// The time in milliseconds from the source of a row to the target of a column; `None` when there is no route.
    pub fn time_ms(&self, source: usize, target: usize) -> Option<u32> {
        let time_ms = self.row(source)[target];
        (time_ms < UNREACHABLE_MS).then_some(time_ms)
    }

    /// The times in milliseconds from a source to all targets; [`UNREACHABLE_MS`] when there is no route.
    pub fn row(&self, source: usize) -> &[u32] {
        &self.times_ms[source * self.columns..(source + 1) * self.columns]
    }
}

/// The times of all routes that pass at least one node.
pub(in crate::engine) fn over_nodes(
    sweep: &mut Sweep,
    graph: SearchGraph<'_>,
    sources: &Accesses,
    targets: &Accesses,
) -> TravelTimeMatrix {
    let columns = targets.len();
    let mut times_ms = vec![UNREACHABLE_MS; sources.len() * columns];
    // The number of sweeps is a sixteenth of the rows, and a sweep hardly gets cheaper with fewer columns. So the
    // longer side becomes the columns; for this, the search runs on the reversed graph.
    if targets.len() < sources.len() {
        let reversed = SearchGraph { up: graph.down, down: graph.up, ..graph };
        sweep.run(reversed, targets, sources, |target, source, time_ms| {
            times_ms[source * columns + target] = time_ms;
        });
    } else {
        sweep.run(graph, sources, targets, |source, target, time_ms| {
            times_ms[source * columns + target] = time_ms;
        });
    }
    TravelTimeMatrix { columns, times_ms }
}

/// Lowers the times of the pairs that have a shorter route on one arc, without any node.
pub(in crate::engine) fn lower_to_direct<S: AsRef<[PhantomNode]>>(
    matrix: &mut TravelTimeMatrix,
    sources: &[S],
    targets: &[S],
    time_ms: &[u32],
) {
    let (from, to) = (sorted_by_arc(sources), sorted_by_arc(targets));
    // Both lists ascend by arc, so the targets on earlier arcs can be dropped for good.
    let mut to = &to[..];
    for &(start, source) in &from {
        to = &to[to.partition_point(|(goal, _)| goal.arc < start.arc)..];
        for &(goal, target) in to.iter().take_while(|(goal, _)| goal.arc == start.arc) {
            if let Some(direct) = on_one_arc(start, goal, time_ms) {
                let cell = &mut matrix.times_ms[source as usize * matrix.columns + target as usize];
                *cell = direct.time_ms.min(*cell);
            }
        }
    }
}

/// All phantom nodes with the index of their list, sorted by arc.
fn sorted_by_arc<S: AsRef<[PhantomNode]>>(lists: &[S]) -> Vec<(PhantomNode, u32)> {
    let lists = lists.iter().zip(0_u32..);
    let mut phantom_nodes: Vec<(PhantomNode, u32)> =
        lists.flat_map(|(list, index)| list.as_ref().iter().map(move |node| (*node, index))).collect();
    phantom_nodes.sort_unstable_by_key(|(node, _)| node.arc);
    phantom_nodes
}
