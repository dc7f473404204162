//! All within a circle or a polygon, up to a limit: leaf groups are read, then the records of who seems to be in the
//! area are looked at, for the group at once. Ids are read at the end, of who is answered.

use std::cmp::Ordering;

use kerb_geometry::{Cell, Circle, LatLng, Polygon, Relation};
use kerb_ports::DriverFilter;

use super::best::{Best, Found};
use super::frontier::{FEW, Frontier, Group, MANY, Queue, each_passing, read_group};
use super::sight::{Sighting, fetch_records, passes, sight};
use super::window::Window;
use super::{Asked, Effort, Stop};
use crate::store::Store;
use crate::store::kinds::Sought;
use crate::store::page::{Leaf, Link};

/// Where.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Circle(&'a Circle),
    Polygon(&'a Polygon),
}

impl Place<'_> {
    /// The distance, which is 0 in a polygon; `None`: not in the area.
    #[inline]
    fn hav(self, position: LatLng) -> Option<f64> {
        match self {
            Self::Circle(circle) => {
                Some(circle.origin().hav(position)).filter(|hav| *hav <= circle.hav_max())
            }
            Self::Polygon(polygon) => polygon.contains(position).then_some(0.0),
        }
    }
}

/// A search for all within an area.
pub(crate) struct Within<'a> {
    pub(crate) store: &'a Store,
    pub(crate) place: Place<'a>,
    pub(crate) filter: &'a DriverFilter,
    pub(crate) sought: Sought,
    pub(crate) asked: &'a Asked,
    pub(crate) best: Best,
    /// Records of a group that seem to be in the area.
    pub(crate) records: &'a mut Vec<u32>,
}

impl<'a> Within<'a> {
    /// Fills `best` from the leaves.
    pub(crate) fn read(&mut self, queue: &mut Queue, effort: &mut Effort<'_>) -> Result<(), Stop> {
        match self.place {
            Place::Circle(circle) => self.read_circle(circle, queue, effort),
            Place::Polygon(polygon) => self.read_polygon(polygon, effort),
        }
    }

    /// Looks at drivers, wherever they are.
    pub(crate) fn look_at(&mut self, records: &[u32]) {
        self.records.extend_from_slice(records);
        self.look();
    }

    fn read_circle(
        &mut self,
        circle: &'a Circle,
        queue: &mut Queue,
        effort: &mut Effort<'_>,
    ) -> Result<(), Stop> {
        let mut frontier = Frontier::new(self.store, circle, self.sought, queue, self.asked);
        let hav_min = self.best.hav_min();
        let mut window = Window::around(circle.center());
        let many = if self.best.wants_many() { MANY } else { FEW };
        loop {
            let best = &self.best;
            let Some(group) = frontier.next(many, |hav| best.may_want(hav), hav_min) else { return Ok(()) };
            window.narrow(best.worst());
            let (store, filter) = (self.store, self.filter);
            let mut state = (&mut self.records, &mut frontier);
            read_group(
                store,
                &group,
                self.sought,
                effort,
                &mut state,
                |(records, _), number, bits| {
                    let near = bits & window.may_hold(&store.blocks.get(number).positions());
                    each_passing(store, number, near, filter, |traits, _| records.push(traits.record()));
                },
                |(_, frontier), leaf| frontier.push_rest(leaf, |hav| best.may_want(hav)),
            )?;
            self.look();
        }
    }

    fn read_polygon(&mut self, polygon: &Polygon, effort: &mut Effort<'_>) -> Result<(), Stop> {
        let whole = polygon.relation(&Cell::ROOT.bounds());
        let mut links: Vec<_> = self.asked.iter().map(|s| (self.store.shard(s).root.load(), whole)).collect();
        // Leaves inside, and leaves on the edge.
        let mut leaves = [Vec::new(), Vec::new()];
        while let Some((link, relation)) = links.pop() {
            match link {
                Link::Nothing => {}
                Link::Node(number) => self.open(number, relation, polygon, &mut links),
                Link::Leaf(number) => leaves[usize::from(relation != Relation::Inside)].push(number),
            }
            // Groups are read as they fill, so the list stays short.
            if links.is_empty() || leaves.iter().any(|leaves| leaves.len() >= 64) {
                let [inside, edge] = &mut leaves;
                self.read_leaves(inside, None, effort)?;
                self.read_leaves(edge, Some(polygon), effort)?;
            }
        }
        Ok(())
    }

    fn open(&self, number: u32, relation: Relation, polygon: &Polygon, links: &mut Vec<(Link, Relation)>) {
        let node = self.store.nodes.get(number);
        if !self.sought.may_be_in(node.page.kinds()) {
            return;
        }
        let cell = node.cell();
        for (i, child) in node.children.iter().enumerate() {
            let link = child.load();
            if link == Link::Nothing {
                continue;
            }
            let relation = match relation {
                Relation::Inside => Relation::Inside,
                _ => polygon.relation(&cell.child(i).bounds()),
            };
            if relation != Relation::Outside {
                links.push((link, relation));
            }
        }
    }

    /// Reads leaves and their chains; positions are tested where there is a polygon to test them by.
    fn read_leaves(
        &mut self,
        leaves: &mut Vec<u32>,
        polygon: Option<&Polygon>,
        effort: &mut Effort<'_>,
    ) -> Result<(), Stop> {
        while let Some(group) = Group::fill(leaves) {
            let (store, filter) = (self.store, self.filter);
            let mut state = (&mut self.records, &mut *leaves);
            read_group(
                store,
                &group,
                self.sought,
                effort,
                &mut state,
                |(records, _), number, bits| {
                    each_passing(store, number, bits, filter, |traits, position| {
                        if polygon.is_none_or(|polygon| polygon.contains(position)) {
                            records.push(traits.record());
                        }
                    });
                },
                |(_, leaves), leaf: &Leaf| {
                    if let Link::Leaf(next) = leaf.next.load() {
                        leaves.push(next);
                    }
                },
            )?;
            self.look();
        }
        Ok(())
    }

    /// Looks at the records, offers who passes and empties the list.
    fn look(&mut self) {
        let mut records = std::mem::take(self.records);
        fetch_records(self.store, &records);
        for record in records.drain(..) {
            let Some(sighting) = sight(self.store, record) else { continue };
            if self.asked.contains(sighting.shard)
                && passes(self.filter, &sighting)
                && let Some(hav) = self.place.hav(sighting.position)
                && self.best.may_want(hav)
            {
                self.offer(hav, sighting);
            }
        }
        *self.records = records;
    }

    fn offer(&mut self, hav: f64, sighting: Sighting) {
        // Few drivers are asked for their ids.
        let is_after = match self.best.side_of(hav) {
            Ordering::Less => false,
            Ordering::Equal => self.best.is_after(&self.store.ids.get(sighting.traits.record())),
            Ordering::Greater => true,
        };
        if is_after {
            self.best.offer(Found { hav, sighting }, &self.store.ids);
        }
    }
}
