//! Filling and emptying shards: full parts, refills, and what a new view gains and loses.

use std::sync::Arc;

use kerb_ports::Error;
use kerb_types::ShardId;

use super::session::{Round, Session};
use super::{Writer, tree};
use crate::coverage::{Change, FillingId};
use crate::store::record::{Home, NOWHERE};

impl Writer {
    /// Begins a full part.
    pub(crate) fn snapshot_begin(
        &mut self,
        session: &mut Session,
        number: u64,
        shards: &[ShardId],
    ) -> Result<(), Error> {
        let count = self.sharding.shards();
        if let Some(shard) = shards.iter().find(|shard| shard.0 >= count) {
            return Err(Error::Mismatch(format!("shard {shard}, must be below {count}")));
        }
        let shards: Vec<_> = shards.iter().map(|shard| (*shard, self.coverage.filling(*shard))).collect();
        let early = shards.iter().filter(|(_, filling)| filling.is_none()).map(|(shard, _)| *shard);
        let early: Vec<_> = early.collect();
        session.begin(number, Round { epoch: self.sources.begin_epoch(session), shards })?;
        session.too_early.extend(early);
        session.too_early.sort_unstable();
        session.too_early.dedup();
        Ok(())
    }

    /// Ends the part of one shard of a full part: what this source owned there and has not sent since the begin is
    /// removed.
    pub(crate) fn snapshot_end(
        &mut self,
        session: &Session,
        epoch: u16,
        shard: ShardId,
        filling: FillingId,
    ) -> u64 {
        let store = Arc::clone(&self.store);
        let mut gone = Vec::new();
        tree::each(&store, shard, |traits| {
            let owner = store.records.get(traits.record()).owner();
            // Epochs turn over, so "before" is by the shorter way round.
            if owner.source == session.source && (owner.epoch.wrapping_sub(epoch) as i16) < 0 {
                gone.push(traits.record());
            }
        });
        for number in &gone {
            self.unplace(*number);
        }
        self.coverage.finish(shard, session.source, filling);
        store.shard(shard).set_covered(self.coverage.is_covered(shard));
        gone.len() as u64
    }

    /// Takes a view. The lost shards are not covered from now on; [`Writer::drop_drivers`] is still to be called.
    pub(crate) fn set_view(&mut self, held: &[ShardId], live: Vec<u16>) -> Change {
        let change = self.coverage.set_view(held, live);
        self.publish_cover();
        change
    }

    /// Asks the session's source for shards that it sent too early and that are held by now. Whether there are any.
    pub(crate) fn wish_early(&mut self, session: &mut Session) -> bool {
        let (held, early) = session.too_early.iter().partition(|shard| self.coverage.holds(**shard));
        session.too_early = early;
        let held: Vec<ShardId> = held;
        self.sources.wish_of(session, &held);
        !held.is_empty()
    }

    /// Marks a shard as empty and to be filled again; [`Writer::drop_drivers`] is still to be called.
    pub(crate) fn resync(&mut self, shard: ShardId) {
        self.coverage.empty(shard);
        self.store.shard(shard).set_covered(false);
    }

    /// Drops the drivers of a shard.
    pub(crate) fn drop_drivers(&mut self, shard: ShardId) {
        let store = Arc::clone(&self.store);
        let mut left = Vec::new();
        tree::clear(&store, &mut self.pages, shard, |traits| left.push(traits));
        for traits in left {
            let number = traits.record();
            let record = store.records.get(number);
            record.set_place(NOWHERE);
            record.set_kind(traits.kind());
            record.set_home(Home { watched: false, ..record.home() });
            self.registry.free_if_unused(&store, number);
        }
        store.shard(shard).set_covered(self.coverage.is_covered(shard));
    }
}
