//! Polygons with holes, compared with the definition and with `geo`, and edges of half a turn.

use geo::{Contains, Coord, LineString};
use kerb_geometry::{Area, CellBounds, LatLng, Polygon, PolygonError, Relation, Tile, Vertex, cover};
use proptest::prelude::*;

use crate::points::{config, deg, e7, inside, position};
use crate::polygon::simple_by_definition;

type Corners = Vec<(i32, i32)>;

fn vertices(corners: &[(f64, f64)]) -> Vec<Vertex> {
    corners.iter().map(|&(lat, lon)| Vertex::new(lat, lon).expect("the test's own numbers")).collect()
}

fn with_holes(outer: &[(f64, f64)], holes: &[&[(f64, f64)]]) -> Result<Polygon, PolygonError> {
    Polygon::with_holes(vertices(outer), holes.iter().map(|hole| vertices(hole)).collect())
}

fn square(low: f64, high: f64) -> [(f64, f64); 4] {
    [(low, low), (low, high), (high, high), (high, low)]
}

#[test]
fn a_hole_is_outside_and_its_boundary_is_inside() {
    let polygon = with_holes(&square(0.0, 9.0), &[&square(1.0, 2.0), &square(3.0, 5.0)]).expect("a polygon");
    for (lat, lon, expected) in
        [(0.5, 0.5, true), (1.5, 1.5, false), (1.0, 1.5, true), (2.5, 2.5, true), (4.0, 4.0, false)]
    {
        assert_eq!(polygon.contains(deg(lat, lon)), expected, "{lat}, {lon}");
    }
    let relation =
        |low: f64, high: f64| polygon.relation(&CellBounds::from_corners(deg(low, low), deg(high, high)));
    assert_eq!(relation(3.5, 4.5), Relation::Outside);
    assert_eq!(relation(2.2, 2.8), Relation::Inside);
    assert_eq!(relation(2.5, 5.5), Relation::Overlaps, "the hole is within the box");
}

#[test]
fn a_hole_may_be_across_the_antimeridian() {
    let outer = [(-20.0, 170.0), (-20.0, -170.0), (-10.0, -170.0), (-10.0, 170.0)];
    for hole in [
        [(-16.0, 178.0), (-16.0, -178.0), (-14.0, -178.0), (-14.0, 178.0)],
        [(-14.0, -178.0), (-14.0, 178.0), (-16.0, 178.0), (-16.0, -178.0)],
    ] {
        let polygon =
            with_holes(&outer, &[&hole, &[(-12.0, -175.0), (-12.0, -174.0), (-11.0, -174.0)]]).expect("it");
        assert!(polygon.contains(deg(-15.0, 177.0)) && polygon.contains(deg(-15.0, -177.0)));
        assert!(!polygon.contains(deg(-15.0, 179.0)) && !polygon.contains(deg(-15.0, -180.0)));
        assert!(!polygon.contains(deg(-11.9, -174.2)));
    }
}

#[test]
fn a_wrong_hole_is_rejected_with_its_vertex() {
    let nested = with_holes(&square(0.0, 9.0), &[&square(1.0, 8.0), &square(2.0, 3.0)]).expect_err("nested");
    assert_eq!(
        nested.to_string(),
        "polygon: vertex 0 of hole 1 at 2.0000000,2.0000000 is inside hole 0, holes may not be nested"
    );
    let outside = with_holes(&square(0.0, 9.0), &[&square(10.0, 11.0)]).expect_err("outside");
    assert_eq!(outside.ring().hole(), Some(0));
    assert!(matches!(outside, PolygonError::HoleOutside { .. }));
    let around = with_holes(&square(1.0, 9.0), &[&square(0.0, 10.0)]).expect_err("around the polygon");
    assert!(matches!(around, PolygonError::HoleOutside { .. }));
    let crossing = with_holes(&square(0.0, 9.0), &[&square(8.0, 10.0)]).expect_err("across the outer ring");
    assert!(matches!(crossing, PolygonError::EdgesMeet { .. }), "{crossing}");
    let closed = with_holes(&square(0.0, 9.0), &[&[(1.0, 1.0), (1.0, 2.0), (1.0, 1.0)]]).expect_err("a line");
    assert_eq!(
        closed.to_string(),
        "polygon: 2 vertices of hole 0 are too few, at least 3 different ones are needed"
    );
}

#[test]
fn an_edge_of_half_a_turn_runs_as_it_is_written() {
    // A polygon, and whether it has the positions at 1 degree north and 90 degrees east and west.
    for (corners, east, west) in [
        ([(0.0, 0.0), (0.0, 180.0), (10.0, 180.0), (10.0, 0.0)], true, false),
        ([(0.0, 180.0), (10.0, 180.0), (10.0, 0.0), (0.0, 0.0)], true, false),
        ([(10.0, 0.0), (10.0, 180.0), (0.0, 180.0), (0.0, 0.0)], true, false),
        ([(0.0, 0.0), (0.0, -180.0), (10.0, -180.0), (10.0, 0.0)], false, true),
        ([(0.0, -180.0), (10.0, -180.0), (10.0, 0.0), (0.0, 0.0)], false, true),
    ] {
        let polygon = with_holes(&corners, &[]).expect("half a band");
        assert_eq!(polygon.contains(deg(1.0, 90.0)), east, "{corners:?}");
        assert_eq!(polygon.contains(deg(1.0, -90.0)), west, "{corners:?}");
        assert!(polygon.contains(deg(5.0, 180.0)) && polygon.contains(deg(5.0, 0.0)), "its own edges");
    }
}

#[test]
fn an_error_names_the_vertex_as_it_was_written() {
    let band =
        with_holes(&[(0.0, -180.0), (0.0, 180.0), (10.0, 180.0), (10.0, -180.0)], &[]).expect_err("no area");
    let text = band.to_string();
    assert!(
        text.starts_with("polygon: vertex 0 at 0.0000000,-180.0000000 and vertex 1 at 0.0000000,180.0000000"),
        "{text}"
    );
    let bow =
        with_holes(&[(0.0, 180.0), (1.0, 179.0), (1.0, 180.0), (0.0, 179.0)], &[]).expect_err("it crosses");
    assert!(
        bow.to_string().contains("edge 0 from 0.0000000,180.0000000 and edge 2 from 1.0000000,180.0000000"),
        "{bow}"
    );
    let line = with_holes(&[(0.0, 180.0), (1.0, 180.0), (2.0, 180.0)], &[]).expect_err("a line");
    assert!(line.to_string().contains("from vertex 0 at 0.0000000,180.0000000"), "{line}");
}

fn ring() -> impl Strategy<Value = Corners> {
    proptest::collection::vec((0..8_i32, 0..8_i32), 3..6)
}

/// Generates an outer ring around most of a small lattice, or anything.
fn outer() -> impl Strategy<Value = Corners> {
    let around = (-2..1_i32, -2..1_i32, 7..10_i32, 7..10_i32).prop_map(|(south, west, north, east)| {
        vec![(south, west), (south - 1, east), (north, east), (north + 1, west)]
    });
    prop_oneof![3 => around, 1 => ring()]
}

fn geo_ring(corners: &[(i32, i32)]) -> LineString<f64> {
    corners.iter().map(|&(lat, lon)| Coord { x: f64::from(lon), y: f64::from(lat) }).collect()
}

fn contains(corners: &[(i32, i32)], (lat, lon): (i32, i32)) -> bool {
    geo::Polygon::new(geo_ring(corners), Vec::new()).contains(&Coord { x: f64::from(lon), y: f64::from(lat) })
}

fn is_on(corners: &[(i32, i32)], at: (i32, i32)) -> bool {
    corners.iter().zip(corners.iter().cycle().skip(1)).any(|(a, b)| {
        (b.1 - a.1) * (at.0 - a.0) == (b.0 - a.0) * (at.1 - a.1)
            && (a.0.min(b.0)..=a.0.max(b.0)).contains(&at.0)
            && (a.1.min(b.1)..=a.1.max(b.1)).contains(&at.1)
    })
}

/// Returns whether two simple rings have a point in common, by the definition.
fn meet(a: &[(i32, i32)], b: &[(i32, i32)]) -> bool {
    use geo::line_intersection::line_intersection;
    let lines = |ring: &[(i32, i32)]| {
        geo::Polygon::new(geo_ring(ring), Vec::new()).exterior().lines().collect::<Vec<_>>()
    };
    lines(a).iter().any(|a| lines(b).iter().any(|b| line_intersection(*a, *b).is_some()))
}

fn is_valid(outer: &Corners, holes: &[Corners]) -> bool {
    let rings = || std::iter::once(outer).chain(holes);
    rings().all(|ring| simple_by_definition(ring))
        && rings().enumerate().all(|(i, a)| rings().take(i).all(|b| !meet(a, b)))
        && holes.iter().all(|hole| contains(outer, hole[0]))
        && holes
            .iter()
            .enumerate()
            .all(|(i, hole)| holes.iter().enumerate().all(|(j, other)| i == j || !contains(other, hole[0])))
}

proptest! {
    #![proptest_config(config(20_000))]

    /// Small coordinates make every kind of contact common, and allow to test every position.
    #[test]
    fn holes_agree_with_the_definition(outer in outer(), holes in proptest::collection::vec(ring(), 0..3)) {
        prop_assume!(outer.first() != outer.last() && holes.iter().all(|hole| hole.first() != hole.last()));
        let ring = |corners: &Corners| corners.iter().map(|&(lat, lon)| e7(lat, lon).into()).collect::<Vec<Vertex>>();
        let polygon = Polygon::with_holes(ring(&outer), holes.iter().map(ring).collect());
        prop_assert_eq!(polygon.is_ok(), is_valid(&outer, &holes), "{:?}", polygon);
        let Ok(polygon) = polygon else { return Ok(()) };
        for at in (-4..12).flat_map(|lat| (-4..12).map(move |lon| (lat, lon))) {
            let on_boundary = is_on(&outer, at) || holes.iter().any(|hole| is_on(hole, at));
            let expected = on_boundary
                || (contains(&outer, at) && !holes.iter().any(|hole| contains(hole, at)));
            prop_assert_eq!(polygon.contains(e7(at.0, at.1)), expected, "{:?}", at);
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    /// A band of half a turn, with a hole, whose vertices may be written with either sign of 180 degrees.
    #[test]
    fn the_relation_and_the_cover_hold_with_holes(
        lat in -80..70_i32, width in 1..160_i32, a in position(), b in position(), up in 0.0..=1.0_f64, across in 0.0..=1.0_f64,
    ) {
        let [south, west] = [f64::from(lat), 180.0 - f64::from(width)];
        let polygon = with_holes(
            &[(south, west), (south, 180.0), (south + 10.0, 180.0), (south + 10.0, west)],
            &[&[(south + 2.0, west + 0.5), (south + 8.0, 179.9), (south + 1.0, 179.5)]],
        ).expect("a polygon");
        let bounds = CellBounds::from_corners(a, b);
        let within = inside(&bounds, up, across);
        match polygon.relation(&bounds) {
            Relation::Outside => prop_assert!(!polygon.contains(within)),
            Relation::Inside => prop_assert!(polygon.contains(within)),
            Relation::Overlaps => {}
        }
        let at = |share: f64, from: f64, to: f64| from + share * (to - from);
        let place: LatLng = deg(at(up, south, south + 10.0), at(across, west, 180.0));
        let tiles = cover(&Area::from(polygon.clone()), 4_096);
        prop_assert!(!polygon.contains(place) || tiles.is_none_or(|tiles| tiles.contains(&Tile::of(place))));
    }
}
