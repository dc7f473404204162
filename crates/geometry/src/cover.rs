//! The tiles that an area touches.

use crate::polygon::PlacedEdge;
use crate::tile::{ROWS, band_bounds, block_bounds, columns, tiles_of};
use crate::{Area, CellBounds, Circle, Relation, Tile};

/// A circle whose box has at most this many tiles is covered tile by tile. A circle of 5 km has up to 16.
///
/// The tile-by-tile test is the faster one up to about a hundred tiles. The bench `geometry`, `cover/circle_2km`, takes
/// 3.8 µs from the globe down and 0.47 µs tile by tile.
const SMALL_COVER_TILES_MAX: usize = 64;

/// Maximum edge tests per cover: some 500 µs. A polygon of 1,000 edges across 1,000 tiles needs about half of it.
const EDGE_TESTS_MAX: usize = 100_000;

/// Returns every tile that may contain a position of the area, in order. The area has no position in any other tile.
///
/// Returns `None` if there are more than `max_tiles`, or if it would take more than a fixed number of edge tests to find
/// them; the caller then treats all tiles as touched.
///
/// The search halves the range of rows until one row is left, then the range of its columns. It drops a range as soon as
/// the range is outside the area, and compares a range only with the edges that meet the range around it. Poles and the
/// antimeridian need no special case, because [`Area::relation`] handles them. The work is bounded, however large the area
/// is and however many edges it has.
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
    let mut cover = Cover { area, max_tiles, tiles: Vec::new(), edge_tests: 0 };
    let edges = match area {
        Area::Circle(circle) => {
            if let Some(tiles) = cover_small_circle(circle) {
                return (tiles.len() <= max_tiles).then_some(tiles);
            }
            Vec::new()
        }
        Area::Polygon(polygon) => polygon.placed_edges(),
    };
    cover.add_rows([0, ROWS], &edges)?;
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
    /// Comparisons of a box with an edge so far.
    edge_tests: usize,
}

impl Cover<'_> {
    /// Adds the tiles that the area touches in these rows; the end is exclusive. `edges` are those of a polygon that meet a
    /// box around the rows. Returns `None` if there are too many tiles, or too many edge tests.
    fn add_rows(&mut self, [start, end]: [u32; 2], edges: &[PlacedEdge]) -> Option<()> {
        let (relation, edges) = self.relation(&band_bounds([start, end]), edges)?;
        match relation {
            Relation::Outside => Some(()),
            Relation::Inside => (start..end).try_for_each(|row| self.add_run(row, [0, columns(row)])),
            Relation::Overlaps if end - start == 1 => self.add_columns(start, [0, columns(start)], &edges),
            Relation::Overlaps => {
                let middle = start.midpoint(end);
                self.add_rows([start, middle], &edges)?;
                self.add_rows([middle, end], &edges)
            }
        }
    }

    /// Adds the tiles that the area touches in these columns of a row, as [`Cover::add_rows`] does.
    fn add_columns(&mut self, row: u32, [start, end]: [u32; 2], edges: &[PlacedEdge]) -> Option<()> {
        let (relation, edges) = self.relation(&block_bounds([row, row + 1], [start, end]), edges)?;
        match relation {
            Relation::Outside => Some(()),
            Relation::Inside => self.add_run(row, [start, end]),
            Relation::Overlaps if end - start == 1 => self.add_run(row, [start, end]),
            Relation::Overlaps => {
                let middle = start.midpoint(end);
                self.add_columns(row, [start, middle], &edges)?;
                self.add_columns(row, [middle, end], &edges)
            }
        }
    }

    /// Returns how the box relates to the area, and the edges that meet the box. `None` after too many edge tests.
    fn relation(&mut self, bounds: &CellBounds, edges: &[PlacedEdge]) -> Option<(Relation, Vec<PlacedEdge>)> {
        let Area::Polygon(polygon) = self.area else {
            return Some((self.area.relation(bounds), Vec::new()));
        };
        let meeting = polygon.edges_meeting(bounds, edges);
        self.edge_tests += edges.len();
        if !meeting.is_empty() {
            return (self.edge_tests <= EDGE_TESTS_MAX).then_some((Relation::Overlaps, meeting));
        }
        // No edge enters the box, so it is all inside or all outside.
        let is_inside = polygon.contains_counting(bounds.south_west(), &mut self.edge_tests);
        let relation = if is_inside { Relation::Inside } else { Relation::Outside };
        (self.edge_tests <= EDGE_TESTS_MAX).then_some((relation, meeting))
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
