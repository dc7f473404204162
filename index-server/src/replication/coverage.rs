//! Tracks which shards are covered: held by this server, and filled by every live ingest node since they were last
//! emptied.
//!
//! The module is pure: its input is events, its output is coverage. It does not handle drivers.

use kerb_types::ShardId;

use crate::store::record::SourceIndex;

/// The fill state of all shards.
pub(crate) struct Coverage {
    shards: Vec<ShardFill>,
    /// Ingest nodes that are live according to the membership view. A shard needs a snapshot from each of them.
    live: Vec<SourceIndex>,
    /// Ingest nodes with an open stream. They count as live even if the view lags behind.
    connected: Vec<SourceIndex>,
}

#[derive(Clone, Debug, Default)]
struct ShardFill {
    held: bool,
    /// How often the shard was emptied. A snapshot that began before does not count.
    emptied: u32,
    /// Sources that have completed a snapshot since the shard was emptied.
    finished: Vec<SourceIndex>,
}

/// What a new membership view changes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ViewChange {
    /// Shards that are held from now on. They are empty.
    pub(crate) gained: Vec<ShardId>,
    /// Shards that are not held any more. Their drivers must be dropped.
    pub(crate) lost: Vec<ShardId>,
}

/// Which fill of a shard a snapshot belongs to; `None` if the shard is not held.
pub(crate) type FillId = Option<u32>;

impl Coverage {
    /// Begins without a held shard.
    pub(crate) fn new(shards: u16) -> Self {
        let shards = vec![ShardFill::default(); usize::from(shards)];
        Self { shards, live: Vec::new(), connected: Vec::new() }
    }

    pub(crate) fn holds(&self, shard: ShardId) -> bool {
        self.fill(shard).is_some()
    }

    /// The fill of a shard that a snapshot belongs to if it begins now.
    pub(crate) fn fill(&self, shard: ShardId) -> FillId {
        self.shards.get(usize::from(shard.0)).filter(|fill| fill.held).map(|fill| fill.emptied)
    }

    pub(crate) fn is_covered(&self, shard: ShardId) -> bool {
        let fill = &self.shards[usize::from(shard.0)];
        let mut needed = self.live.iter().chain(&self.connected);
        fill.held && needed.all(|source| fill.finished.contains(source))
    }

    /// Notes that a source has an open stream.
    pub(crate) fn connect(&mut self, source: SourceIndex) {
        if !self.connected.contains(&source) {
            self.connected.push(source);
        }
    }

    /// Notes that a source has no open stream any more.
    pub(crate) fn disconnect(&mut self, source: SourceIndex) {
        self.connected.retain(|connected| *connected != source);
    }

    /// The held shards, in order.
    pub(crate) fn held(&self) -> impl Iterator<Item = ShardId> {
        (0..).map(ShardId).zip(&self.shards).filter(|(_, fill)| fill.held).map(|(shard, _)| shard)
    }

    /// The sources that have completed their snapshot of a shard.
    pub(crate) fn finished(&self, shard: ShardId) -> &[SourceIndex] {
        &self.shards[usize::from(shard.0)].finished
    }

    /// Applies a membership view: the shards that this server holds, in order, and the live ingest nodes.
    pub(crate) fn set_view(&mut self, held: &[ShardId], live: Vec<SourceIndex>) -> ViewChange {
        self.live = live;
        let mut change = ViewChange { gained: Vec::new(), lost: Vec::new() };
        for (shard, fill) in (0..).map(ShardId).zip(&mut self.shards) {
            let holds = held.binary_search(&shard).is_ok();
            match (fill.held, holds) {
                (false, true) => change.gained.push(shard),
                (true, false) => change.lost.push(shard),
                _ => continue,
            }
            *fill = ShardFill { held: holds, emptied: fill.emptied + 1, finished: Vec::new() };
        }
        change
    }

    /// Notes that a shard is empty again.
    pub(crate) fn empty(&mut self, shard: ShardId) {
        let fill = &mut self.shards[usize::from(shard.0)];
        fill.emptied += 1;
        fill.finished.clear();
    }

    /// Notes that a source has completed a snapshot that belongs to this fill.
    pub(crate) fn finish(&mut self, shard: ShardId, source: SourceIndex, fill_id: FillId) {
        if fill_id.is_none() || self.fill(shard) != fill_id {
            return;
        }
        let finished = &mut self.shards[usize::from(shard.0)].finished;
        if !finished.contains(&source) {
            finished.push(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARD: ShardId = ShardId(2);
    const A: SourceIndex = SourceIndex(0);
    const B: SourceIndex = SourceIndex(1);
    const C: SourceIndex = SourceIndex(7);

    #[test]
    fn a_shard_is_covered_when_every_live_source_has_finished() {
        let mut coverage = Coverage::new(4);
        assert!(!coverage.is_covered(SHARD));
        let change = coverage.set_view(&[SHARD], vec![A, B]);
        assert_eq!(change, ViewChange { gained: vec![SHARD], lost: vec![] });
        let fill = coverage.fill(SHARD);
        coverage.finish(SHARD, A, fill);
        assert!(!coverage.is_covered(SHARD));
        coverage.finish(SHARD, B, fill);
        assert!(coverage.is_covered(SHARD));
        coverage.set_view(&[SHARD], vec![A, B, C]);
        assert!(!coverage.is_covered(SHARD));
        coverage.set_view(&[SHARD], vec![B]);
        assert!(coverage.is_covered(SHARD));
    }

    #[test]
    fn a_snapshot_that_began_before_the_shard_was_emptied_does_not_count() {
        let mut coverage = Coverage::new(4);
        coverage.set_view(&[SHARD], vec![A]);
        let before = coverage.fill(SHARD);
        coverage.empty(SHARD);
        coverage.finish(SHARD, A, before);
        assert!(!coverage.is_covered(SHARD));
        coverage.set_view(&[], vec![A]);
        coverage.finish(SHARD, A, coverage.fill(SHARD));
        assert!(!coverage.is_covered(SHARD));
        let change = coverage.set_view(&[SHARD], vec![A]);
        assert_eq!(change.gained, [SHARD]);
        assert!(!coverage.is_covered(SHARD));
    }

    #[test]
    fn a_connected_source_is_live_before_the_view_shows_it() {
        let mut coverage = Coverage::new(4);
        coverage.set_view(&[SHARD], vec![]);
        coverage.connect(C);
        assert!(!coverage.is_covered(SHARD));
        coverage.finish(SHARD, C, coverage.fill(SHARD));
        assert!(coverage.is_covered(SHARD));
        coverage.empty(SHARD);
        assert!(!coverage.is_covered(SHARD));
        coverage.disconnect(C);
        assert!(coverage.is_covered(SHARD));
    }

    #[test]
    fn with_no_live_source_an_empty_shard_is_covered() {
        let mut coverage = Coverage::new(4);
        coverage.set_view(&[SHARD], vec![]);
        assert!(coverage.is_covered(SHARD));
        assert!(!coverage.is_covered(ShardId(0)));
    }
}
