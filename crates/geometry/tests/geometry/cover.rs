//! A cover contains the tile of every position of the area, and few other tiles.

use std::collections::BTreeSet;

use kerb_geometry::{Area, Cell, Circle, HALF_CIRCUMFERENCE_M, LatLng, Polygon, Relation, Tile, cover};
use proptest::prelude::*;

use crate::points::{QUARTER, any_scale, config, deg, e7, position, step};
use crate::polygon::star;

fn circle(center: LatLng, radius_m: f64) -> Area {
    Circle::new(center, radius_m).expect("a radius").into()
}

/// Computes the cover by testing every tile of the rows around this latitude.
fn cover_by_scan(area: &Area, around: LatLng) -> Vec<Tile> {
    let row = |lat_e7: i32| Tile::of(e7(lat_e7.clamp(-QUARTER, QUARTER), 0)).as_u32() >> 12;
    let (first, last) = (row(around.lat_e7() - 20_000_000), row(around.lat_e7() + 20_000_000));
    (first << 12..(last + 1) << 12)
        .filter_map(Tile::from_u32)
        .filter(|tile| area.relation(&tile.bounds()) != Relation::Outside)
        .collect()
}

#[test]
fn a_cover_equals_a_scan_of_all_tiles() {
    for center in
        [deg(52.52, 13.405), deg(-17.0, 179.99), deg(89.9, 100.0), deg(-90.0, 0.0), deg(0.0, -180.0)]
    {
        let area = circle(center, 20_000.0);
        assert_eq!(cover(&area, 10_000), Some(cover_by_scan(&area, center)), "{area:?}");
    }
    let triangle = [(50.0, 179.0), (51.0, -179.0), (49.5, -179.5)].map(|(lat, lon)| deg(lat, lon));
    let area = Polygon::new(triangle.to_vec()).expect("a triangle").into();
    assert_eq!(cover(&area, 10_000), Some(cover_by_scan(&area, triangle[0])));
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn the_cover_of_a_small_circle_equals_a_scan_of_all_tiles(center in position(), radius_cm in 1..=1_500_000_i64) {
        let area = circle(center, radius_cm as f64 / 100.0);
        prop_assert_eq!(cover(&area, 10_000), Some(cover_by_scan(&area, center)));
    }
}

#[test]
fn a_cover_beyond_the_maximum_is_none() {
    let area = circle(deg(52.52, 13.405), 20_000.0);
    let count = cover(&area, 10_000).expect("few tiles").len();
    assert_eq!(cover(&area, count).map(|tiles| tiles.len()), Some(count));
    assert_eq!(cover(&area, count - 1), None);
    assert_eq!(cover(&area, 0), None);
    assert_eq!(cover(&circle(deg(0.0, 0.0), HALF_CIRCUMFERENCE_M), 100_000), None);
}

#[test]
fn the_whole_globe_is_covered_by_every_tile() {
    let every = (0..4096 << 12).filter_map(Tile::from_u32).count();
    let tiles = cover(&circle(deg(0.0, 0.0), HALF_CIRCUMFERENCE_M), usize::MAX).expect("no limit");
    assert_eq!(tiles.len(), every);
}

#[test]
fn a_small_circle_around_a_pole_touches_four_tiles() {
    for pole in [90.0, -90.0] {
        assert_eq!(cover(&circle(deg(pole, 0.0), 2_000.0), 64).map(|tiles| tiles.len()), Some(4));
    }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn a_circle_of_two_kilometers_touches_one_to_four_tiles(center in position()) {
        let count = cover(&circle(center, 2_000.0), 64).expect("few tiles").len();
        // Next to a pole, a row is a ring of four to eight sectors, and the bounds exclude fewer of them.
        let most = if center.lat_e7().abs() < 898_000_000 { 4 } else { 12 };
        prop_assert!((1..=most).contains(&count), "{count} tiles at {center}");
    }

    #[test]
    fn a_cover_contains_every_position_of_its_circle(center in position(), radius_cm in 1..=2_000_000_i64, lat in any_scale(22), lon in any_scale(24)) {
        let area = circle(center, radius_cm as f64 / 100.0);
        let tiles = cover(&area, 4_096).expect("a few dozen tiles");
        let ordered: BTreeSet<Tile> = tiles.iter().copied().collect();
        prop_assert!(ordered.iter().eq(&tiles), "in order, each once");
        prop_assert!(ordered.contains(&Tile::of(center)));
        let position = step(center, lat, lon);
        prop_assert!(!area.contains(position) || ordered.contains(&Tile::of(position)));
    }

    #[test]
    fn a_cover_contains_every_position_of_its_polygon(polygon in star(), lat in any_scale(28), lon in any_scale(29)) {
        let area = Area::from(polygon.clone());
        let Some(tiles) = cover(&area, 4_096) else { return Ok(()) };
        let ordered: BTreeSet<Tile> = tiles.iter().copied().collect();
        for vertex in polygon.vertices() {
            let vertex = LatLng::from(*vertex);
            prop_assert!(ordered.contains(&Tile::of(vertex)));
            let position = step(vertex, lat, lon);
            prop_assert!(!area.contains(position) || ordered.contains(&Tile::of(position)));
        }
    }

    #[test]
    fn no_covered_tile_is_outside_the_polygon(polygon in star()) {
        let area = Area::from(polygon);
        for tile in cover(&area, 512).unwrap_or_default() {
            prop_assert!(area.relation(&tile.bounds()) != Relation::Outside);
        }
        prop_assert!(area.relation(&Cell::ROOT.bounds()) != Relation::Outside);
    }
}

/// A ring of `count` edges, most of which run from the south-west to the north-east of it and back.
fn hatching(count: i32) -> Polygon {
    let row = |i: i32| e7(i * 400_000 + (i % 2) * 300_000_000, (i % 2) * 900_000_000 + 1_000);
    let mut ring: Vec<_> = (0..count - 2).map(row).collect();
    ring.push(e7(count * 400_000 + 300_000_000, -1_000));
    ring.push(e7(-1_000, -1_000));
    Polygon::new(ring).expect("a simple ring")
}

#[test]
fn a_cover_of_many_edges_gives_up_instead_of_taking_long() {
    // Over a million tiles meet an edge, so the cover ends at the maximum number of tiles or of edge tests.
    assert_eq!(cover(&hatching(1_000).into(), 1_024), None);
    assert_eq!(cover(&hatching(1_000).into(), usize::MAX), None);
}
