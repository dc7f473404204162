//! Tiles: the grid by which space is sharded.

use crate::morton::{column, row};
use crate::{CellBounds, LatLng};

/// The quadtree level of the rows, and of the columns where none are merged.
const LEVEL: u32 = 12;
/// Rows from pole to pole, and columns around the equator.
pub(crate) const ROWS: u32 = 1 << LEVEL;
/// Bits of a Morton row or column below the bits of a tile.
const SUB_BITS: u32 = 32 - LEVEL;

/// A tile of the sharding grid.
///
/// A row is one row of quadtree cells of level 12: 180 / 4096 degrees, 4.9 km. Its columns, 9.8 km wide at the
/// equator, are merged in pairs, fours, eights and so on toward the poles, so that a tile is everywhere between 4.9 and
/// 9.8 km wide. The rows at the poles have four tiles each. A tile is therefore a run of up to 1024 cells of level 12.
///
/// The order is by row from the south, then by column from the west.
///
/// ```
/// use kerb_geometry::{LatLng, Tile};
///
/// let here = LatLng::new(52.52, 13.405)?;
/// let tile = Tile::of(here);
/// assert!(tile.bounds().contains(here));
/// assert_eq!(Tile::from_u32(tile.as_u32()), Some(tile));
/// # Ok::<(), kerb_geometry::CoordinateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile(u32);

impl Tile {
    /// Returns the tile that contains the position.
    #[inline]
    pub fn of(position: LatLng) -> Tile {
        let row = row(position) >> SUB_BITS;
        Tile::at(row, column(position) >> SUB_BITS >> merge_shift(row))
    }

    /// Returns a number for the wire and for hashing: the row is in the upper bits, the column in the lower 12.
    #[inline]
    pub fn as_u32(self) -> u32 {
        self.0
    }

    /// Returns the tile with this number; `None` if there is no such tile.
    pub fn from_u32(number: u32) -> Option<Tile> {
        let (row, column) = (number >> LEVEL, number & (ROWS - 1));
        (row < ROWS && column < columns(row)).then_some(Tile(number))
    }

    /// Returns a box that contains every position of the tile.
    pub fn bounds(self) -> CellBounds {
        let (row, column) = (self.0 >> LEVEL, self.0 & (ROWS - 1));
        block_bounds([row, row + 1], [column, column + 1])
    }

    #[inline]
    pub(crate) fn at(row: u32, column: u32) -> Tile {
        debug_assert!(row < ROWS && column < columns(row), "no tile at row {row}, column {column}");
        Tile(row << LEVEL | column)
    }
}

/// Returns the number of tiles in a row: a power of two.
pub(crate) fn columns(row: u32) -> u32 {
    ROWS >> merge_shift(row)
}

/// Returns the box of whole rows.
pub(crate) fn band_bounds([row_min, row_end]: [u32; 2]) -> CellBounds {
    CellBounds::of_grid([0, 1 << 32], [row_min, row_end].map(|row| u64::from(row) << SUB_BITS))
}

/// Returns the box of some tiles of one row. `row_end` is `row + 1`; the end of the columns is exclusive.
pub(crate) fn block_bounds([row, row_end]: [u32; 2], column_range: [u32; 2]) -> CellBounds {
    let shift = SUB_BITS + u32::from(merge_shift(row));
    CellBounds::of_grid(
        column_range.map(|column| u64::from(column) << shift),
        [row, row_end].map(|row| u64::from(row) << SUB_BITS),
    )
}

/// Returns every tile that touches the box, in order. The north-eastern corner must be a valid position.
pub(crate) fn tiles_of(bounds: &CellBounds) -> impl Iterator<Item = Tile> {
    let corner = |lat_e7, lon_e7| LatLng::from_e7(lat_e7, lon_e7).expect("a corner of a box is a position");
    let (low, high) =
        (corner(bounds.south_e7(), bounds.west_e7()), corner(bounds.north_e7(), bounds.east_e7()));
    let [west, east] = [low, high].map(|corner| column(corner) >> SUB_BITS);
    (row(low) >> SUB_BITS..=row(high) >> SUB_BITS).flat_map(move |row| {
        let shift = merge_shift(row);
        (west >> shift..=east >> shift).map(move |column| Tile::at(row, column))
    })
}

/// Returns the base-2 logarithm of the number of level-12 columns that each tile of a row merges.
#[inline]
fn merge_shift(row: u32) -> u8 {
    MERGE_SHIFTS[row as usize]
}

/// Counted from the equator, the first rows in which columns are merged by 2, 4, 8 … 1024: those whose edge toward
/// the equator lies at a latitude with a cosine of at most 1/2, 1/4, 1/8 … 1/1024. (60 degrees is row 1365.3.)
/// A unit test derives them.
const FIRST_MERGED_ROWS: [u32; 10] = [1366, 1719, 1885, 1967, 2008, 2028, 2038, 2043, 2046, 2047];

/// [`merge_shift`] of every row: one look-up instead of a search in [`FIRST_MERGED_ROWS`].
static MERGE_SHIFTS: [u8; ROWS as usize] = merge_shifts();

const fn merge_shifts() -> [u8; ROWS as usize] {
    let mut shifts = [0; ROWS as usize];
    let mut from_equator = 0;
    let mut shift = 0;
    while from_equator < ROWS / 2 {
        while shift < FIRST_MERGED_ROWS.len() && FIRST_MERGED_ROWS[shift] <= from_equator {
            shift += 1;
        }
        // `shift` is at most 10, the length of `FIRST_MERGED_ROWS`, so the cast to `u8` keeps it. A row number fits a `usize`.
        shifts[(ROWS / 2 + from_equator) as usize] = shift as u8;
        shifts[(ROWS / 2 - 1 - from_equator) as usize] = shift as u8;
        from_equator += 1;
    }
    shifts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_merged_while_no_tile_gets_wider_than_one_at_the_equator() {
        for row in 0..ROWS {
            let from_equator = if row >= ROWS / 2 { row - ROWS / 2 } else { ROWS / 2 - 1 - row };
            let cos = (f64::from(from_equator) * 180.0 / f64::from(ROWS)).to_radians().cos();
            let width = cos * f64::from(1 << merge_shift(row));
            assert!(width <= 1.0 + 1e-12, "row {row} has tiles of {width} times the equator's");
            assert!(width > 0.5, "row {row} could merge its tiles of {width} times the equator's");
        }
    }

    #[test]
    fn the_polar_rows_have_four_tiles() {
        assert_eq!((columns(0), columns(ROWS - 1)), (4, 4));
        assert_eq!(columns(ROWS / 2), ROWS);
    }
}
