//! The lines of equal distance through a grid: marching squares (Lorensen, Cline, "Marching Cubes", SIGGRAPH 1987, in
//! two dimensions).

use std::collections::BTreeMap;

use super::field::Field;

/// A line of equal distance stays this part of a cell's side away from its corners, so that no two lines touch.
const CORNER_SHARE: f64 = 0.01;

/// A part of the area, in meters: closed rings, the outer one counter-clockwise and its holes clockwise.
#[derive(Debug)]
pub(super) struct AreaPart {
    pub(super) outer: Vec<[f64; 2]>,
    pub(super) holes: Vec<Vec<[f64; 2]>>,
}

/// A side of a cell: the corner to its left or below it, and whether it leads up from there.
type Side = (usize, bool);

impl AreaPart {
    pub(super) fn area_m2(&self) -> f64 {
        signed_area_m2(&self.outer) + self.holes.iter().map(|hole| signed_area_m2(hole)).sum::<f64>()
    }
}

/// The parts of the area that is no farther than the level.
pub(super) fn parts(field: &Field, level_m: f32) -> Vec<AreaPart> {
    let (outer, holes): (Vec<_>, Vec<_>) =
        rings(field, level_m).into_iter().partition(|ring| signed_area_m2(ring) > 0.0);
    let mut parts: Vec<AreaPart> =
        outer.into_iter().map(|outer| AreaPart { outer, holes: Vec::new() }).collect();
    // Of those that lie in each other the smallest around a hole is the one that has it.
    parts.sort_by(|a, b| signed_area_m2(&a.outer).total_cmp(&signed_area_m2(&b.outer)));
    for hole in holes {
        let around = parts.iter_mut().find(|part| contains(&part.outer, hole[0]));
        around.expect("a hole is in something").holes.push(hole);
    }
    parts
}

/// All lines, with what is near on their left.
fn rings(field: &Field, level_m: f32) -> Vec<Vec<[f64; 2]>> {
    let mut next = BTreeMap::<Side, Side>::new();
    for row in 0..field.rows - 1 {
        for column in 0..field.columns - 1 {
            cross(field, level_m, column, row, |from, to| {
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
                .expect("a line that enters a cell leaves it, and the grid's border is far");
        }
        ring.push(start);
        rings.push(ring);
    }
    rings
}

/// The pieces of lines through a cell: from the side where what is near ends to the one where it began, going round the
/// cell counter-clockwise. Where two opposite corners are near they are kept apart.
fn cross(field: &Field, level_m: f32, column: usize, row: usize, mut piece: impl FnMut(Side, Side)) {
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

/// Where a line crosses a side.
fn crossing(field: &Field, level_m: f32, (corner, is_up): Side) -> [f64; 2] {
    let other = corner + if is_up { field.columns } else { 1 };
    let [from_m, to_m] = [corner, other].map(|corner| f64::from(field.meters[corner]));
    // Both are finite: the field knows distances for farther than a cell beyond the level.
    let share = ((f64::from(level_m) - from_m) / (to_m - from_m)).clamp(CORNER_SHARE, 1.0 - CORNER_SHARE);
    let at = |corner: usize| field.corner(corner % field.columns, corner / field.columns);
    let (from, to) = (at(corner), at(other));
    [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]
}

/// Positive when counter-clockwise.
fn signed_area_m2(ring: &[[f64; 2]]) -> f64 {
    // From the ring's own first point, so that digits are not lost.
    let [x0, y0] = ring[0];
    let cross =
        |pair: &[[f64; 2]]| (pair[0][0] - x0) * (pair[1][1] - y0) - (pair[1][0] - x0) * (pair[0][1] - y0);
    ring.windows(2).map(cross).sum::<f64>() / 2.0
}

/// Whether a point is in a ring: a ray to the east crosses it an odd number of times.
fn contains(ring: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let crosses = |pair: &&[[f64; 2]]| {
        let [[x1, y1], [x2, y2]] = [pair[0], pair[1]];
        (y1 > y) != (y2 > y) && x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    };
    ring.windows(2).filter(crosses).count() % 2 == 1
}
