//! The ingest nodes that the writer has heard of, by number: a record names its owner in 16 bits.

use std::collections::BTreeSet;

use kerb_ports::Error;
use kerb_types::{NodeId, ShardId};

use super::session::Session;
use crate::store::record::Owner;

/// Ingest nodes that one index server ever hears of, at most.
const SOURCES_MAX: usize = 4_096;

/// See the module.
#[derive(Default)]
pub(crate) struct Sources(Vec<Source>);

struct Source {
    node: NodeId,
    /// Grows with each round: who was last heard of in an older one than the round's is not in the round.
    epoch: u16,
    /// Of its sessions the newest, from 1.
    generation: u64,
    /// What it is to be asked for.
    wishes: BTreeSet<ShardId>,
}

impl Sources {
    /// The number of a node.
    pub(crate) fn number(&mut self, node: &NodeId) -> Result<u16, Error> {
        if let Some(known) = self.0.iter().position(|source| source.node == *node) {
            return Ok(known as u16);
        }
        if self.0.len() == SOURCES_MAX {
            return Err(Error::Overloaded { what: "ingest nodes", limit: SOURCES_MAX });
        }
        self.0.push(Source { node: node.clone(), epoch: 0, generation: 0, wishes: BTreeSet::new() });
        Ok(self.0.len() as u16 - 1)
    }

    pub(crate) fn node(&self, number: u16) -> &NodeId {
        &self.0[usize::from(number)].node
    }

    /// A new session, which supersedes the one before.
    pub(crate) fn open(&mut self, number: u16) -> Session {
        let source = &mut self.0[usize::from(number)];
        source.generation += 1;
        // The full part that it begins with holds whatever was wished.
        source.wishes.clear();
        Session::new(number, source.generation)
    }

    /// Whether the session is its node's newest.
    pub(crate) fn check(&self, session: &Session) -> Result<(), Error> {
        if self.is_newest(session) {
            return Ok(());
        }
        Err(Error::Superseded(format!("a newer session of {} is open", self.node(session.source))))
    }

    /// Whether the node has opened no session after this one.
    pub(crate) fn is_newest(&self, session: &Session) -> bool {
        self.0[usize::from(session.source)].generation == session.generation
    }

    /// What an update of this session marks its driver with.
    pub(crate) fn owner(&self, session: &Session) -> Owner {
        Owner { source: session.source, epoch: self.0[usize::from(session.source)].epoch }
    }

    /// Begins an epoch and answers it.
    pub(crate) fn begin_epoch(&mut self, session: &Session) -> u16 {
        let source = &mut self.0[usize::from(session.source)];
        source.epoch = source.epoch.wrapping_add(1);
        source.epoch
    }

    /// Asks every source for these shards.
    pub(crate) fn wish(&mut self, shards: &[ShardId]) {
        for source in &mut self.0 {
            source.wishes.extend(shards);
        }
    }

    /// Asks this session's source for these shards.
    pub(crate) fn wish_of(&mut self, session: &Session, shards: &[ShardId]) {
        self.0[usize::from(session.source)].wishes.extend(shards);
    }

    /// What the session is to be asked for.
    pub(crate) fn take_wishes(&mut self, session: &Session) -> Vec<ShardId> {
        std::mem::take(&mut self.0[usize::from(session.source)].wishes).into_iter().collect()
    }
}
