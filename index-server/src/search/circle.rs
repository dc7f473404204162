//! Searches a circle, the nearest cell first: it ends exactly when no unread cell can hold anything that is wanted
//! (Hjaltason and Samet, "Distance browsing in spatial databases", 1999).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use kerb_fleet::DriverFilter;
use kerb_spatial::Circle;

use super::best::{Best, Found};
use super::sight::{Sighting, passes, sight};
use super::walk::read_leaf;
use super::{Asked, Effort, Stop};
use crate::store::Store;
use crate::store::page::{Leaf, Link};

/// Links with the least distance of what is behind them. A distance is not negative, so its bits order it.
pub(crate) type Queue = BinaryHeap<Reverse<(u64, Behind)>>;

/// A link in the order of the queue, which asks for some.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Behind {
    Node(u32),
    Leaf(u32),
}

/// A circle, whom it is searched for, and who was found.
pub(crate) struct CircleSearch<'a> {
    pub(crate) store: &'a Store,
    pub(crate) circle: &'a Circle,
    pub(crate) filter: &'a DriverFilter,
    pub(crate) asked: &'a Asked,
    pub(crate) best: &'a mut Best,
}

impl CircleSearch<'_> {
    /// Reads every leaf of the asked shards that can hold somebody who is wanted.
    pub(crate) fn read(&mut self, queue: &mut Queue, effort: &mut Effort<'_>) -> Result<(), Stop> {
        queue.clear();
        for shard in self.asked.iter() {
            self.push(queue, 0.0, self.store.shard(shard).root.load());
        }
        while let Some(Reverse((bits, behind))) = queue.pop() {
            if !self.best.may_want(f64::from_bits(bits)) {
                break;
            }
            match behind {
                Behind::Node(number) => self.read_node(queue, number),
                Behind::Leaf(number) => self.read_chain(number, effort)?,
            }
        }
        Ok(())
    }

    /// Looks at one driver, wherever it is.
    pub(crate) fn look_at(&mut self, number: u32) {
        if let Some(sighting) = sight(self.store, number)
            && self.asked.contains(sighting.shard)
            && passes(self.filter, &sighting)
        {
            self.offer(sighting);
        }
    }

    fn push(&self, queue: &mut Queue, bound: f64, link: Link) {
        let behind = match link {
            Link::Nothing => return,
            Link::Node(number) => Behind::Node(number),
            Link::Leaf(number) => Behind::Leaf(number),
        };
        if self.best.may_want(bound) {
            queue.push(Reverse((bound.to_bits(), behind)));
        }
    }

    #[inline]
    fn read_node(&self, queue: &mut Queue, number: u32) {
        let node = self.store.nodes.get(number);
        let cell = node.cell();
        let bounds = self.circle.origin().lower_bounds_of_children(cell);
        let hav_min = self.best.hav_min();
        for (i, (bound, child)) in bounds.into_iter().zip(&node.children).enumerate() {
            // All of it was answered on an earlier page.
            if hav_min > 0.0 && self.circle.origin().upper_bound(&cell.child(i).bounds()) < hav_min {
                continue;
            }
            self.push(queue, bound, child.load());
        }
    }

    /// A leaf, and the chain behind it as long as somebody at its place can be wanted.
    fn read_chain(&mut self, number: u32, effort: &mut Effort<'_>) -> Result<(), Stop> {
        let mut link = Link::Leaf(number);
        while let Link::Leaf(number) = link {
            effort.spend()?;
            let leaf = self.store.leaves.get(number);
            let nearest = self.read_leaf(leaf);
            link = leaf.next.load();
            // All of a chain are at one place, so as far as these.
            if nearest.is_some_and(|hav| !self.best.may_want(hav)) {
                break;
            }
        }
        Ok(())
    }

    /// Offers a leaf's drivers; the distance of the nearest that passes the filter.
    #[inline]
    fn read_leaf(&mut self, leaf: &Leaf) -> Option<f64> {
        let (store, filter) = (self.store, self.filter);
        let mut nearest = None;
        read_leaf(store, leaf, filter, |traits, position| {
            let hav = self.circle.origin().hav(position);
            nearest = Some(nearest.map_or(hav, |nearest: f64| nearest.min(hav)));
            if self.best.may_want(hav) {
                self.look_at(traits.record());
            }
        });
        nearest
    }


    fn offer(&mut self, sighting: Sighting) {
        let hav = self.circle.origin().hav(sighting.position);
        if !self.best.may_want(hav) {
            return;
        }
        let mut found = Found { hav, card: None, sighting };
        if self.best.by_id {
            let Some(card) = self.store.cards.get(sighting.traits.record()).load_full() else { return };
            if !self.best.is_after(hav, card.id.as_str()) {
                return;
            }
            found.card = Some(card);
        }
        self.best.offer(found);
    }
}
