//! Searches a polygon: cells outside are skipped, positions in cells inside are not tested.

use kerb_fleet::DriverFilter;
use kerb_spatial::{Cell, Polygon, Relation};

use super::best::{Best, Found};
use super::sight::{Sighting, passes, sight};
use super::walk::read_leaf;
use super::{Asked, Effort, Stop};
use crate::store::Store;
use crate::store::page::Link;

/// A polygon, whom it is searched for, and who was found.
pub(crate) struct PolygonSearch<'a> {
    pub(crate) store: &'a Store,
    pub(crate) polygon: &'a Polygon,
    pub(crate) filter: &'a DriverFilter,
    pub(crate) asked: &'a Asked,
    pub(crate) best: &'a mut Best,
}

/// What is still to be read: a link, and how what it may lead to lies to the polygon.
type Rest = Vec<(Link, Relation)>;

impl PolygonSearch<'_> {
    /// Reads every leaf of the asked shards that can hold somebody in the polygon.
    pub(crate) fn read(&mut self, effort: &mut Effort<'_>) -> Result<(), Stop> {
        let whole = self.polygon.relation(&Cell::ROOT.bounds());
        let roots = self.asked.iter().map(|shard| (self.store.shard(shard).root.load(), whole));
        let mut rest: Rest = roots.collect();
        while let Some((link, relation)) = rest.pop() {
            match link {
                Link::Nothing => {}
                Link::Node(number) => self.read_node(number, relation, &mut rest),
                Link::Leaf(number) => {
                    effort.spend()?;
                    rest.push((self.store.leaves.get(number).next.load(), relation));
                    self.read_leaf(number, relation);
                }
            }
        }
        Ok(())
    }

    /// Looks at one driver, wherever it is.
    pub(crate) fn look_at(&mut self, number: u32) {
        if let Some(sighting) = sight(self.store, number)
            && self.asked.contains(sighting.shard)
            && passes(self.filter, &sighting)
            && self.polygon.contains(sighting.position)
        {
            self.offer(sighting);
        }
    }

    fn read_node(&self, number: u32, relation: Relation, rest: &mut Rest) {
        let node = self.store.nodes.get(number);
        let cell = node.cell();
        for (i, child) in node.children.iter().enumerate() {
            let link = child.load();
            if link == Link::Nothing {
                continue;
            }
            let relation = match relation {
                Relation::Inside => Relation::Inside,
                _ => self.polygon.relation(&cell.child(i).bounds()),
            };
            if relation != Relation::Outside {
                rest.push((link, relation));
            }
        }
    }

    fn read_leaf(&mut self, number: u32, relation: Relation) {
        let (store, filter) = (self.store, self.filter);
        read_leaf(store, store.leaves.get(number), filter, |traits, position| {
            if relation == Relation::Inside || self.polygon.contains(position) {
                self.look_at(traits.record());
            }
        });
    }

    fn offer(&mut self, sighting: Sighting) {
        let Some(card) = self.store.cards.get(sighting.traits.record()).load_full() else { return };
        if self.best.is_after(0.0, card.id.as_str()) {
            self.best.offer(Found { hav: 0.0, card: Some(card), sighting });
        }
    }
}
