//! Which shards this server can speak for: held, and filled by every live ingest node since they were last emptied.
//!
//! Pure: it is told what happens and says what follows. It knows no driver.

use kerb_types::ShardId;

/// By shard: what is known of its filling. Sources are the writer's numbers of ingest nodes.
pub(crate) struct Coverage {
    shards: Vec<Filling>,
    /// Ingest nodes that the view says are live: they must have finished their part.
    live: Vec<u16>,
    /// Ingest nodes with an open session: they are live, whatever a view that lags behind says.
    connected: Vec<u16>,
}

#[derive(Clone, Debug, Default)]
struct Filling {
    held: bool,
    /// How often it was emptied: a part that began before does not count.
    emptied: u32,
    finished: Vec<u16>,
}

/// What a new view changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Held from now on, empty.
    pub(crate) gained: Vec<ShardId>,
    /// Not held any more: their drivers are to be dropped.
    pub(crate) lost: Vec<ShardId>,
}

/// Which filling of a shard a part belongs to; `None`: the shard is not held.
pub(crate) type FillingId = Option<u32>;

impl Coverage {
    /// Nothing is held.
    pub(crate) fn new(shards: u16) -> Self {
        let shards = vec![Filling::default(); usize::from(shards)];
        Self { shards, live: Vec::new(), connected: Vec::new() }
    }

    pub(crate) fn holds(&self, shard: ShardId) -> bool {
        self.filling(shard).is_some()
    }

    /// The filling that a part which begins now belongs to.
    pub(crate) fn filling(&self, shard: ShardId) -> FillingId {
        self.shards.get(usize::from(shard.0)).filter(|filling| filling.held).map(|filling| filling.emptied)
    }

    pub(crate) fn is_covered(&self, shard: ShardId) -> bool {
        let filling = &self.shards[usize::from(shard.0)];
        let mut needed = self.live.iter().chain(&self.connected);
        filling.held && needed.all(|source| filling.finished.contains(source))
    }

    /// A source has an open session.
    pub(crate) fn connect(&mut self, source: u16) {
        if !self.connected.contains(&source) {
            self.connected.push(source);
        }
    }

    /// A source has no session any more.
    pub(crate) fn disconnect(&mut self, source: u16) {
        self.connected.retain(|connected| *connected != source);
    }

    /// The held shards.
    pub(crate) fn held(&self) -> impl Iterator<Item = ShardId> {
        (0..).map(ShardId).zip(&self.shards).filter(|(_, filling)| filling.held).map(|(shard, _)| shard)
    }

    /// Sources that have finished their part.
    pub(crate) fn finished(&self, shard: ShardId) -> &[u16] {
        &self.shards[usize::from(shard.0)].finished
    }

    /// Takes a view: the shards that this server holds, in order, and the live ingest nodes.
    pub(crate) fn set_view(&mut self, held: &[ShardId], live: Vec<u16>) -> Change {
        self.live = live;
        let mut change = Change { gained: Vec::new(), lost: Vec::new() };
        for (shard, filling) in (0..).map(ShardId).zip(&mut self.shards) {
            let holds = held.binary_search(&shard).is_ok();
            match (filling.held, holds) {
                (false, true) => change.gained.push(shard),
                (true, false) => change.lost.push(shard),
                _ => continue,
            }
            *filling = Filling { held: holds, emptied: filling.emptied + 1, finished: Vec::new() };
        }
        change
    }

    /// The shard is empty again.
    pub(crate) fn empty(&mut self, shard: ShardId) {
        let filling = &mut self.shards[usize::from(shard.0)];
        filling.emptied += 1;
        filling.finished.clear();
    }

    /// The source has finished its part, which belongs to this filling.
    pub(crate) fn finish(&mut self, shard: ShardId, source: u16, filling_id: FillingId) {
        if filling_id.is_none() || self.filling(shard) != filling_id {
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

    #[test]
    fn a_shard_is_covered_when_every_live_source_has_finished() {
        let mut coverage = Coverage::new(4);
        assert!(!coverage.is_covered(SHARD));
        let change = coverage.set_view(&[SHARD], vec![0, 1]);
        assert_eq!(change, Change { gained: vec![SHARD], lost: vec![] });
        let filling = coverage.filling(SHARD);
        coverage.finish(SHARD, 0, filling);
        assert!(!coverage.is_covered(SHARD));
        coverage.finish(SHARD, 1, filling);
        assert!(coverage.is_covered(SHARD));
        coverage.set_view(&[SHARD], vec![0, 1, 2]);
        assert!(!coverage.is_covered(SHARD));
        coverage.set_view(&[SHARD], vec![1]);
        assert!(coverage.is_covered(SHARD));
    }

    #[test]
    fn a_part_that_began_before_the_shard_was_emptied_does_not_count() {
        let mut coverage = Coverage::new(4);
        coverage.set_view(&[SHARD], vec![0]);
        let before = coverage.filling(SHARD);
        coverage.empty(SHARD);
        coverage.finish(SHARD, 0, before);
        assert!(!coverage.is_covered(SHARD));
        coverage.set_view(&[], vec![0]);
        coverage.finish(SHARD, 0, coverage.filling(SHARD));
        assert!(!coverage.is_covered(SHARD));
        let change = coverage.set_view(&[SHARD], vec![0]);
        assert_eq!(change.gained, [SHARD]);
        assert!(!coverage.is_covered(SHARD));
    }

    #[test]
    fn a_connected_source_is_live_though_the_view_has_not_noticed_yet() {
        let mut coverage = Coverage::new(4);
        coverage.set_view(&[SHARD], vec![]);
        coverage.connect(7);
        assert!(!coverage.is_covered(SHARD));
        coverage.finish(SHARD, 7, coverage.filling(SHARD));
        assert!(coverage.is_covered(SHARD));
        coverage.empty(SHARD);
        assert!(!coverage.is_covered(SHARD));
        coverage.disconnect(7);
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
