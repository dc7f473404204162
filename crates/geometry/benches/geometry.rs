//! Measures what a search and a position update spend on geometry, one number per step.
//!
//! The inputs lie around a city. Each call takes the next input, so that the compiler cannot reuse the result of the call
//! before.

use std::hint::black_box;

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use kerb_geometry::{Area, Cell, CellBounds, Circle, LatLng, Morton, Origin, Polygon, Tile, cover};

const CENTER: (f64, f64) = (52.52, 13.405);

/// Returns 1024 positions in a square around the center, spread evenly by the sequence of the golden ratio.
fn positions(side_deg: f64) -> Vec<LatLng> {
    (0..1024)
        .map(|index| {
            let (up, across) =
                ((f64::from(index) * 0.754_877_666).fract(), (f64::from(index) * 0.569_840_29).fract());
            LatLng::new(CENTER.0 + side_deg * (up - 0.5), CENTER.1 + side_deg * (across - 0.5))
                .expect("around the center")
        })
        .collect()
}

fn origin() -> Origin {
    Origin::new(LatLng::new(CENTER.0, CENTER.1).expect("the center"))
}

/// Times one call for each of the inputs in turn.
fn each<T: Copy, R>(bencher: &mut Bencher<'_>, inputs: &[T], mut call: impl FnMut(T) -> R) {
    let mut inputs = inputs.iter().cycle();
    bencher.iter(|| call(black_box(*inputs.next().expect("endless"))));
}

fn distances(criterion: &mut Criterion) {
    let origin = origin();
    let (near, far) = (positions(0.2), positions(70.0));
    let cells: Vec<Cell> = near.iter().map(|position| Cell::of(Morton::from(*position), 14)).collect();
    let bounds: Vec<CellBounds> = cells.iter().map(|cell| cell.bounds()).collect();
    criterion.bench_function("hav/near", |b| each(b, &near, |position| origin.hav(position)));
    // Like a search: no call depends on the result of the call before.
    criterion.bench_function("hav/near_1024", |b| {
        b.iter(|| black_box(&near).iter().map(|position| origin.hav(*position)).fold(1.0, f64::min));
    });
    criterion.bench_function("hav/far", |b| each(b, &far, |position| origin.hav(position)));
    criterion.bench_function("distance_m", |b| {
        each(b, &near, |position| kerb_geometry::distance_m(origin.position(), position));
    });
    criterion.bench_function("lower_bound", |b| each(b, &bounds, |bounds| origin.lower_bound(&bounds)));
    criterion.bench_function("lower_bounds_of_children", |b| {
        each(b, &cells, |cell| origin.lower_bounds_of_children(cell));
    });
    criterion.bench_function("lower_bound_1024", |b| {
        b.iter(|| black_box(&bounds).iter().map(|bounds| origin.lower_bound(bounds)).fold(1.0, f64::min));
    });
    criterion.bench_function("lower_bounds_of_children_1024", |b| {
        b.iter(|| {
            let all = black_box(&cells).iter().flat_map(|cell| origin.lower_bounds_of_children(*cell));
            all.fold(1.0, f64::min)
        });
    });
    criterion.bench_function("cell_bounds", |b| each(b, &cells, Cell::bounds));
    criterion.bench_function("origin_new", |b| each(b, &near, Origin::new));
}

fn codes(criterion: &mut Criterion) {
    let positions = positions(20.0);
    criterion.bench_function("nothing", |b| each(b, &positions, |position| position));
    criterion.bench_function("tile_of", |b| each(b, &positions, Tile::of));
    criterion.bench_function("morton_from", |b| each(b, &positions, Morton::from));
    criterion.bench_function("latlng_new", |b| {
        let degrees: Vec<(f64, f64)> = positions.iter().map(|p| (p.lat_deg(), p.lon_deg())).collect();
        each(b, &degrees, |(lat, lon)| LatLng::new(lat, lon));
    });
}

fn areas(criterion: &mut Criterion) {
    let centers = positions(2.0);
    criterion.bench_function("cover/circle_2km", |b| {
        each(b, &centers, |center| cover(&Area::from(Circle::new(center, 2_000.0).expect("a radius")), 64));
    });

    let ring = |vertices: u32| {
        (0..vertices).map(move |vertex| {
            let (up, across) = (f64::from(vertex) / f64::from(vertices) * std::f64::consts::TAU).sin_cos();
            let reach = if vertex % 2 == 0 { 0.05 } else { 0.1 };
            LatLng::new(CENTER.0 + reach * up, CENTER.1 + reach * across).expect("around the center")
        })
    };
    for vertices in [20, 1000] {
        let polygon = Polygon::new(ring(vertices).collect()).expect("the ring is a star");
        let near = positions(0.1);
        criterion.bench_function(&format!("polygon_{vertices}/contains"), |b| {
            each(b, &near, |position| polygon.contains(position));
        });
        criterion.bench_function(&format!("polygon_{vertices}/new"), |b| {
            b.iter(|| Polygon::new(ring(vertices).collect()));
        });
        let area = Area::from(polygon.clone());
        criterion.bench_function(&format!("polygon_{vertices}/cover"), |b| b.iter(|| cover(&area, 64)));
    }
}

/// Returns a ring of `count` edges, most of which run from the south-west to the north-east of it and back: the sweep has
/// all of them active at once.
fn hatching(count: i32) -> Vec<LatLng> {
    let corner = |lat_e7, lon_e7| LatLng::from_e7(lat_e7, lon_e7).expect("a position");
    let row = |i: i32| corner(i * 40_000 + (i % 2) * 30_000_000, (i % 2) * 90_000_000 + 1_000);
    let mut ring: Vec<_> = (0..count - 2).map(row).collect();
    ring.extend([corner(count * 40_000 + 30_000_000, -1_000), corner(-1_000, -1_000)]);
    ring
}

/// Compares each edge with each other one, as the validation did before the sweep: the base of the ratio.
fn all_pairs_are_apart(ring: &[LatLng]) -> bool {
    let at = |i: usize| {
        let corner = ring[i % ring.len()];
        [i128::from(corner.lon_e7()), i128::from(corner.lat_e7())]
    };
    let side = |a: [i128; 2], b: [i128; 2], c: [i128; 2]| {
        ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])).signum()
    };
    (2..ring.len()).all(|i| {
        (0..i - 1).all(|j| {
            let [a, b, c, d] = [at(i), at(i + 1), at(j), at(j + 1)];
            (i + 1) % ring.len() == j
                || side(a, b, c) * side(a, b, d) > 0
                || side(c, d, a) * side(c, d, b) > 0
        })
    })
}

fn zigzags(criterion: &mut Criterion) {
    for count in [100, 1000] {
        let ring = hatching(count);
        assert!(all_pairs_are_apart(&ring));
        criterion.bench_function(&format!("hatching_{count}/new"), |b| b.iter(|| Polygon::new(ring.clone())));
        criterion.bench_function(&format!("hatching_{count}/all_pairs"), |b| {
            b.iter(|| all_pairs_are_apart(black_box(&ring)));
        });
        let polygon = Polygon::new(ring).expect("a simple ring");
        let near = positions(6.0);
        criterion.bench_function(&format!("hatching_{count}/contains"), |b| {
            each(b, &near, |position| polygon.contains(position));
        });
        let area = Area::from(polygon);
        criterion.bench_function(&format!("hatching_{count}/cover"), |b| b.iter(|| cover(&area, 1024)));
    }
}

criterion_group!(benches, distances, codes, areas, zigzags);
criterion_main!(benches);
