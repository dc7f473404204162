//! A distance field: a grid with the distance from each corner to the nearest piece of a street.

/// The side length of a cell in meters, unless the grid would be too large.
pub(super) const CELL_M: f64 = 25.0;
/// The width of the margin in cells.
pub(super) const MARGIN_CELLS: f64 = 2.0;
/// The most corners of a grid: 16 MB, enough for 50 by 50 km. Larger grids double their cells until they fit.
const CORNERS_MAX: usize = 4_000_000;
/// The number of cells around a piece whose corners get a distance, and the border of the grid around all pieces.
///
/// A contour crosses a side with one corner within the margin and one outside. The outer corner is at most one cell
/// farther than the margin, so both corners of every crossed side have a distance.
const AROUND_CELLS: f64 = MARGIN_CELLS + 2.0;

/// Distances at the corners of square cells.
#[derive(Debug)]
pub(super) struct Field {
    /// The side length of a cell in meters.
    pub(super) cell_m: f64,
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// The distance of each corner in meters, row by row from the south-west; infinite where no piece is near.
    pub(super) meters: Vec<f32>,
    south_west: [f64; 2],
}

/// Both ends of a straight piece, in meters to the east and to the north.
type Piece = [[f64; 2]; 2];

impl Field {
    /// Builds the field around at least one piece.
    pub(super) fn new<I: Iterator<Item = Piece>>(pieces: impl Fn() -> I) -> Field {
        let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
        for point in pieces().flatten() {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let mut field = Field::empty(low, high);
        pieces().for_each(|piece| field.add(piece));
        field
    }

    fn empty(low: [f64; 2], high: [f64; 2]) -> Field {
        let mut cell_m = CELL_M;
        loop {
            // The cast rounds down; the 2 adds the corner that it drops and the one at the far border.
            let count = |axis: usize| ((high[axis] - low[axis]) / cell_m + 2.0 * AROUND_CELLS) as usize + 2;
            let (columns, rows) = (count(0), count(1));
            if columns.saturating_mul(rows) <= CORNERS_MAX {
                let south_west = low.map(|meters| meters - AROUND_CELLS * cell_m);
                let meters = vec![f32::INFINITY; columns * rows];
                return Field { cell_m, columns, rows, meters, south_west };
            }
            cell_m *= 2.0;
        }
    }

    /// Lowers the distances of all corners around a piece.
    fn add(&mut self, piece: Piece) {
        let corners = |axis: usize, count: usize| {
            let [a, b] = piece.map(|point| (point[axis] - self.south_west[axis]) / self.cell_m);
            let (low, high) = (a.min(b) - AROUND_CELLS, a.max(b) + AROUND_CELLS);
            low.max(0.0) as usize..=(high as usize).min(count - 1)
        };
        let (columns, rows) = (corners(0, self.columns), corners(1, self.rows));
        for row in rows {
            for column in columns.clone() {
                // An `f32` halves the memory of the grid; its error is far below a meter.
                let meters = distance_m(self.corner(column, row), piece) as f32;
                let corner = &mut self.meters[row * self.columns + column];
                *corner = corner.min(meters);
            }
        }
    }

    /// The coordinates of a corner in meters to the east and to the north.
    pub(super) fn corner(&self, column: usize, row: usize) -> [f64; 2] {
        let at = [column, row].map(|number| number as f64 * self.cell_m);
        [self.south_west[0] + at[0], self.south_west[1] + at[1]]
    }
}

/// The distance from a point to a piece in meters.
fn distance_m([x, y]: [f64; 2], [from, to]: Piece) -> f64 {
    let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    let square = dx * dx + dy * dy;
    let along = (x - from[0]) * dx + (y - from[1]) * dy;
    // A piece without length would give 0 / 0.
    let share = if square > 0.0 { (along / square).clamp(0.0, 1.0) } else { 0.0 };
    (from[0] + share * dx - x).hypot(from[1] + share * dy - y)
}
