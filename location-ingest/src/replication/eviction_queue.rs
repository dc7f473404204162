//! The evictions for one index server: those that wait for their handover, and those that were sent recently.

use std::collections::VecDeque;

use kerb_ports::Eviction;
use kerb_types::Timestamp;

use super::handover::Tick;

/// Maximum evictions that wait for a server; beyond it the oldest one is dropped. An hour of 18 reconnects a second.
pub const EVICTIONS_MAX: usize = 65_536;

/// Evictions of one index server.
#[derive(Debug, Default)]
pub(crate) struct EvictionQueue {
    /// Each eviction with the tick whose release allows it, in the order of ticks.
    pending: VecDeque<(Tick, Eviction)>,
    /// Evictions that were sent, with the time, for as long as another node may still have the older state. A server
    /// that restarts needs them again, because that node's snapshot may bring the older state back.
    sent: VecDeque<(Timestamp, Eviction)>,
}

impl EvictionQueue {
    /// Queues evictions that other servers have got. They wait for no tick.
    pub(crate) fn extend(&mut self, evictions: &[Eviction]) {
        self.pending.extend(evictions.iter().map(|eviction| (0, eviction.clone())));
    }

    /// Returns the evictions that the server has got recently or will get.
    pub(crate) fn recent(&self) -> Vec<Eviction> {
        let sent = self.sent.iter().map(|(_, eviction)| eviction);
        sent.chain(self.pending.iter().map(|(_, eviction)| eviction)).cloned().collect()
    }

    /// Queues an eviction that waits for the release of `tick`. Returns whether the oldest one was dropped for it.
    pub(crate) fn push(&mut self, eviction: Eviction, tick: Tick) -> bool {
        let full = self.pending.len() >= EVICTIONS_MAX;
        if full {
            self.pending.pop_front();
        }
        self.pending.push_back((tick, eviction));
        full
    }

    /// Queues all recently sent evictions again: the server may have restarted.
    pub(crate) fn requeue_sent(&mut self) {
        for (_, eviction) in std::mem::take(&mut self.sent).into_iter().rev() {
            self.pending.push_front((0, eviction));
        }
        let surplus = self.pending.len().saturating_sub(EVICTIONS_MAX);
        self.pending.drain(..surplus);
    }

    /// Takes up to `max` evictions whose tick is released, and keeps them as sent at `now`. Sent ones from
    /// `expired_before_ms` or earlier are dropped: by then the older state has expired everywhere.
    pub(crate) fn take_released(
        &mut self,
        released: Tick,
        max: usize,
        now: Timestamp,
        expired_before_ms: Timestamp,
    ) -> Vec<Eviction> {
        let is_released = |(tick, _): &&(Tick, Eviction)| *tick <= released;
        let count = self.pending.iter().take(max).take_while(is_released).count();
        let evictions: Vec<_> = self.pending.drain(..count).map(|(_, eviction)| eviction).collect();
        self.sent.extend(evictions.iter().map(|eviction| (now, eviction.clone())));
        let surplus = self.sent.len().saturating_sub(EVICTIONS_MAX);
        self.sent.drain(..surplus);
        while self.sent.front().is_some_and(|(sent_ms, _)| *sent_ms <= expired_before_ms) {
            self.sent.pop_front();
        }
        evictions
    }
}
