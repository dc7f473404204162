//! The queue of future events, ordered by time. Events at the same time keep the order in which they were planned.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::agents::messages::{DriverNumber, RequestNumber};

/// A future event. The number of an agent's plan decides whether the event is still valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CityEvent {
    /// A driver reports its position.
    Report(DriverNumber, u32),
    /// A driver's action is due.
    Driver(DriverNumber, u32),
    /// A driver's delayed report arrives.
    DelayedReport(DriverNumber),
    /// A rider requests its ride.
    Request(RequestNumber),
    /// A rider's action is due.
    Rider(RequestNumber, u32),
    /// The city samples the fleet.
    Sample,
}

/// Future events by time. The number of agents bounds the queue: each agent has a few events in it, and those of its
/// earlier plans until their time.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    heap: BinaryHeap<Reverse<(i64, u64, CityEvent)>>,
    planned: u64,
}

impl EventQueue {
    pub(super) fn push(&mut self, at_ms: i64, event: CityEvent) {
        self.heap.push(Reverse((at_ms, self.planned, event)));
        self.planned += 1;
    }

    pub(super) fn next_ms(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse((at_ms, ..))| *at_ms)
    }

    /// Removes the next event if its time is not after `until_ms`.
    pub(super) fn pop_until(&mut self, until_ms: i64) -> Option<(i64, CityEvent)> {
        let next = self.heap.peek_mut()?;
        if next.0.0 > until_ms {
            return None;
        }
        let Reverse((at_ms, _, event)) = std::collections::binary_heap::PeekMut::pop(next);
        Some((at_ms, event))
    }
}
