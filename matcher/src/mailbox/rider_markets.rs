//! The markets that each rider has used. A rider's keys and limits hold over all markets, so a request asks those.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use kerb_trips::{MarketId, RiderId};
use parking_lot::Mutex;

/// The most riders of a generation. The older of two generations is forgotten, so riders who never return cost no memory for
/// ever.
const RIDERS_MAX: usize = 1_000_000;
/// Number of turns: two requests of one rider are decided one after the other.
const TURNS: usize = 1_024;

/// The markets of the riders, and their turns.
pub(crate) struct RiderMarkets {
    /// The newer generation, and the older one.
    generations: Mutex<[Generation; 2]>,
    turns: Vec<tokio::sync::Mutex<()>>,
    hasher: RandomState,
}

type Generation = HashMap<RiderId, Vec<MarketId>, RandomState>;

impl RiderMarkets {
    pub(crate) fn new() -> Self {
        let turns = std::iter::repeat_with(tokio::sync::Mutex::default).take(TURNS).collect();
        Self { generations: Mutex::default(), turns, hasher: RandomState::default() }
    }

    /// Waits for the rider's turn. Another request of the same rider waits until the guard is dropped.
    pub(crate) async fn turn(&self, rider: &RiderId) -> tokio::sync::MutexGuard<'_, ()> {
        // The remainder is below the number of turns.
        let turn = self.hasher.hash_one(rider) as usize % TURNS;
        self.turns[turn].lock().await
    }

    /// Records that the rider uses the market.
    pub(crate) fn add(&self, rider: &RiderId, market: &MarketId) {
        let mut generations = self.generations.lock();
        let mut markets = markets_of(&generations, rider);
        if markets.contains(market) && generations[0].contains_key(rider) {
            return;
        }
        if generations[0].len() >= RIDERS_MAX {
            let newer = std::mem::take(&mut generations[0]);
            generations[1] = newer;
        }
        if !markets.contains(market) {
            markets.push(market.clone());
        }
        generations[0].insert(rider.clone(), markets);
    }

    /// Returns the markets that the rider has used, without this one.
    pub(crate) fn others(&self, rider: &RiderId, market: &MarketId) -> Vec<MarketId> {
        let mut markets = markets_of(&self.generations.lock(), rider);
        markets.retain(|other| other != market);
        markets
    }
}

fn markets_of(generations: &[Generation; 2], rider: &RiderId) -> Vec<MarketId> {
    generations.iter().find_map(|generation| generation.get(rider)).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rider_has_the_markets_that_it_used() {
        let riders = RiderMarkets::new();
        let (anna, market) = (RiderId::new("anna").unwrap(), |name| MarketId::new(name).unwrap());
        assert_eq!(riders.others(&anna, &market("east")), []);
        for name in ["east", "west", "east"] {
            riders.add(&anna, &market(name));
        }
        assert_eq!(riders.others(&anna, &market("east")), [market("west")]);
        assert_eq!(riders.others(&RiderId::new("bert").unwrap(), &market("east")), []);
    }
}
