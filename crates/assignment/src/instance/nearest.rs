//! A grid over a fixed set of points, for k-nearest-neighbor searches.

use super::Point;

/// The points of each square cell. Evenly spread points are about two in a cell.
pub(super) struct Grid<'a> {
    points: &'a [Point],
    side: usize,
    cell_m: f64,
    cells: Vec<Vec<u32>>,
}

impl<'a> Grid<'a> {
    /// Builds the grid of points in the square from 0 to `square_m`.
    pub(super) fn new(points: &'a [Point], square_m: f64) -> Self {
        let side = (points.len() as f64 / 2.0).sqrt().ceil().max(1.0) as usize;
        let cells = vec![Vec::new(); side * side];
        let mut grid = Self { points, side, cell_m: square_m / side as f64, cells };
        for (index, point) in (0..).zip(points) {
            let [x, y] = grid.cell(*point);
            grid.cells[y * side + x].push(index);
        }
        grid
    }

    /// Returns up to `count` points, nearest first, with their distances in meters.
    pub(super) fn nearest(&self, from: Point, count: usize) -> Vec<(u32, f64)> {
        let center = self.cell(from);
        let mut found = Vec::new();
        for ring in 0..self.side {
            self.add_ring(from, center, ring, &mut found);
            found.sort_by(|a: &(u32, f64), b| a.1.total_cmp(&b.1));
            found.truncate(count);
            // Every point of the next ring is at least this far away.
            let passed_m = ring as f64 * self.cell_m;
            if found.len() == count && found.last().is_none_or(|last| last.1 <= passed_m) {
                break;
            }
        }
        found
    }

    /// Adds all points of the cells whose distance from the center is `ring` cells.
    fn add_ring(&self, from: Point, center: [usize; 2], ring: usize, found: &mut Vec<(u32, f64)>) {
        let span = |at: usize| at.saturating_sub(ring)..=(at + ring).min(self.side - 1);
        for y in span(center[1]) {
            for x in span(center[0]) {
                if x.abs_diff(center[0]).max(y.abs_diff(center[1])) != ring {
                    continue;
                }
                found.extend(self.cells[y * self.side + x].iter().map(|&index| {
                    let [east, north] = self.points[index as usize];
                    (index, (east - from[0]).hypot(north - from[1]))
                }));
            }
        }
    }

    fn cell(&self, point: Point) -> [usize; 2] {
        point.map(|at| ((at / self.cell_m) as usize).min(self.side - 1))
    }
}
