//! Quadtree cells: prefixes of Morton codes.

use crate::morton::{column, row};
use crate::{CellBounds, LatLng, Morton};

/// A quadtree cell: the first `2 · level` bits of a Morton code, level 0 (the globe) to 32.
///
/// A geohash of `n` characters has `5 n` bits, so for even `n` it is the cell of level `5 n / 2`. The order is
/// that of Morton codes, a parent before its children.
///
/// ```
/// use kerb_geometry::{Cell, LatLng, Morton};
///
/// let code = Morton::from(LatLng::new(52.52, 13.405)?);
/// let cell = Cell::of(code, 12);
/// assert!(cell.contains(code));
/// assert_eq!(cell.parent().map(|parent| parent.child(cell.index_in_parent())), Some(cell));
/// # Ok::<(), kerb_geometry::CoordinateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// The prefix, its missing bits zero.
    code: u64,
    level: u8,
}

impl Cell {
    /// The deepest level: one square of the Morton grid.
    pub const MAX_LEVEL: u8 = 32;

    /// The whole globe, level 0.
    pub const ROOT: Cell = Cell { code: 0, level: 0 };

    /// Returns the cell of this level, at most 32, that contains the code.
    #[inline]
    pub fn of(code: Morton, level: u8) -> Cell {
        debug_assert!(level <= Cell::MAX_LEVEL, "level {level} is beyond 32");
        Cell { code: code.0 & !suffix(level), level }
    }

    /// Returns whether both positions are in the same cell of this level, at most 32. The result equals a comparison of
    /// the two cells, but no bits are interleaved.
    ///
    /// ```
    /// use kerb_geometry::{Cell, LatLng};
    ///
    /// let (a, b) = (LatLng::new(52.52, 13.405)?, LatLng::new(52.52, 13.406)?);
    /// assert!(Cell::share(a, b, 12) && !Cell::share(a, b, 30));
    /// # Ok::<(), kerb_geometry::CoordinateError>(())
    /// ```
    #[inline]
    pub fn share(a: LatLng, b: LatLng, level: u8) -> bool {
        debug_assert!(level <= Cell::MAX_LEVEL, "level {level} is beyond 32");
        let differing = (column(a) ^ column(b)) | (row(a) ^ row(b));
        // A shift by all 32 bits, at level 0, would be an overflow.
        differing.checked_shr(u32::from(Cell::MAX_LEVEL - level)).unwrap_or(0) == 0
    }

    /// Returns the smallest cell that contains both codes.
    #[inline]
    pub fn common_ancestor(a: Morton, b: Morton) -> Cell {
        // Equal leading bits come in whole pairs only if both bits of the pair are equal, hence the rounding down.
        // At most 64 leading zeros, so the level fits a `u8`.
        Cell::of(a, ((a.0 ^ b.0).leading_zeros() / 2) as u8)
    }

    /// Returns the level: 0 for the globe. Each level quarters the cells of the level above.
    #[inline]
    pub fn level(self) -> u8 {
        self.level
    }

    /// Returns the lowest code in the cell.
    #[inline]
    pub fn first(self) -> Morton {
        Morton(self.code)
    }

    /// Returns the highest code in the cell.
    #[inline]
    pub fn last(self) -> Morton {
        Morton(self.code | suffix(self.level))
    }

    /// Returns whether the code starts with the prefix of this cell.
    #[inline]
    pub fn contains(self, code: Morton) -> bool {
        (code.0 ^ self.code) & !suffix(self.level) == 0
    }

    /// Returns the cell one level up; `None` for the globe.
    #[inline]
    pub fn parent(self) -> Option<Cell> {
        let level = self.level.checked_sub(1)?;
        Some(Cell::of(self.first(), level))
    }

    /// Returns the child with this index: 0 south-west, 1 north-west, 2 south-east, 3 north-east.
    /// The cell's level is below 32.
    #[inline]
    #[must_use]
    pub fn child(self, index: usize) -> Cell {
        debug_assert!(index < 4, "{index} is no index of a child");
        debug_assert!(self.level < Cell::MAX_LEVEL, "a cell of level 32 has no children");
        let level = self.level + 1;
        // `index` is at most 3, so the cast keeps it.
        Cell { code: self.code | (index as u64) << (64 - 2 * u32::from(level)), level }
    }

    /// Returns the index of the child that contains a code of this cell. The cell's level is below 32.
    #[inline]
    pub fn child_index(self, code: Morton) -> usize {
        debug_assert!(self.contains(code), "the code is not in the cell");
        debug_assert!(self.level < Cell::MAX_LEVEL, "a cell of level 32 has no children");
        // The cast may drop high bits on a 32-bit machine; only the two lowest bits are used.
        (code.0 >> (62 - 2 * u32::from(self.level))) as usize & 3
    }

    /// Returns the index of this cell among the children of its parent; 0 for the globe.
    #[inline]
    pub fn index_in_parent(self) -> usize {
        self.parent().map_or(0, |parent| parent.child_index(self.first()))
    }

    /// Returns a box that contains every position whose code is in the cell.
    #[inline]
    pub fn bounds(self) -> CellBounds {
        let (columns, rows) = self.grid();
        CellBounds::of_grid(columns, rows)
    }

    /// Returns the ranges of columns and rows on the Morton grid; the ends are exclusive.
    #[inline]
    pub(crate) fn grid(self) -> ([u64; 2], [u64; 2]) {
        let (x, y) = self.first().grid();
        let side = 1 << (32 - self.level);
        let range = |start: u32| [u64::from(start), u64::from(start) + side];
        (range(x), range(y))
    }
}

/// The bits of a code below a level's prefix.
#[inline]
fn suffix(level: u8) -> u64 {
    // A shift by all 64 bits, at level 32, would be an overflow.
    u64::MAX.checked_shr(2 * u32::from(level)).unwrap_or(0)
}
