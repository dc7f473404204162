//! Finds all drivers of a circle or a polygon, up to a limit.
//!
//! Leaves are read in groups. The records of the candidates of a group are then read together. Ids are only read for
//! the drivers of the answer.

use std::cmp::Ordering;

use kerb_geometry::{Cell, Circle, LatLng, Polygon, Relation};
use kerb_ports::DriverFilter;

use super::bounding_box::BoundingBox;
use super::budget::{SearchAbort, SearchBudget};
use super::frontier::{Frontier, PageQueue};
use super::leaf_group::{LARGE_GROUP, LeafGroup, SMALL_GROUP, for_each_passing, read_group};
use super::record_read::{RecordView, passes, prefetch_records, read_record};
use super::shard_set::ShardSet;
use super::top_results::{DriverMatch, TopResults};
use crate::store::Store;
use crate::store::filter_summary::FilterMask;
use crate::store::indices::{LeafIndex, NodeIndex, RecordIndex};
use crate::store::page::{Leaf, PageLink};

/// Maximum number of a polygon's leaves that are collected before they are read.
const COLLECTED_LEAVES_MAX: usize = 64;

/// The area of a search.
#[derive(Clone, Copy)]
pub(crate) enum SearchArea<'a> {
    Circle(&'a Circle),
    Polygon(&'a Polygon),
}

impl SearchArea<'_> {
    /// The distance, which is 0 in a polygon; `None` when the position is not in the area.
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

/// A search for all drivers of an area.
pub(crate) struct AreaSearch<'a> {
    pub(crate) store: &'a Store,
    pub(crate) area: SearchArea<'a>,
    pub(crate) filter: &'a DriverFilter,
    pub(crate) filter_mask: FilterMask,
    pub(crate) shards: &'a ShardSet,
    pub(crate) results: TopResults,
    /// The candidates of a leaf group.
    pub(crate) records: &'a mut Vec<RecordIndex>,
}

impl<'a> AreaSearch<'a> {
    /// Fills `results` from the leaves.
    pub(crate) fn run(
        &mut self,
        queue: &mut PageQueue,
        budget: &mut SearchBudget<'_>,
    ) -> Result<(), SearchAbort> {
        match self.area {
            SearchArea::Circle(circle) => self.read_circle(circle, queue, budget),
            SearchArea::Polygon(polygon) => self.read_polygon(polygon, budget),
        }
    }

    /// Reads these records too, wherever their drivers are.
    pub(crate) fn read_more(&mut self, records: &[RecordIndex]) {
        self.records.extend_from_slice(records);
        self.verify_candidates();
    }

    fn read_circle(
        &mut self,
        circle: &'a Circle,
        queue: &mut PageQueue,
        budget: &mut SearchBudget<'_>,
    ) -> Result<(), SearchAbort> {
        let mut frontier = Frontier::new(self.store, circle, self.filter_mask, queue, self.shards);
        let hav_min = self.results.hav_min();
        let mut bounding_box = BoundingBox::around(circle.center());
        let leaves_max = if self.results.is_large() { LARGE_GROUP } else { SMALL_GROUP };
        loop {
            let results = &self.results;
            let wanted = |hav| results.may_include(hav);
            let Some(group) = frontier.next(leaves_max, wanted, hav_min) else { return Ok(()) };
            bounding_box.narrow(results.hav_limit());
            let (store, filter) = (self.store, self.filter);
            let mut state = (&mut self.records, &mut frontier);
            read_group(
                store,
                &group,
                self.filter_mask,
                budget,
                &mut state,
                |(records, _), block, bits| {
                    let near = bits & bounding_box.may_contain(&store.blocks.get(block).positions());
                    for_each_passing(store, block, near, filter, |attributes, _| {
                        records.push(attributes.record());
                    });
                },
                |(_, frontier), leaf| frontier.push_chain_rest(leaf, wanted),
            )?;
            self.verify_candidates();
        }
    }

    fn read_polygon(&mut self, polygon: &Polygon, budget: &mut SearchBudget<'_>) -> Result<(), SearchAbort> {
        let edges = polygon.vertex_count();
        let whole = polygon.relation(&Cell::ROOT.bounds());
        let mut links: Vec<_> =
            self.shards.iter().map(|s| (self.store.shard(s).root.load(), whole)).collect();
        // Leaves inside the polygon, and leaves on its edge.
        let mut leaves = [Vec::new(), Vec::new()];
        while let Some((link, relation)) = links.pop() {
            match link {
                PageLink::Empty => {}
                PageLink::Node(node) => {
                    let comparisons = self.open(node, relation, polygon, &mut links);
                    budget.spend_edges(comparisons, edges)?;
                }
                PageLink::Leaf(leaf) => leaves[usize::from(relation != Relation::Inside)].push(leaf),
            }
            // Leaves are read as their lists fill, so the lists stay short.
            if links.is_empty() || leaves.iter().any(|leaves| leaves.len() >= COLLECTED_LEAVES_MAX) {
                let [inside, edge] = &mut leaves;
                self.read_leaves(inside, None, budget)?;
                self.read_leaves(edge, Some(polygon), budget)?;
            }
        }
        Ok(())
    }

    /// Adds the children of a node that may have drivers of the polygon. Returns how many were compared with it.
    fn open(
        &self,
        node: NodeIndex,
        relation: Relation,
        polygon: &Polygon,
        links: &mut Vec<(PageLink, Relation)>,
    ) -> usize {
        let node = self.store.nodes.get(node);
        if !self.filter_mask.may_match(node.header.summary()) {
            return 0;
        }
        let mut comparisons = 0;
        let cell = node.cell();
        for (i, child) in node.children.iter().enumerate() {
            let link = child.load();
            if link == PageLink::Empty {
                continue;
            }
            // Everything in a cell inside the polygon is inside.
            let relation = if relation == Relation::Inside {
                relation
            } else {
                comparisons += 1;
                polygon.relation(&cell.child(i).bounds())
            };
            if relation != Relation::Outside {
                links.push((link, relation));
            }
        }
        comparisons
    }

    /// Reads leaves and their chains. Positions are tested if a polygon is given.
    fn read_leaves(
        &mut self,
        leaves: &mut Vec<LeafIndex>,
        polygon: Option<&Polygon>,
        budget: &mut SearchBudget<'_>,
    ) -> Result<(), SearchAbort> {
        while let Some(group) = LeafGroup::take_from(leaves) {
            if let Some(polygon) = polygon {
                budget.spend_edges(group.len(), polygon.vertex_count())?;
            }
            let (store, filter) = (self.store, self.filter);
            let mut state = (&mut self.records, &mut *leaves);
            read_group(
                store,
                &group,
                self.filter_mask,
                budget,
                &mut state,
                |(records, _), block, bits| {
                    for_each_passing(store, block, bits, filter, |attributes, position| {
                        if polygon.is_none_or(|polygon| polygon.contains(position)) {
                            records.push(attributes.record());
                        }
                    });
                },
                |(_, leaves), leaf: &Leaf| {
                    if let PageLink::Leaf(next) = leaf.next.load() {
                        leaves.push(next);
                    }
                },
            )?;
            self.verify_candidates();
        }
        Ok(())
    }

    /// Reads the candidates' records, inserts those that match into the results, and empties the list.
    fn verify_candidates(&mut self) {
        let mut records = std::mem::take(self.records);
        prefetch_records(self.store, &records);
        for record in records.drain(..) {
            let Some(view) = read_record(self.store, record) else { continue };
            if self.shards.contains(view.shard)
                && passes(self.filter, &view)
                && let Some(hav) = self.area.hav(view.position)
                && self.results.may_include(hav)
            {
                self.insert(hav, view);
            }
        }
        *self.records = records;
    }

    fn insert(&mut self, hav: f64, view: RecordView) {
        // Only drivers at the cursor's distance need their ids.
        let is_after = match self.results.compare_to_cursor(hav) {
            Ordering::Less => false,
            Ordering::Equal => self.results.is_id_after_cursor(&self.store.ids.get(view.attributes.record())),
            Ordering::Greater => true,
        };
        if is_after {
            self.results.insert(DriverMatch { hav, view }, &self.store.ids);
        }
    }
}
