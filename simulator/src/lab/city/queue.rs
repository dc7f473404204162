//! What will happen when: in the order of time, and of being planned where times are the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::lab::message::{DriverNumber, RequestNumber};

/// Something that will happen. Who has changed its plans since has another turn, and nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A driver reports.
    Report(DriverNumber, u32),
    /// A driver does what is due.
    Driver(DriverNumber, u32),
    /// A report of a driver arrives that was delayed.
    Late(DriverNumber),
    /// A rider asks.
    Ask(RequestNumber),
    /// A rider does what is due.
    Rider(RequestNumber, u32),
    /// The fleet is counted.
    Sample,
}

/// Events by time. Bounded by the people: each has a few in it, and those of earlier turns until their time comes.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<(i64, u64, Event)>>,
    planned: u64,
}

impl Queue {
    pub(super) fn push(&mut self, at_ms: i64, event: Event) {
        self.heap.push(Reverse((at_ms, self.planned, event)));
        self.planned += 1;
    }

    pub(super) fn next_ms(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse((at_ms, ..))| *at_ms)
    }

    /// The next event, if it happens until then.
    pub(super) fn pop_until(&mut self, until_ms: i64) -> Option<(i64, Event)> {
        let next = self.heap.peek_mut()?;
        if next.0.0 > until_ms {
            return None;
        }
        let Reverse((at_ms, _, event)) = std::collections::binary_heap::PeekMut::pop(next);
        Some((at_ms, event))
    }
}
