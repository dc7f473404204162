//! Searches of an index.

use kerb_ports::{ShardQuery, ShardResult};

use super::{Index, SCRATCH};
use crate::search::{self, SearchAbort, SearchBudget};
use crate::sync::{Rule, undone};

impl Index {
    /// Returns the exact answer over those of the requested shards that are covered.
    pub fn search(
        &self,
        query: &ShardQuery,
        budget: &mut SearchBudget<'_>,
    ) -> Result<ShardResult, SearchAbort> {
        let answer = match self.search_unlocked(query, budget) {
            Err(SearchAbort::Contended) => {
                self.metrics.searches_locked.increment();
                let _locked = self.writer.lock();
                self.search_unlocked(query, budget)
            }
            answer => answer,
        }?;
        self.metrics.searches.increment();
        Ok(answer)
    }

    /// Searches while the writer may run.
    fn search_unlocked(
        &self,
        query: &ShardQuery,
        budget: &mut SearchBudget<'_>,
    ) -> Result<ShardResult, SearchAbort> {
        let _pin = self.store.epochs.pin().ok_or(SearchAbort::TooManySearches)?;
        SCRATCH.with_borrow_mut(|scratch| {
            let mut uncovered = Vec::new();
            let mut covered = Vec::with_capacity(query.shards.len());
            scratch.shards.clear(self.store.shards.len());
            for shard in &query.shards {
                let exists = shard.0 < self.sharding.shards();
                let version = exists.then(|| self.store.shard(*shard).coverage());
                match version.filter(|version| version.is_covered()) {
                    Some(version) => {
                        scratch.shards.insert(*shard);
                        covered.push((*shard, version));
                    }
                    None => uncovered.push(*shard),
                }
            }
            for shard in query.extra_shards.iter().filter(|shard| shard.0 < self.sharding.shards()) {
                if self.store.shard(*shard).coverage().is_covered() {
                    scratch.shards.insert(*shard);
                }
            }
            let (search, filter) = (&query.search, &query.filter);
            let restarts = &self.metrics.search_restarts;
            let neighbors = search::run(&self.store, scratch, search, filter, budget, restarts)?;
            // A shard whose version has changed was emptied meanwhile, so the search may have read a part of it only.
            let changed = covered.into_iter().filter(|(shard, version)| {
                !undone(Rule::CoverAfterSearch) && self.store.shard(*shard).coverage_after() != *version
            });
            uncovered.extend(changed.map(|(shard, _)| shard));
            Ok(ShardResult { neighbors, uncovered })
        })
    }
}
