//! Polygons: validation with the wrong vertex or edge, and membership compared with `geo` and with the definition.

use geo::{Contains, Coord, LineString};
use kerb_geometry::{
    CellBounds, LatLng, MAX_POLYGON_VERTICES, Polygon, PolygonError, Relation, RingIndex, RingVertex,
};
use proptest::prelude::*;

use crate::points::{any_scale, config, deg, e7, position, step};

fn ring(vertices: &[(f64, f64)]) -> Vec<LatLng> {
    vertices.iter().map(|&(lat, lon)| deg(lat, lon)).collect()
}

fn polygon(vertices: &[(f64, f64)]) -> Polygon {
    Polygon::new(ring(vertices)).expect("a simple ring")
}

fn rejection(vertices: &[(f64, f64)]) -> PolygonError {
    Polygon::new(ring(vertices)).expect_err("not a simple ring")
}

fn at(index: usize, lat_deg: f64, lon_deg: f64) -> RingVertex {
    RingVertex { ring: RingIndex::OUTER, index, at: deg(lat_deg, lon_deg).into() }
}

/// Generates a star-shaped polygon of any size. Its vertices are sorted by direction from the center, so its edges never
/// cross.
pub(crate) fn star() -> impl Strategy<Value = Polygon> {
    let spokes = proptest::collection::vec((0.2..=1.0_f64, 0.1..=1.0_f64), 4..40);
    (position(), any_scale(28), any_scale(29), spokes, any::<bool>()).prop_filter_map(
        "too small or too near a pole",
        |(center, lat, lon, spokes, backward)| {
            let turn: f64 = spokes.iter().map(|(share, _)| share).sum();
            let mut angle = 0.0_f64;
            let mut vertices: Vec<LatLng> = spokes
                .iter()
                .map(|(share, reach)| {
                    angle += share / turn * std::f64::consts::TAU;
                    let (up, across) = angle.sin_cos();
                    step(center, (up * reach * lat as f64) as i64, (across * reach * lon as f64) as i64)
                })
                .collect();
            if backward {
                vertices.reverse();
            }
            Polygon::new(vertices).ok()
        },
    )
}

/// Returns the ring with unwrapped longitudes: they continue beyond 180 degrees instead of jumping.
fn unwrapped(polygon: &Polygon) -> Vec<(i64, i64)> {
    let first = polygon.vertices()[0];
    let mut at = i64::from(first.lon_e7());
    let mut last = at;
    polygon
        .vertices()
        .iter()
        .map(|vertex| {
            let lon = i64::from(vertex.lon_e7());
            at += (lon - last + 1_800_000_000).rem_euclid(3_600_000_000) - 1_800_000_000;
            last = lon;
            (at, i64::from(vertex.lat_e7()))
        })
        .collect()
}

/// Converts the ring for `geo`, in lattice steps, which doubles hold exactly.
fn for_geo(polygon: &Polygon) -> geo::Polygon<f64> {
    let ring: Vec<Coord<f64>> =
        unwrapped(polygon).into_iter().map(|(lon, lat)| Coord { x: lon as f64, y: lat as f64 }).collect();
    geo::Polygon::new(LineString::from(ring), Vec::new())
}

fn geo_contains(polygon: &geo::Polygon<f64>, position: LatLng) -> bool {
    [-1.0, 0.0, 1.0].into_iter().any(|turn| {
        let x = f64::from(position.lon_e7()) + turn * 3.6e9;
        polygon.contains(&Coord { x, y: f64::from(position.lat_e7()) })
    })
}

/// Returns whether the position is on an edge, by the definition: collinear with its ends and between them.
fn on_boundary(polygon: &Polygon, position: LatLng) -> bool {
    let ring = unwrapped(polygon);
    let edges = ring.iter().zip(ring.iter().cycle().skip(1));
    edges.into_iter().any(|(a, b)| {
        [-1_i64, 0, 1].into_iter().any(|turn| {
            let p = (i64::from(position.lon_e7()) + turn * 3_600_000_000, i64::from(position.lat_e7()));
            let cross =
                i128::from(b.0 - a.0) * i128::from(p.1 - a.1) - i128::from(b.1 - a.1) * i128::from(p.0 - a.0);
            cross == 0
                && (a.0.min(b.0)..=a.0.max(b.0)).contains(&p.0)
                && (a.1.min(b.1)..=a.1.max(b.1)).contains(&p.1)
        })
    })
}

#[test]
fn a_square_may_be_clockwise_counterclockwise_or_closed() {
    let square = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)];
    let backward: Vec<_> = square.iter().rev().copied().collect();
    let closed: Vec<_> = square.iter().chain(&square[..1]).copied().collect();
    for vertices in [&square[..], &backward, &closed] {
        let polygon = polygon(vertices);
        assert_eq!(polygon.vertices().len(), 4);
        assert!(polygon.contains(deg(0.5, 0.5)));
        assert!(!polygon.contains(deg(1.5, 0.5)) && !polygon.contains(deg(0.5, -179.5)));
    }
}

#[test]
fn the_boundary_is_inside_to_the_last_lattice_step() {
    // An edge passes through a lattice point at every third step only, so points next to the edge are tested, too.
    let triangle = Polygon::new(vec![e7(0, 0), e7(300, 900), e7(-5, 900)]).expect("a triangle");
    assert!(
        triangle.contains(e7(100, 300)) && triangle.contains(e7(0, 0)) && triangle.contains(e7(300, 900))
    );
    assert!(
        !triangle.contains(e7(101, 300))
            && triangle.contains(e7(100, 301))
            && !triangle.contains(e7(100, 299))
    );
    let square = Polygon::new(vec![e7(0, 0), e7(0, 2), e7(2, 2), e7(2, 0)]).expect("a square");
    let held = (-2..5).flat_map(|lat| (-2..5).map(move |lon| e7(lat, lon))).filter(|p| square.contains(*p));
    assert_eq!(held.count(), 9);
}

#[test]
fn a_polygon_may_cross_the_antimeridian() {
    let east_first = polygon(&[(10.0, 170.0), (10.0, -170.0), (-10.0, -170.0), (-10.0, 170.0)]);
    let west_first = polygon(&[(10.0, -170.0), (-10.0, -170.0), (-10.0, 170.0), (10.0, 170.0)]);
    for polygon in [east_first, west_first] {
        for lon in [170.0, 179.999, 180.0, -180.0, -175.0, -170.0] {
            assert!(polygon.contains(deg(0.0, lon)), "{lon}");
        }
        assert!(!polygon.contains(deg(0.0, 0.0)) && !polygon.contains(deg(0.0, 169.9)));
        let bounds = CellBounds::from_corners(deg(-1.0, -179.0), deg(1.0, -175.0));
        assert_eq!(polygon.relation(&bounds), Relation::Inside);
        let bounds = CellBounds::from_corners(deg(-1.0, -165.0), deg(1.0, 165.0));
        assert_eq!(polygon.relation(&bounds), Relation::Outside);
    }
}

#[test]
fn a_polygon_may_be_the_whole_globe_or_a_polar_cap() {
    let globe = polygon(&[
        (-90.0, -180.0),
        (-90.0, -60.0),
        (-90.0, 60.0),
        (-90.0, 180.0),
        (90.0, 180.0),
        (90.0, 60.0),
        (90.0, -60.0),
        (90.0, -180.0),
    ]);
    let cap = polygon(&[
        (80.0, -180.0),
        (80.0, -60.0),
        (80.0, 60.0),
        (80.0, 180.0),
        (90.0, 180.0),
        (90.0, 60.0),
        (90.0, -60.0),
        (90.0, -180.0),
    ]);
    for lon in [-180.0, -179.999_999_9, -90.0, 0.0, 179.999_999_9] {
        assert!(globe.contains(deg(0.0, lon)) && globe.contains(deg(90.0, lon)));
        assert!(
            cap.contains(deg(90.0, lon)) && cap.contains(deg(85.0, lon)) && !cap.contains(deg(79.9, lon))
        );
    }
}

#[test]
fn too_few_and_too_many_vertices_are_rejected() {
    assert_eq!(
        Polygon::new(Vec::new()),
        Err(PolygonError::TooFewVertices { ring: RingIndex::OUTER, count: 0 })
    );
    assert_eq!(rejection(&[(0.0, 0.0)]), PolygonError::TooFewVertices { ring: RingIndex::OUTER, count: 1 });
    assert_eq!(
        rejection(&[(0.0, 0.0), (1.0, 1.0), (0.0, 0.0)]),
        PolygonError::TooFewVertices { ring: RingIndex::OUTER, count: 2 }
    );

    // The ring goes up in a zigzag and back in a straight line.
    let vertices = |count: i32| {
        let mut zigzag: Vec<_> = (0..count - 1).map(|row| e7(row, 1000 + row % 2)).collect();
        zigzag.push(e7(0, 0));
        zigzag
    };
    assert!(Polygon::new(vertices(MAX_POLYGON_VERTICES as i32)).is_ok());
    let count = MAX_POLYGON_VERTICES + 1;
    assert_eq!(Polygon::new(vertices(count as i32)), Err(PolygonError::TooManyVertices { count }));
}

#[test]
fn repeated_vertices_are_rejected_with_their_position() {
    let error = rejection(&[(0.0, 0.0), (0.0, 2.0), (1.0, 1.0), (2.0, 2.0), (2.0, 0.0), (1.0, 1.0)]);
    assert_eq!(error, PolygonError::RepeatedVertex { first: at(2, 1.0, 1.0), second: at(5, 1.0, 1.0) });
    assert_eq!(
        error.to_string(),
        "polygon: vertices 2 and 5 are both 1.0000000,1.0000000, each must be different"
    );
}

#[test]
fn a_line_is_rejected() {
    let error = rejection(&[(0.0, 0.0), (1.0, 1.0), (3.0, 3.0), (2.0, 2.0)]);
    assert_eq!(error, PolygonError::ZeroArea { from: at(0, 0.0, 0.0), to: at(1, 1.0, 1.0) });
}

#[test]
fn edges_that_cross_touch_or_fold_back_are_rejected() {
    let bow = [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)];
    let touch = [(0.0, 0.0), (0.0, 4.0), (2.0, 4.0), (0.0, 2.0), (2.0, 0.0)];
    let spike = [(0.0, 0.0), (0.0, 4.0), (0.0, 2.0), (2.0, 2.0)];
    let last_spike = [(0.0, 2.0), (2.0, 2.0), (0.0, 0.0), (0.0, 4.0)];
    for (vertices, edges) in
        [(&bow[..], (0, 2)), (&touch[..], (0, 3)), (&spike[..], (0, 1)), (&last_spike[..], (2, 3))]
    {
        let error = rejection(vertices);
        let PolygonError::EdgesMeet { first, second } = error else {
            panic!("{error}");
        };
        assert_eq!((first.index, second.index), edges, "{error}");
        assert_eq!(
            (first.at, second.at),
            (ring(vertices)[first.index].into(), ring(vertices)[second.index].into())
        );
    }
    // Two edges in one line are allowed.
    assert!(polygon(&[(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 1.0)]).contains(deg(0.5, 1.0)));
}

#[test]
fn a_ring_around_a_pole_or_wider_than_one_turn_is_rejected() {
    assert_eq!(
        rejection(&[(80.0, 0.0), (80.0, 120.0), (80.0, -120.0)]),
        PolygonError::GoesRoundPole { ring: RingIndex::OUTER }
    );
    // A spiral of one turn and a third, and back next to itself.
    let spiral = [
        (0.0, 0.0),
        (2.0, 120.0),
        (4.0, -120.0),
        (6.0, 0.0),
        (8.0, 120.0),
        (9.0, 120.0),
        (7.0, 0.0),
        (5.0, -120.0),
        (3.0, 120.0),
        (1.0, 0.0),
    ];
    assert_eq!(rejection(&spiral), PolygonError::TooWide { ring: RingIndex::OUTER, width_deg: 480.0 });
}

proptest! {
    #![proptest_config(config(5_000))]

    #[test]
    fn membership_agrees_with_geo(polygon in star(), ways in proptest::collection::vec((any_scale(28), any_scale(29)), 20)) {
        let geo = for_geo(&polygon);
        let center = LatLng::from(polygon.vertices()[0]);
        for (lat, lon) in ways {
            let position = step(center, lat, lon);
            if on_boundary(&polygon, position) {
                prop_assert!(polygon.contains(position), "{position} is on the boundary");
            } else {
                prop_assert_eq!(polygon.contains(position), geo_contains(&geo, position), "{}", position);
            }
        }
    }

    #[test]
    fn a_polygon_contains_its_vertices(polygon in star()) {
        for vertex in polygon.vertices() {
            prop_assert!(polygon.contains((*vertex).into()));
        }
    }

    /// Small coordinates make touching and crossing edges common.
    #[test]
    fn exactly_the_simple_rings_are_accepted(corners in proptest::collection::vec((0..6_i32, 0..6_i32), 3..8)) {
        let vertices: Vec<LatLng> = corners.iter().map(|&(lat, lon)| e7(lat, lon)).collect();
        prop_assume!(vertices.first() != vertices.last());
        let accepted = Polygon::new(vertices.clone()).is_ok();
        prop_assert_eq!(accepted, simple_by_definition(&corners), "{:?}", vertices);
    }

    /// A small lattice allows to test every position.
    #[test]
    fn a_small_polygon_contains_exactly_its_positions(corners in proptest::collection::vec((0..6_i32, 0..6_i32), 3..8)) {
        let vertices: Vec<LatLng> = corners.iter().map(|&(lat, lon)| e7(lat, lon)).collect();
        let Ok(polygon) = Polygon::new(vertices) else { return Ok(()) };
        let geo = for_geo(&polygon);
        for (lat, lon) in (-1..7).flat_map(|lat| (-1..7).map(move |lon| (lat, lon))) {
            let position = e7(lat, lon);
            let expected = on_boundary(&polygon, position) || geo_contains(&geo, position);
            prop_assert_eq!(polygon.contains(position), expected, "{}", position);
            let point = CellBounds::from_corners(position, position);
            match polygon.relation(&point) {
                Relation::Outside => prop_assert!(!expected),
                Relation::Inside => prop_assert!(expected),
                Relation::Overlaps => prop_assert!(on_boundary(&polygon, position)),
            }
        }
    }
}

/// Returns whether a small ring is simple, by the definition: no two edges share a point, except neighbors their vertex.
/// `geo` compares the edges; its results are exact for small whole numbers.
pub(crate) fn simple_by_definition(corners: &[(i32, i32)]) -> bool {
    use geo::line_intersection::{LineIntersection, line_intersection};
    let lines: Vec<geo::Line<f64>> = corners
        .iter()
        .zip(corners.iter().cycle().skip(1))
        .map(|(a, b)| geo::Line::new((f64::from(a.1), f64::from(a.0)), (f64::from(b.1), f64::from(b.0))))
        .collect();
    let count = lines.len();
    let meets_wrongly = |a: usize, b: usize| match line_intersection(lines[a], lines[b]) {
        None => false,
        Some(LineIntersection::Collinear { intersection }) => {
            intersection.start != intersection.end || !are_neighbors(a, b, count)
        }
        Some(LineIntersection::SinglePoint { .. }) => !are_neighbors(a, b, count),
    };
    let repeated = corners.iter().enumerate().any(|(index, corner)| corners[..index].contains(corner));
    !repeated && (0..count).all(|a| (0..a).all(|b| !meets_wrongly(a, b)))
}

fn are_neighbors(a: usize, b: usize, count: usize) -> bool {
    (a + 1) % count == b || (b + 1) % count == a
}
