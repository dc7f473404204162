//! The drivers' cards by record number, readable by plain loads.
//!
//! A found driver's card is three cache lines away: the slot, the card and its count. Plain loads let a search fetch
//! those of all its hits at once; with a lock or a swappable pointer a card, which are ordered instructions, it would wait
//! for one after another: 20 misses of 200 ns each. So a slot is written once, and a chunk that has
//! many slots of freed records, or one card that changed, is replaced by a copy.

use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, Guard};
use kerb_fleet::DriverCard;

/// Slots of a chunk: what a replacement copies.
pub(crate) const CARDS: usize = 1_024;

type Chunk = [OnceLock<Arc<DriverCard>>];
type Directory = Vec<Arc<Chunk>>;

/// See the module.
pub(crate) struct Cards(ArcSwap<Directory>);

/// The cards of records that were in use when it was made, and of some later ones.
pub(crate) struct CardsNow(Guard<Arc<Directory>>);

impl CardsNow {
    /// The card of a record; `None` for a record that is not in use, or newer than this view.
    #[inline]
    pub(crate) fn get(&self, record: u32) -> Option<&Arc<DriverCard>> {
        self.0.get(record as usize / CARDS)?[record as usize % CARDS].get()
    }
}

impl Cards {
    pub(crate) fn new() -> Self {
        Self(ArcSwap::from_pointee(Vec::new()))
    }

    pub(crate) fn now(&self) -> CardsNow {
        CardsNow(self.0.load())
    }

    /// Sets the card of a record whose slot is empty.
    pub(crate) fn add(&self, record: u32, card: Arc<DriverCard>) {
        let chunk = record as usize / CARDS;
        if chunk >= self.0.load().len() {
            let mut directory = Directory::clone(&self.0.load());
            // By a thirty-second, so that copying the directory costs nothing in the long run.
            let len = chunk + 1 + chunk / 32;
            directory.resize_with(len, || (0..CARDS).map(|_| OnceLock::new()).collect());
            self.0.store(Arc::new(directory));
        }
        let set = self.0.load()[chunk][record as usize % CARDS].set(card);
        debug_assert!(set.is_ok(), "a slot is emptied before it is used again");
    }

    /// Gives a record another card.
    pub(crate) fn replace(&self, record: u32, card: &Arc<DriverCard>) {
        self.copy(
            record,
            |other, old| if other == record { Some(Arc::clone(card)) } else { Some(Arc::clone(old)) },
        );
    }

    /// Empties the slots of some records of one chunk, in order. No search may find any of them.
    pub(crate) fn empty(&self, records: &[u32]) {
        let Some(first) = records.first() else { return };
        self.copy(*first, |other, old| records.binary_search(&other).is_err().then(|| Arc::clone(old)));
    }

    /// Memory of the slots, not of the cards.
    pub(crate) fn bytes(&self) -> usize {
        let directory = self.0.load();
        let chunk = CARDS * size_of::<OnceLock<Arc<DriverCard>>>() + size_of::<Arc<Chunk>>();
        directory.len() * chunk
    }

    /// Replaces the chunk of `record` by what `keep` makes of its cards.
    fn copy(&self, record: u32, keep: impl Fn(u32, &Arc<DriverCard>) -> Option<Arc<DriverCard>>) {
        let at = record as usize / CARDS;
        let mut directory = Directory::clone(&self.0.load());
        let copied = (0..).zip(directory[at].iter()).map(|(i, slot)| {
            let number = (at * CARDS) as u32 + i;
            let card = slot.get().and_then(|card| keep(number, card));
            card.map_or_else(OnceLock::new, OnceLock::from)
        });
        let chunk: Arc<Chunk> = copied.collect();
        directory[at] = chunk;
        self.0.store(Arc::new(directory));
    }
}

#[cfg(test)]
mod tests {
    use kerb_fleet::{Capabilities, DriverId, VehicleClass};

    use super::*;

    fn card(id: u32) -> Arc<DriverCard> {
        let id = DriverId::new(&id.to_string()).unwrap();
        Arc::new(DriverCard { id, vehicle_class: VehicleClass(0), capabilities: Capabilities(0) })
    }

    #[test]
    fn cards_are_kept_replaced_and_emptied() {
        let cards = Cards::new();
        for record in 0..3_000 {
            cards.add(record, card(record));
        }
        let before = cards.now();
        cards.replace(2_000, &card(7));
        cards.empty(&[1_024, 1_500]);
        let now = cards.now();
        let id = |cards: &CardsNow, record| cards.get(record).map(|card| card.id.to_string());
        assert_eq!(id(&now, 2_000), Some("7".to_owned()));
        assert_eq!((id(&now, 1_024), id(&now, 1_500)), (None, None));
        assert_eq!(id(&now, 1_025), Some("1025".to_owned()));
        assert_eq!(
            (id(&before, 1_024), id(&before, 2_000)),
            (Some("1024".to_owned()), Some("2000".to_owned()))
        );
        cards.add(1_500, card(8));
        assert_eq!(id(&now, 1_500), Some("8".to_owned()));
        assert_eq!(id(&now, 9_999_999), None);
    }
}
