//! The contours of equal distance in a grid, as closed rings: marching squares, the two-dimensional form of marching
//! cubes (Lorensen, Cline, "Marching Cubes", SIGGRAPH 1987).

use std::collections::BTreeMap;

use super::field::Field;

/// The smallest distance between a contour and a corner, as a share of a cell's side. It keeps contours from touching.
const CORNER_SHARE: f64 = 0.01;

/// A polygon in meters. All rings are closed; the outer one is counter-clockwise, the holes are clockwise.
#[derive(Debug)]
pub(super) struct ContourPolygon {
    pub(super) outer: Vec<[f64; 2]>,
    pub(super) holes: Vec<Vec<[f64; 2]>>,
}

/// A side of a cell: its left or lower corner, and whether it leads up from there.
type Side = (usize, bool);

impl ContourPolygon {
    pub(super) fn area_m2(&self) -> f64 {
        signed_area_m2(&self.outer) + self.holes.iter().map(|hole| signed_area_m2(hole)).sum::<f64>()
    }
}

/// The polygons of the area within `level_m` of a piece.
pub(super) fn polygons(field: &Field, level_m: f32) -> Vec<ContourPolygon> {
    let (outer, holes): (Vec<_>, Vec<_>) =
        rings(field, level_m).into_iter().partition(|ring| signed_area_m2(ring) > 0.0);
    let mut polygons: Vec<ContourPolygon> =
        outer.into_iter().map(|outer| ContourPolygon { outer, holes: Vec::new() }).collect();
    // Polygons may lie in holes of others. A hole belongs to the smallest ring around it, so the smallest come first.
    polygons.sort_by(|a, b| signed_area_m2(&a.outer).total_cmp(&signed_area_m2(&b.outer)));
    for hole in holes {
        let around = polygons.iter_mut().find(|polygon| contains(&polygon.outer, hole[0]));
        around.expect("an outer ring contains every hole").holes.push(hole);
    }
    polygons
}

/// All contours as rings, with the near area to their left.
fn rings(field: &Field, level_m: f32) -> Vec<Vec<[f64; 2]>> {
    // From each crossed side to the next one along the contour. The map is ordered, so the rings have a fixed order.
    let mut next = BTreeMap::<Side, Side>::new();
    for row in 0..field.rows - 1 {
        for column in 0..field.columns - 1 {
            contour_cell(field, level_m, column, row, |from, to| {
                next.insert(from, to);
            });
        }
    }
    let mut rings = Vec::new();
    while let Some((first, mut side)) = next.pop_first() {
        let start = crossing(field, level_m, first);
        let mut ring = vec![start];
        while side != first {
            ring.push(crossing(field, level_m, side));
            side = next
                .remove(&side)
                .expect("a contour that enters a cell leaves it, and the grid's border is beyond the level");
        }
        ring.push(start);
        rings.push(ring);
    }
    rings
}

/// Calls `piece` with every piece of a contour through a cell: from the side where the near corners end to the side
/// where they start, counter-clockwise around the cell. Two opposite near corners get separate contours.
fn contour_cell(field: &Field, level_m: f32, column: usize, row: usize, mut piece: impl FnMut(Side, Side)) {
    let south_west = row * field.columns + column;
    let north_west = south_west + field.columns;
    let corners = [south_west, south_west + 1, north_west + 1, north_west];
    let near = corners.map(|corner| field.meters[corner] <= level_m);
    let sides = [(south_west, false), (south_west + 1, true), (north_west, false), (south_west, true)];
    for leaving in (0..4).filter(|side| near[*side] && !near[(side + 1) % 4]) {
        let before = (1..4).map(|back| (leaving + 4 - back) % 4);
        let mut entering = before.filter(|side| !near[*side] && near[(side + 1) % 4]);
        piece(sides[leaving], sides[entering.next().expect("not all corners are near")]);
    }
}

/// The point where a contour crosses a side, by linear interpolation.
fn crossing(field: &Field, level_m: f32, (corner, is_up): Side) -> [f64; 2] {
    let other = corner + if is_up { field.columns } else { 1 };
    let [from_m, to_m] = [corner, other].map(|corner| f64::from(field.meters[corner]));
    // Both distances are finite: see `AROUND_CELLS`.
    let share = ((f64::from(level_m) - from_m) / (to_m - from_m)).clamp(CORNER_SHARE, 1.0 - CORNER_SHARE);
    let at = |corner: usize| field.corner(corner % field.columns, corner / field.columns);
    let (from, to) = (at(corner), at(other));
    [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]
}

/// The area of a ring by the shoelace formula: positive when counter-clockwise.
fn signed_area_m2(ring: &[[f64; 2]]) -> f64 {
    // Relative to the ring's first point: products of large coordinates would lose digits.
    let [x0, y0] = ring[0];
    let cross =
        |pair: &[[f64; 2]]| (pair[0][0] - x0) * (pair[1][1] - y0) - (pair[1][0] - x0) * (pair[0][1] - y0);
    ring.windows(2).map(cross).sum::<f64>() / 2.0
}

/// Whether a ring contains a point: a ray to the east crosses the ring an odd number of times.
fn contains(ring: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let crosses = |pair: &&[[f64; 2]]| {
        let [[x1, y1], [x2, y2]] = [pair[0], pair[1]];
        (y1 > y) != (y2 > y) && x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    };
    ring.windows(2).filter(crosses).count() % 2 == 1
}
