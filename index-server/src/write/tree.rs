//! The writer's side of a shard's tree: makes room, puts a driver in, takes one out, splits and merges.
//!
//! A compressed quadtree over Morton codes: a node's cell may lie levels below the link to it, so empty levels cost
//! nothing. A leaf splits when it is full and its drivers are not all at one place; those form a chain of leaves of
//! the deepest level, whose head has the kinds of all of it. Each function leaves the tree whole for a reader who comes
//! at any instant, as [`crate::index`] argues.

use kerb_geometry::{Cell, LatLng, Morton};
use kerb_types::ShardId;

use super::pages::Pages;
use crate::store::Store;
use crate::store::kinds::Kinds;
use crate::store::page::{BLOCK, BLOCKS, Entry, FULL, LEAF, Leaf, Link, LinkCell, Node, Traits};
use crate::store::record::Home;
use crate::sync::{Rule, undone};

/// A leaf with at most so many left looks whether it can merge with its siblings.
const SPARSE: u32 = LEAF / 8;
/// Siblings merge when together they have at most so many: half full, so that they do not split again at once.
const MERGED_MAX: u32 = LEAF / 2;

/// A free entry of a leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    leaf: u32,
    bit: u32,
    /// Of the leaf's cell.
    pub(crate) level: u8,
}

/// Entries that are copied together.
type Copies = Vec<(Traits, LatLng)>;

/// A link and the largest cell that it may lead to.
struct Step<'a> {
    link: &'a LinkCell,
    cell: Cell,
}

/// A free entry of this leaf, the one that a driver of these kinds with this code belongs to, if there is one for which
/// nothing must be changed above. The leaf was in the shard's tree lately.
#[inline]
pub(crate) fn room_in(store: &Store, number: u32, code: Morton, kinds: Kinds) -> Option<Spot> {
    let leaf = store.leaves.get(number);
    let (cell, mask) = (leaf.cell(), leaf.mask());
    // No leaf 0 is in a tree. What a leaf has, the pages above have; and no other leaf has the code while this one is in
    // the tree.
    let fits = number != 0
        && !leaf.page.is_retired()
        && mask != FULL
        && cell.contains(code)
        && leaf.page.kinds().hold(kinds);
    fits.then(|| Spot { leaf: number, bit: (!mask).trailing_zeros(), level: cell.level() })
}

/// Finds or makes a free entry for a driver of these kinds with this code; the nodes above it have the kinds then.
pub(crate) fn make_room(
    store: &Store,
    pages: &mut Pages,
    shard: ShardId,
    code: Morton,
    kinds: Kinds,
) -> Spot {
    loop {
        let (_, step) = descend(store, shard, code, kinds);
        match step.link.load() {
            Link::Nothing => {
                let leaf = pages.take_leaf(store, shard, step.cell);
                step.link.store(Link::Leaf(leaf));
            }
            // The descent stops at a node only if the code is outside its cell.
            Link::Node(number) => {
                let node = store.nodes.get(number);
                fork(store, pages, shard, step.link, node.cell(), code);
            }
            Link::Leaf(number) => {
                let leaf = store.leaves.get(number);
                let mask = leaf.mask();
                if !leaf.cell().contains(code) {
                    widen(store, pages, shard, &step, number, code);
                } else if mask != FULL {
                    return Spot { leaf: number, bit: (!mask).trailing_zeros(), level: leaf.cell().level() };
                } else if leaf.cell().level() == Cell::MAX_LEVEL {
                    let head = pages.take_leaf(store, shard, leaf.cell());
                    store.leaves.get(head).page.raise(leaf.page.kinds());
                    store.leaves.get(head).next.store(Link::Leaf(number));
                    step.link.store(Link::Leaf(head));
                } else {
                    split(store, pages, shard, step.link, number, code);
                }
            }
        }
    }
}

/// Puts a driver into a spot and answers its place.
pub(crate) fn put(
    store: &Store,
    pages: &mut Pages,
    shard: ShardId,
    spot: Spot,
    traits: Traits,
    position: LatLng,
) -> u32 {
    let leaf = store.leaves.get(spot.leaf);
    let k = (spot.bit / BLOCK) as usize;
    let mut block = leaf.block(k);
    if block == 0 {
        block = pages.take_block(store, shard, spot.leaf);
        leaf.set_block(k, block);
    }
    let place = block * BLOCK + spot.bit % BLOCK;
    if !undone(Rule::SummaryBeforeEntry) {
        leaf.page.raise(traits.kinds());
    }
    store.entry(place).put(traits, position);
    leaf.set_mask(leaf.mask() | 1 << spot.bit);
    pages.count(shard).drivers += 1;
    place
}

/// Adds kinds to the pages above the driver who is at `place` and at this position, before its traits become these: no
/// search may pass it by.
pub(crate) fn announce(
    store: &Store,
    pages: &Pages,
    shard: ShardId,
    place: u32,
    position: LatLng,
    kinds: Kinds,
) {
    let leaf = store.leaves.get(pages.leaf_of(place / BLOCK));
    // What a leaf has, the pages above have.
    if leaf.page.kinds().hold(kinds) {
        return;
    }
    if let Link::Leaf(head) = descend(store, shard, position.into(), kinds).1.link.load() {
        store.leaves.get(head).page.raise(kinds);
    }
    leaf.page.raise(kinds);
}

/// Takes the driver out that is at `place` with this code. The record leads elsewhere, or nowhere, by now.
pub(crate) fn take_out(store: &Store, pages: &mut Pages, shard: ShardId, code: Morton, mut place: u32) {
    let number = pages.leaf_of(place / BLOCK);
    let mut leaf = store.leaves.get(number);
    if leaf.cell().level() == Cell::MAX_LEVEL
        && let Link::Leaf(head) = descend(store, shard, code, Kinds::NONE).1.link.load()
        && head != number
    {
        // A chain is filled from its head: the head's last driver takes this place.
        let hole = leaf;
        leaf = store.leaves.get(head);
        place = fill_from(store, leaf, hole, place);
    }
    let k = block_index(leaf, place / BLOCK);
    let bit = k as u32 * BLOCK + place % BLOCK;
    store.entry(place).set_traits(Traits::NOBODY);
    let mask = leaf.mask() & !(1 << bit);
    leaf.set_mask(mask);
    pages.count(shard).drivers -= 1;
    if (mask >> (k as u32 * BLOCK)).trailing_zeros() >= BLOCK {
        let block = leaf.block(k);
        leaf.set_block(k, 0);
        pages.retire_block(store, shard, block);
    }
    if mask.count_ones() <= SPARSE {
        tidy(store, pages, shard, code);
    }
}

/// Cuts the whole tree off and shows every entry that was in it to `left`.
pub(crate) fn clear(store: &Store, pages: &mut Pages, shard: ShardId, mut left: impl FnMut(Traits)) {
    let root = &store.shard(shard).root;
    let mut links = vec![root.load()];
    root.store(Link::Nothing);
    while let Some(link) = links.pop() {
        match link {
            Link::Nothing => {}
            Link::Node(number) => {
                links.extend(store.nodes.get(number).children.iter().map(LinkCell::load));
                pages.retire_node(store, shard, number);
            }
            Link::Leaf(number) => {
                let leaf = store.leaves.get(number);
                each_entry(store, leaf, |entry| left(entry.traits()));
                links.push(leaf.next.load());
                pages.retire_leaf(store, shard, number);
            }
        }
    }
    pages.count(shard).drivers = 0;
}

/// Every driver of the shard.
pub(crate) fn each(store: &Store, shard: ShardId, mut f: impl FnMut(Traits)) {
    let mut links = vec![store.shard(shard).root.load()];
    while let Some(link) = links.pop() {
        match link {
            Link::Nothing => {}
            Link::Node(number) => links.extend(store.nodes.get(number).children.iter().map(LinkCell::load)),
            Link::Leaf(number) => {
                let leaf = store.leaves.get(number);
                each_entry(store, leaf, |entry| f(entry.traits()));
                links.push(leaf.next.load());
            }
        }
    }
}

/// The last link on the way to a code: it leads nowhere, to a leaf, or to a node that does not hold the code. Before
/// it, the link to the node that it is in. The nodes on the way have these kinds from now on.
fn descend(store: &Store, shard: ShardId, code: Morton, kinds: Kinds) -> (Option<Step<'_>>, Step<'_>) {
    let mut parent = None;
    let mut step = Step { link: &store.shard(shard).root, cell: Cell::ROOT };
    while let Link::Node(number) = step.link.load() {
        let node = store.nodes.get(number);
        let cell = node.cell();
        if !cell.contains(code) {
            break;
        }
        node.page.raise(kinds);
        let child = cell.child_index(code);
        parent = Some(step);
        step = Step { link: &node.children[child], cell: cell.child(child) };
    }
    (parent, step)
}

/// Puts a node above what a link leads to, wide enough for the code too.
fn fork(store: &Store, pages: &mut Pages, shard: ShardId, link: &LinkCell, below: Cell, code: Morton) {
    let cell = Cell::common_ancestor(below.first(), code);
    let number = pages.take_node(store, shard, cell);
    let node = store.nodes.get(number);
    node.page.raise(kinds_below(store, link.load()));
    node.children[cell.child_index(below.first())].store(link.load());
    link.store(Link::Node(number));
}

/// Makes room for a code outside of the cell of the leaf that the step leads to: a wider leaf if it has few, a fork
/// if it has many or is a chain.
fn widen(store: &Store, pages: &mut Pages, shard: ShardId, step: &Step<'_>, number: u32, code: Morton) {
    let leaf = store.leaves.get(number);
    if leaf.mask().count_ones() > MERGED_MAX || leaf.next.load() != Link::Nothing {
        fork(store, pages, shard, step.link, leaf.cell(), code);
        return;
    }
    let wide = copy(store, pages, shard, step.cell, &copies(store, leaf));
    step.link.store(Link::Leaf(wide));
    pages.retire_leaf(store, shard, number);
}

/// Splits a full leaf at the smallest cell that holds its drivers and the code.
fn split(store: &Store, pages: &mut Pages, shard: ShardId, link: &LinkCell, number: u32, code: Morton) {
    let all = copies(store, store.leaves.get(number));
    let cell = all.iter().fold(Cell::of(code, Cell::MAX_LEVEL), |cell, (_, position)| {
        let wider = Cell::common_ancestor(cell.first(), (*position).into());
        if wider.level() < cell.level() { wider } else { cell }
    });
    if cell.level() == Cell::MAX_LEVEL {
        let chain = copy(store, pages, shard, cell, &all);
        link.store(Link::Leaf(chain));
    } else {
        let parent = pages.take_node(store, shard, cell);
        let mut parts: [Copies; 4] = Default::default();
        for (traits, position) in all {
            store.nodes.get(parent).page.raise(traits.kinds());
            parts[cell.child_index(position.into())].push((traits, position));
        }
        for (child, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            let leaf = copy(store, pages, shard, cell.child(child), part);
            store.nodes.get(parent).children[child].store(Link::Leaf(leaf));
        }
        link.store(Link::Node(parent));
    }
    pages.retire_leaf(store, shard, number);
}

/// Takes an empty leaf out, and the node above it when that has no use any more: one child, or few drivers in all.
fn tidy(store: &Store, pages: &mut Pages, shard: ShardId, code: Morton) {
    let (parent, step) = descend(store, shard, code, Kinds::NONE);
    if let Link::Leaf(number) = step.link.load() {
        let leaf = store.leaves.get(number);
        if leaf.mask() == 0 {
            if let Link::Leaf(next) = leaf.next.load() {
                store.leaves.get(next).page.raise(leaf.page.kinds());
            }
            step.link.store(leaf.next.load());
            pages.retire_leaf(store, shard, number);
        }
    }
    let Some(parent) = parent else { return };
    let Link::Node(number) = parent.link.load() else { return };
    let node = store.nodes.get(number);
    let children = || node.children.iter().map(LinkCell::load).filter(|link| *link != Link::Nothing);
    if children().count() <= 1 {
        parent.link.store(children().next().unwrap_or(Link::Nothing));
        pages.retire_node(store, shard, number);
    } else if let Some(merged) = mergeable(store, node) {
        let leaf = copy(store, pages, shard, parent.cell, &merged);
        parent.link.store(Link::Leaf(leaf));
        for link in children() {
            if let Link::Leaf(child) = link {
                pages.retire_leaf(store, shard, child);
            }
        }
        pages.retire_node(store, shard, number);
    }
}

/// The entries of a node's children, if those are leaves and have few.
fn mergeable(store: &Store, node: &Node) -> Option<Copies> {
    let mut count = 0;
    for link in node.children.iter().map(LinkCell::load) {
        match link {
            Link::Nothing => {}
            Link::Node(_) => return None,
            Link::Leaf(number) => {
                let leaf = store.leaves.get(number);
                count += leaf.mask().count_ones();
                if count > MERGED_MAX || leaf.next.load() != Link::Nothing {
                    return None;
                }
            }
        }
    }
    let mut all = Copies::with_capacity(count as usize);
    for link in node.children.iter().map(LinkCell::load) {
        if let Link::Leaf(number) = link {
            all.extend(copies(store, store.leaves.get(number)));
        }
    }
    Some(all)
}

/// A new leaf with these drivers, to which their records lead from now on. The old leaf keeps its entries for who
/// still reads it.
fn copy(store: &Store, pages: &mut Pages, shard: ShardId, cell: Cell, all: &[(Traits, LatLng)]) -> u32 {
    let number = pages.take_leaf(store, shard, cell);
    for (bit, (traits, position)) in (0..).zip(all) {
        let spot = Spot { leaf: number, bit, level: cell.level() };
        let place = put(store, pages, shard, spot, *traits, *position);
        let record = store.records.get(traits.record());
        record.set_home(Home { level: cell.level(), ..record.home() });
        record.set_place(place);
    }
    // They are counted where they came from.
    pages.count(shard).drivers -= all.len() as u32;
    number
}

/// Moves the last driver of a chain's head to `hole` in another leaf of it, and answers the place that it left.
fn fill_from(store: &Store, head: &Leaf, leaf: &Leaf, hole: u32) -> u32 {
    let bit = head.mask().ilog2();
    let place = head.block((bit / BLOCK) as usize) * BLOCK + bit % BLOCK;
    let (traits, position) = (store.entry(place).traits(), store.entry(place).position());
    if !undone(Rule::LogChainMove) {
        store.journal.push(traits.record());
    }
    store.entry(hole).set_traits(Traits::NOBODY);
    leaf.page.raise(traits.kinds());
    store.entry(hole).put(traits, position);
    store.records.get(traits.record()).set_place(hole);
    place
}

/// Which of the leaf's blocks this is.
fn block_index(leaf: &Leaf, block: u32) -> usize {
    (0..BLOCKS).find(|k| leaf.block(*k) == block).expect("a block is in the leaf that it belongs to")
}

fn copies(store: &Store, leaf: &Leaf) -> Copies {
    let mut all = Copies::with_capacity(LEAF as usize);
    each_entry(store, leaf, |entry| all.push((entry.traits(), entry.position())));
    all
}

/// The kinds of what a link leads to.
pub(crate) fn kinds_below(store: &Store, link: Link) -> Kinds {
    match link {
        Link::Nothing => Kinds::NONE,
        Link::Node(number) => store.nodes.get(number).page.kinds(),
        Link::Leaf(number) => store.leaves.get(number).page.kinds(),
    }
}

/// Shows every entry of a leaf.
pub(crate) fn each_entry(store: &Store, leaf: &Leaf, mut f: impl FnMut(Entry<'_>)) {
    let mask = leaf.mask();
    for k in 0..BLOCKS {
        let mut bits = mask >> (k as u32 * BLOCK) & 0xff;
        while bits != 0 {
            f(store.blocks.get(leaf.block(k)).entry(bits.trailing_zeros()));
            bits &= bits - 1;
        }
    }
}
