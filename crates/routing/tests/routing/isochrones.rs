//! Isochrones, checked with the polygons of the `geo` crate.

use geo::{Area, Contains, Coord, LineString, MultiPolygon, Validation};
use kerb_geometry::{LatLng, distance_m};
use kerb_routing::isochrone::{Isochrone, Polygon};
use kerb_routing::{DirectedSegment, Roads, SegmentId};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::extracts::{ANDORRA, MIDTOWN, MONACO, import};

/// The distance between two samples of a street in meters.
const STEP_M: f64 = 8.0;

fn shapes(isochrone: &Isochrone) -> MultiPolygon<f64> {
    let ring = |ring: &Vec<[f64; 2]>| ring.iter().map(|at| Coord::from(*at)).collect::<LineString>();
    let polygon =
        |polygon: &Polygon| geo::Polygon::new(ring(&polygon.outer), polygon.holes.iter().map(ring).collect());
    MultiPolygon::new(isochrone.polygons.iter().map(polygon).collect())
}

fn coord(at: LatLng) -> Coord<f64> {
    Coord { x: at.lon_deg(), y: at.lat_deg() }
}

/// Points along a line between two shares of its length.
fn samples(line: &[LatLng], from: f64, to: f64) -> Vec<LatLng> {
    let whole_m: f64 = line.windows(2).map(|pair| distance_m(pair[0], pair[1])).sum();
    let mut before_m = 0.0;
    let mut samples = Vec::new();
    for pair in line.windows(2) {
        let piece_m = distance_m(pair[0], pair[1]);
        let count = (piece_m / STEP_M).ceil() as u32;
        for step in 0..=count {
            let part = f64::from(step) / f64::from(count.max(1));
            let share = (before_m + part * piece_m) / whole_m.max(1e-9);
            if (from..=to).contains(&share) {
                let between = |a: f64, b: f64| a + (b - a) * part;
                let lat = between(pair[0].lat_deg(), pair[1].lat_deg());
                samples.push(LatLng::new(lat, between(pair[0].lon_deg(), pair[1].lon_deg())).unwrap());
            }
        }
        before_m += piece_m;
    }
    samples
}

/// Checks both guarantees of the module: for points on reached streets, and for points on all streets.
fn check(name: &str, bytes: &[u8], seed: u64) {
    println!("{name}, seed {seed}");
    let roads = Roads::new(import(bytes).network, 300.0).unwrap();
    let (network, mut random) = (roads.network(), Pcg64Mcg::seed_from_u64(seed));
    let (mut inside, mut outside) = (0, 0);
    for minutes in [1, 2, 4] {
        let node = network.nodes()[random.random_range(0..network.nodes().len())].lat_lng();
        let ends = roads.phantom_nodes(node).unwrap();
        let within_ms = minutes * 60_000;
        let isochrone = roads.isochrone(&ends, within_ms);
        let shapes = shapes(&isochrone);
        assert!(shapes.is_valid(), "{:?}", shapes.check_validation());
        let reach = roads.engine().router().one_to_all(&ends, within_ms);
        let reached: Vec<LatLng> = reach
            .arc_segments
            .iter()
            .flat_map(|arc_part| {
                let arc = DirectedSegment::from_number(network.directed_segments()[arc_part.arc as usize]);
                samples(&network.line(arc), arc_part.from, arc_part.to)
            })
            .collect();
        for at in &reached {
            assert!(shapes.contains(&coord(*at)), "{at} is reached in {minutes} min and outside");
        }
        inside += reached.len();
        for _ in 0..60 {
            let segment = SegmentId(random.random_range(0..network.segments() as u32));
            let line = network.line(DirectedSegment { segment, reverse: false });
            for at in samples(&line, 0.0, 1.0).into_iter().step_by(20) {
                let nearest_m = reached.iter().map(|near| distance_m(at, *near)).fold(f64::MAX, f64::min);
                if nearest_m - STEP_M > 3.42 * isochrone.cell_m {
                    assert!(!shapes.contains(&coord(at)), "{at} is {nearest_m} m away and inside");
                    outside += 1;
                }
            }
        }
        let scale = 6_371_008.8_f64.to_radians().powi(2) * node.lat_deg().to_radians().cos();
        let area_m2 = shapes.unsigned_area() * scale;
        assert!((area_m2 / isochrone.area_m2 - 1.0).abs() < 0.01, "{area_m2} and {}", isochrone.area_m2);
        let rings =
            isochrone.polygons.iter().flat_map(|part| std::iter::once(&part.outer).chain(&part.holes));
        assert!(rings.clone().all(|ring| ring.len() > 3 && ring.first() == ring.last()));
    }
    println!("{inside} points inside, {outside} outside");
    assert!(inside > 300 && outside > 50);
}

#[test]
fn reached_points_are_inside_and_far_points_outside() {
    check("Monaco", MONACO, 1);
    check("Andorra", ANDORRA, 2);
    check("Midtown", MIDTOWN, 3);
}

#[test]
fn more_time_reaches_more_and_holes_are_kept() {
    let roads = Roads::new(import(ANDORRA).network, 300.0).unwrap();
    let ends = roads.phantom_nodes(LatLng::new(42.5075, 1.5218).unwrap()).unwrap();
    let areas = [1, 3, 6, 12, 60].map(|minutes| roads.isochrone(&ends, minutes * 60_000));
    assert!(areas.is_sorted_by(|a, b| a.area_m2 <= b.area_m2 && a.streets_m < b.streets_m));
    assert!(
        areas[4].polygons.iter().any(|polygon| !polygon.holes.is_empty()),
        "a ring of streets has a hole"
    );
    assert!(roads.isochrone(&[], 60_000).polygons.is_empty(), "nowhere reaches nothing");
    // Positions are longitude, latitude, and outer rings go counter-clockwise.
    for polygon in areas.iter().flat_map(|area| &area.polygons) {
        let doubled = |ring: &[[f64; 2]]| -> f64 {
            ring.windows(2).map(|pair| (pair[1][0] - pair[0][0]) * (pair[1][1] + pair[0][1] - 85.0)).sum()
        };
        assert!(doubled(&polygon.outer) < 0.0 && polygon.holes.iter().all(|hole| doubled(hole) > 0.0));
        assert!(
            polygon.outer.iter().all(|[lon, lat]| (1.3..1.9).contains(lon) && (42.3..42.8).contains(lat))
        );
    }
}
