//! Which replica of each shard to ask. Pure: it knows the map and who seems well, and asks nobody.

use kerb_types::{MembershipView, NodeId, ShardId, ShardMap};

/// Index of a server in [`ShardMap::servers`].
pub type ServerIndex = u16;

/// How a server looks from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Answers.
    Well,
    /// Counts as live, but its last answers did not come.
    Suspect,
    /// Not live. Asked when nobody else holds the shard: who is listed as dead may just have come back.
    Dead,
}

/// One question's addressee and the shards to ask it for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whom.
    pub server: ServerIndex,
    /// Of what; at least one.
    pub shards: Vec<ShardId>,
}

/// What to ask whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Every plannable shard in exactly one of them; one ask a server.
    pub asks: Vec<Ask>,
    /// Shards that nobody is left to be asked for.
    pub unplaced: Vec<ShardId>,
}

/// The standing of each server of the map, in its order.
pub fn standings(view: &MembershipView, suspect: impl Fn(&NodeId) -> bool) -> Vec<Standing> {
    let standing = |server: &NodeId| {
        if !view.node(server).is_some_and(|node| node.live) {
            Standing::Dead
        } else if suspect(server) {
            Standing::Suspect
        } else {
            Standing::Well
        }
    };
    view.shard_map.servers().iter().map(standing).collect()
}

/// Chooses a holder for each of `shards`: of the best standing among those that `may_ask` allows, on few servers
/// (greedily, each time the server that takes the most shards still open), and among equals the one whose turn
/// it is, so that a growing `turn` spreads the load.
pub fn plan(
    shards: &[ShardId],
    map: &ShardMap,
    standings: &[Standing],
    turn: usize,
    may_ask: impl Fn(ShardId, ServerIndex) -> bool,
) -> Plan {
    assert_eq!(standings.len(), map.servers().len(), "one standing a server");
    let mut plan = Plan::default();
    let mut open = Vec::with_capacity(shards.len());
    for &shard in shards {
        let candidates = best_holders(shard, map, standings, &may_ask);
        if candidates.clone().next().is_some() {
            open.push(shard);
        } else {
            plan.unplaced.push(shard);
        }
    }
    let mut votes = vec![0_usize; standings.len()];
    while !open.is_empty() {
        votes.fill(0);
        for &shard in &open {
            best_holders(shard, map, standings, &may_ask).for_each(|server| votes[usize::from(server)] += 1);
        }
        let server = most_votes(&votes, turn);
        let takes = |shard: &mut ShardId| best_holders(*shard, map, standings, &may_ask).any(|s| s == server);
        let taken: Vec<_> = open.extract_if(.., takes).collect();
        assert!(!taken.is_empty(), "the chosen server has a vote of an open shard");
        plan.asks.push(Ask { server, shards: taken });
    }
    plan
}

/// The holders of a shard that may be asked and have the best standing among these.
fn best_holders<'a>(
    shard: ShardId,
    map: &'a ShardMap,
    standings: &'a [Standing],
    may_ask: &'a impl Fn(ShardId, ServerIndex) -> bool,
) -> impl Iterator<Item = ServerIndex> + Clone + 'a {
    let allowed = map.holders(shard).iter().copied().filter(move |&server| may_ask(shard, server));
    let best = allowed.clone().map(|server| standings[usize::from(server)]).min();
    allowed.filter(move |&server| Some(standings[usize::from(server)]) == best)
}

/// The server with the most votes; among equals the first one from `turn` on, around the list.
fn most_votes(votes: &[usize], turn: usize) -> ServerIndex {
    let first = turn % votes.len();
    let around = (first..votes.len()).chain(0..first);
    // `max_by_key` keeps the last of equals: walk backwards to keep the first.
    let chosen = around.rev().max_by_key(|&server| votes[server]);
    chosen.expect("a shard is open, so there are servers") as ServerIndex
}
