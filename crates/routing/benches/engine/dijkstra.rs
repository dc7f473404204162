//! Plain Dijkstra with reusable memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::town::Town;

/// A search over a town.
pub(crate) struct Dijkstra<'a> {
    town: &'a Town,
    times_ms: Vec<u32>,
    queue: BinaryHeap<Reverse<(u32, u32)>>,
}

impl<'a> Dijkstra<'a> {
    pub(crate) fn new(town: &'a Town) -> Dijkstra<'a> {
        Dijkstra { town, times_ms: vec![u32::MAX; town.nodes.len()], queue: BinaryHeap::new() }
    }

    /// The search ends when the target is settled.
    pub(crate) fn target_ms(&mut self, source: u32, target: u32) -> u32 {
        self.run(source, Some(target));
        self.times_ms[target as usize]
    }

    pub(crate) fn times_from(&mut self, source: u32) -> &[u32] {
        self.run(source, None);
        &self.times_ms
    }

    fn run(&mut self, source: u32, target: Option<u32>) {
        self.times_ms.fill(u32::MAX);
        self.times_ms[source as usize] = 0;
        self.queue.clear();
        self.queue.push(Reverse((0, source)));
        let Town { first_out, head, time_ms, .. } = self.town;
        while let Some(Reverse((at_ms, node))) = self.queue.pop() {
            if Some(node) == target {
                return;
            }
            if at_ms > self.times_ms[node as usize] {
                continue;
            }
            for arc in first_out[node as usize] as usize..first_out[node as usize + 1] as usize {
                let (next, next_ms) = (head[arc], at_ms + time_ms[arc]);
                if next_ms < self.times_ms[next as usize] {
                    self.times_ms[next as usize] = next_ms;
                    self.queue.push(Reverse((next_ms, next)));
                }
            }
        }
    }
}
