//! Reads leaves, and counts how many: a search that would hold its thread for long is stopped by its budget.

use kerb_fleet::DriverFilter;
use kerb_spatial::LatLng;

use super::sight::traits_pass;
use super::{Effort, Stop};
use crate::store::Store;
use crate::store::page::{BLOCK, BLOCKS, Leaf, Traits};

impl Effort<'_> {
    /// One more leaf.
    #[inline]
    pub(crate) fn spend(&mut self) -> Result<(), Stop> {
        self.leaves += 1;
        if self.leaves > self.leaves_max {
            return Err(Stop::TooLong);
        }
        if self.leaves.is_multiple_of(1_024) && (self.given_up)() {
            return Err(Stop::GivenUp);
        }
        Ok(())
    }
}

/// Shows the drivers of a leaf whose traits pass.
#[inline]
pub(crate) fn read_leaf(store: &Store, leaf: &Leaf, filter: &DriverFilter, mut f: impl FnMut(Traits, LatLng)) {
    let mask = leaf.mask();
    for k in 0..BLOCKS {
        let mut bits = mask >> (k as u32 * BLOCK) & 0xff;
        if bits == 0 {
            continue;
        }
        let block = leaf.block(k);
        // Its last driver has left since the mask was read; the journal names who moved.
        if block == 0 {
            continue;
        }
        let block = store.blocks.get(block);
        while bits != 0 {
            let entry = &block.entries[bits.trailing_zeros() as usize];
            bits &= bits - 1;
            let traits = entry.traits();
            if traits != Traits::NOBODY && traits_pass(filter, traits) {
                f(traits, entry.position());
            }
        }
    }
}
