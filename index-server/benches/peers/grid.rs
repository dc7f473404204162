//! Hash grids: a map from cells to the points in them, and the place of each point in its cell.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use kerb_geometry::{Circle, LatLng};

use super::{Move, Nearest, Points};

/// Meters of a degree of latitude, a little less than there are: lower bounds stay below.
const DEGREE_M: f64 = 111_000.0;

/// How the surface is divided into cells.
pub(super) trait Cells {
    type Cell: Copy + Eq + std::hash::Hash;
    fn cell(&self, position: LatLng) -> Self::Cell;
    /// The cells around one, ring by ring.
    fn ring(&self, cell: Self::Cell, k: u32) -> Vec<Self::Cell>;
    /// Minimum distance, in meters, of a ring from a point in the middle cell.
    fn away_m(&self, k: u32) -> f64;
}

/// 250 m high and wide, about, near San Francisco.
pub(super) struct Squares;

impl Squares {
    const SIDE_M: f64 = 250.0;
    /// In degrees times 10,000,000.
    const HIGH_E7: i32 = 22_523;
    const WIDE_E7: i32 = 28_500;
}

impl Cells for Squares {
    type Cell = (i32, i32);

    fn cell(&self, position: LatLng) -> (i32, i32) {
        (position.lat_e7().div_euclid(Self::HIGH_E7), position.lon_e7().div_euclid(Self::WIDE_E7))
    }

    fn ring(&self, (row, column): (i32, i32), k: u32) -> Vec<(i32, i32)> {
        let k = k as i32;
        let rows = row - k..=row + k;
        let is_rim = |r: i32, c: i32| (r - row).abs() == k || (c - column).abs() == k;
        rows.flat_map(|r| (column - k..=column + k).map(move |c| (r, c)))
            .filter(|(r, c)| is_rim(*r, *c))
            .collect()
    }

    fn away_m(&self, k: u32) -> f64 {
        f64::from(k.saturating_sub(1)) * Self::SIDE_M * 0.98
    }
}

/// H3 cells of resolution 9, some 350 m wide.
pub(super) struct Hexagons;

impl Cells for Hexagons {
    type Cell = h3o::CellIndex;

    fn cell(&self, position: LatLng) -> h3o::CellIndex {
        let point = h3o::LatLng::new(position.lat_deg(), position.lon_deg()).unwrap();
        point.to_cell(h3o::Resolution::Nine)
    }

    fn ring(&self, cell: h3o::CellIndex, k: u32) -> Vec<h3o::CellIndex> {
        cell.grid_ring::<Vec<_>>(k)
    }

    /// Two thirds of the least distance between the middles of two neighbors, for the cells that are askew, and a cell
    /// less for where in its own the point is.
    fn away_m(&self, k: u32) -> f64 {
        (f64::from(k) - 1.2).max(0.0) * 200.0
    }
}

/// A hash grid.
pub(super) struct Grid<C: Cells> {
    name: &'static str,
    cells: C,
    map: HashMap<C::Cell, Vec<Move>, RandomState>,
    places: Vec<(C::Cell, u32)>,
}

impl<C: Cells> Grid<C> {
    pub(super) fn new(name: &'static str, first: &[LatLng], cells: C) -> Self {
        let mut map: HashMap<C::Cell, Vec<Move>, RandomState> = HashMap::default();
        let places = (0..).zip(first).map(|(driver, position)| {
            let cell = cells.cell(*position);
            let points = map.entry(cell).or_default();
            points.push((driver, *position));
            (cell, points.len() as u32 - 1)
        });
        let places = places.collect();
        Self { name, cells, map, places }
    }

    fn rings(&self, point: LatLng, radius_m: f64, mut near: impl FnMut(LatLng) -> f64) {
        let own = self.cells.cell(point);
        let mut limit_m = radius_m;
        for k in 0.. {
            if self.cells.away_m(k) > limit_m {
                return;
            }
            for cell in self.cells.ring(own, k) {
                for (_, position) in self.map.get(&cell).into_iter().flatten() {
                    limit_m = near(*position);
                }
            }
        }
    }
}

impl<C: Cells> Points for Grid<C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn update(&mut self, moves: &[Move]) {
        for (driver, position) in moves {
            let (before, at) = self.places[*driver as usize];
            let cell = self.cells.cell(*position);
            let points = self.map.get_mut(&before).unwrap();
            if cell == before {
                points[at as usize].1 = *position;
                continue;
            }
            points.swap_remove(at as usize);
            if let Some((moved, _)) = points.get(at as usize) {
                self.places[*moved as usize].1 = at;
            }
            let points = self.map.entry(cell).or_default();
            points.push((*driver, *position));
            self.places[*driver as usize] = (cell, points.len() as u32 - 1);
        }
    }

    fn nearest(&self, point: LatLng) -> Vec<f64> {
        let mut nearest = Nearest::new(point, 5_000.0);
        self.rings(point, 5_000.0, |position| {
            nearest.offer(position);
            2.0 * nearest.hav_max.sqrt().asin() * 6_371_008.8
        });
        nearest.found
    }

    fn within(&self, point: LatLng) -> Vec<f64> {
        let circle = Circle::new(point, 1_000.0).unwrap();
        let mut found = Vec::new();
        self.rings(point, 1_000.0, |position| {
            let hav = circle.origin().hav(position);
            if hav <= circle.hav_max() {
                found.push(hav);
            }
            1_000.0
        });
        found
    }
}

/// A plane around San Francisco in meters, for structures that only work in a plane. Its distances are a little off, so
/// the results are compared on the sphere, within a margin.
pub(super) fn plane(position: LatLng) -> [f64; 2] {
    [position.lon_deg() * DEGREE_M * 0.792, position.lat_deg() * DEGREE_M]
}
