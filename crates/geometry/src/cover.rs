//! The tiles that an area touches.

use crate::tile::{ROWS, band_bounds, block_bounds, columns, tiles_of};
use crate::{Area, Circle, Relation, Tile};

/// A circle whose box has at most this many tiles is covered tile by tile. A circle of 5 km has up to 16.
///
/// The tile-by-tile test is the faster one up to about a hundred tiles. The bench `geometry`, `cover/circle_2km`, takes
/// 3.8 µs from the globe down and 0.47 µs tile by tile.
const SMALL_COVER_TILES_MAX: usize = 64;

/// Returns every tile that may contain a position of the area, in order; `None` if there are more than `max_tiles`, in
/// which case the caller treats all tiles as touched. The area has no position in any other tile.
///
/// The search halves the range of rows until one row is left, then the range of its columns. It drops a range as soon as
/// the range is outside the area. Poles and the antimeridian need no special case, because [`Area::relation`] handles
/// them. The work is proportional to `max_tiles`, however large the area is.
///
/// ```
/// use kerb_geometry::{Area, Circle, LatLng, Tile, cover};
///
/// let center = LatLng::new(52.52, 13.405)?;
/// let area = Area::from(Circle::new(center, 2_000.0)?);
/// assert!(cover(&area, 64).is_some_and(|tiles| tiles.contains(&Tile::of(center))));
/// assert_eq!(cover(&Area::from(Circle::new(center, 2_000_000.0)?), 64), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cover(area: &Area, max_tiles: usize) -> Option<Vec<Tile>> {
    if let Area::Circle(circle) = area
        && let Some(tiles) = cover_small_circle(circle)
    {
        return (tiles.len() <= max_tiles).then_some(tiles);
    }
    let mut cover = Cover { area, max_tiles, tiles: Vec::new() };
    cover.add_rows([0, ROWS])?;
    Some(cover.tiles)
}

/// Returns the cover of a small circle; `None` if its box is large, close to a pole or across the antimeridian.
fn cover_small_circle(circle: &Circle) -> Option<Vec<Tile>> {
    let reach = circle.reach()?;
    if tiles_of(&reach).nth(SMALL_COVER_TILES_MAX).is_some() {
        return None;
    }
    Some(tiles_of(&reach).filter(|tile| !circle.misses(&tile.bounds())).collect())
}

/// A cover that grows while the area is searched from the globe down.
struct Cover<'a> {
    area: &'a Area,
    max_tiles: usize,
    tiles: Vec<Tile>,
}

impl Cover<'_> {
    /// Adds the tiles that the area touches in these rows; the end is exclusive. Returns `None` if there are too many.
    fn add_rows(&mut self, [start, end]: [u32; 2]) -> Option<()> {
        match self.area.relation(&band_bounds([start, end])) {
            Relation::Outside => Some(()),
            Relation::Inside => (start..end).try_for_each(|row| self.add_run(row, [0, columns(row)])),
            Relation::Overlaps if end - start == 1 => self.add_columns(start, [0, columns(start)]),
            Relation::Overlaps => {
                let middle = start.midpoint(end);
                self.add_rows([start, middle])?;
                self.add_rows([middle, end])
            }
        }
    }

    /// Adds the tiles that the area touches in these columns of a row. Returns `None` if there are too many.
    fn add_columns(&mut self, row: u32, [start, end]: [u32; 2]) -> Option<()> {
        match self.area.relation(&block_bounds([row, row + 1], [start, end])) {
            Relation::Outside => Some(()),
            Relation::Inside => self.add_run(row, [start, end]),
            Relation::Overlaps if end - start == 1 => self.add_run(row, [start, end]),
            Relation::Overlaps => {
                let middle = start.midpoint(end);
                self.add_columns(row, [start, middle])?;
                self.add_columns(row, [middle, end])
            }
        }
    }

    /// Adds the tiles of these columns of a row. Returns `None` if there are too many tiles.
    fn add_run(&mut self, row: u32, [start, end]: [u32; 2]) -> Option<()> {
        let room = self.max_tiles - self.tiles.len();
        // A row has at most 4,096 columns, so the cast keeps the count.
        if (end - start) as usize > room {
            return None;
        }
        self.tiles.extend((start..end).map(|column| Tile::at(row, column)));
        Some(())
    }
}
