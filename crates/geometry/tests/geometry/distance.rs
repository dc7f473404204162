//! Distances are compared with `geo` and with vectors; bounds are compared with positions in the box.

use geo::{Distance, Haversine, Point};
use kerb_geometry::{
    Cell, CellBounds, EARTH_RADIUS_M, HALF_CIRCUMFERENCE_M, LatLng, Morton, Origin, distance_m, hav_to_m,
    m_to_hav,
};
use proptest::prelude::*;

use crate::points::{any_scale, bounds_and_position, config, deg, e7, pair, position, step};

/// Computes the textbook haversine in doubles, from exact differences, with each cosine as the sine of the distance to the
/// pole. It has no fast path, and each factor is exact to its last bits.
fn hav_by_textbook(a: LatLng, b: LatLng) -> f64 {
    let rad = std::f64::consts::PI / 1.8e9;
    let sin_sq_half = |e7: i64| (e7 as f64 * rad / 2.0).sin().powi(2);
    let cos = |position: LatLng| (f64::from(900_000_000 - position.lat_e7().abs()) * rad).sin();
    let lat = i64::from(b.lat_e7()) - i64::from(a.lat_e7());
    let lon = (i64::from(b.lon_e7()) - i64::from(a.lon_e7())).abs();
    let hav = sin_sq_half(lat) + cos(a) * cos(b) * sin_sq_half(lon.min(3_600_000_000 - lon));
    hav.min(1.0)
}

/// Computes the half-chord squared by subtracting vectors, without a haversine.
fn hav_by_vectors(a: LatLng, b: LatLng) -> f64 {
    let vector = |position: LatLng| {
        let (sin_lat, cos_lat) = position.lat_deg().to_radians().sin_cos();
        let (sin_lon, cos_lon) = position.lon_deg().to_radians().sin_cos();
        [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
    };
    let (a, b) = (vector(a), vector(b));
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>() / 4.0
}

fn by_geo_m(a: LatLng, b: LatLng) -> f64 {
    Haversine.distance(Point::new(a.lon_deg(), a.lat_deg()), Point::new(b.lon_deg(), b.lat_deg()))
}

/// Returns by how many meters two distances may differ. `geo` subtracts rounded degrees (an error of nanometers). Near the
/// antipode, the arc sine turns one rounding of the half-chord, 1e-16, into 1e-16 / sqrt(1 - hav) radians, at worst 1e-8.
fn tolerance_m(hav: f64) -> f64 {
    4e-9 + 1e-14 * hav_to_m(hav) + 1e-15 * EARTH_RADIUS_M / (1.0 - hav).sqrt().max(1e-8)
}

#[test]
fn known_distances_are_reproduced() {
    let quarter_m = HALF_CIRCUMFERENCE_M / 2.0;
    assert!((distance_m(deg(0.0, 0.0), deg(90.0, 17.0)) - quarter_m).abs() < 1e-6);
    assert!((distance_m(deg(0.0, 179.5), deg(0.0, -179.5)) - quarter_m / 90.0).abs() < 1e-6);
    assert!((distance_m(deg(90.0, 0.0), deg(-90.0, 123.0)) - HALF_CIRCUMFERENCE_M).abs() < 1e-6);
    // One lattice step along a meridian is 1.1 cm.
    assert!((distance_m(e7(0, 0), e7(1, 0)) - 0.011_119_5).abs() < 1e-7);
}

#[test]
fn half_chords_are_exact_at_zero_and_at_the_antipode() {
    let origin = Origin::new(deg(52.52, 13.405));
    assert_eq!(origin.hav(origin.position()).to_bits(), 0.0_f64.to_bits());
    assert!((origin.hav(deg(-52.52, -166.595)) - 1.0).abs() < 1e-15);
    assert_eq!(m_to_hav(HALF_CIRCUMFERENCE_M).to_bits(), 1.0_f64.to_bits());
    assert_eq!(m_to_hav(f64::INFINITY).to_bits(), 1.0_f64.to_bits());
    assert_eq!(hav_to_m(1.0).to_bits(), HALF_CIRCUMFERENCE_M.to_bits());
    // A pole is one point, whatever its longitude is.
    assert!(Origin::new(deg(90.0, 0.0)).hav(deg(90.0, 90.0)) < 1e-40);
}

#[test]
fn geo_uses_the_same_earth_radius() {
    assert_eq!(Haversine.radius().to_bits(), EARTH_RADIUS_M.to_bits());
}

proptest! {
    #![proptest_config(config(20_000))]

    #[test]
    fn the_fast_path_is_as_exact_as_the_textbook_haversine((a, b) in pair()) {
        let (hav, truth) = (Origin::new(a).hav(b), hav_by_textbook(a, b));
        prop_assert!((hav - truth).abs() <= 2e-15 * truth, "{hav:e} for {truth:e}");
    }

    #[test]
    fn the_haversine_equals_the_half_chord_of_vectors((a, b) in pair()) {
        let (hav, truth) = (Origin::new(a).hav(b), hav_by_vectors(a, b));
        // The differences of the vectors are exact to about 1e-15.
        prop_assert!((hav - truth).abs() <= 2e-15 * truth.sqrt() + 1e-30, "{hav:e} for {truth:e}");
    }

    #[test]
    fn meters_agree_with_geo((a, b) in pair()) {
        let hav = Origin::new(a).hav(b);
        let geo_m = by_geo_m(a, b);
        let hav_m = hav_to_m(hav);
        let tolerance_m = tolerance_m(hav);
        prop_assert!((distance_m(a, b) - hav_m).abs() <= tolerance_m, "{} for {hav_m}", distance_m(a, b));
        // `geo` may pass an argument just above 1 to the arc sine, which gives NaN.
        prop_assert!(geo_m.is_nan() || (geo_m - hav_m).abs() <= tolerance_m, "{hav_m} for {geo_m}");
        prop_assert!((hav_to_m(m_to_hav(hav_m)) - hav_m).abs() <= tolerance_m);
    }

    #[test]
    fn distances_stay_in_range_near_the_antipode(a in position(), lat in any_scale(16), lon in any_scale(16)) {
        let mirrored = e7(-a.lat_e7(), a.lon_e7());
        let b = step(mirrored, lat, 1_800_000_000 + lon);
        let hav = Origin::new(a).hav(b);
        prop_assert!((0.0..=1.0).contains(&hav));
        prop_assert!((distance_m(a, b) - hav_to_m(hav)).abs() <= tolerance_m(hav));
        prop_assert!(distance_m(a, b) <= HALF_CIRCUMFERENCE_M);
    }

    #[test]
    fn the_distance_of_a_position_is_within_the_bounds_of_its_box(at in position(), (bounds, inside) in bounds_and_position()) {
        let origin = Origin::new(at);
        let (low, hav, high) = (origin.lower_bound(&bounds), origin.hav(inside), origin.upper_bound(&bounds));
        prop_assert!((0.0..=hav).contains(&low), "{low:e} is above {hav:e}");
        prop_assert!(hav <= high, "{high:e} is below {hav:e}");
        if bounds.contains(at) {
            prop_assert_eq!(low.to_bits(), 0.0_f64.to_bits());
        }
    }

    #[test]
    fn lower_bounds_of_children_equal_those_of_their_boxes(at in position(), within in position(), level in 0..32_u8) {
        let (origin, cell) = (Origin::new(at), Cell::of(Morton::from(within), level));
        let one_by_one = [0, 1, 2, 3].map(|index| origin.lower_bound(&cell.child(index).bounds()));
        prop_assert_eq!(origin.lower_bounds_of_children(cell).map(f64::to_bits), one_by_one.map(f64::to_bits));
        let own = cell.child_index(Morton::from(within));
        prop_assert!(one_by_one[own] <= origin.hav(within));
    }

    // The poles are left out: there, the nearest edge of a box and its shortest parallel are far apart.
    #[test]
    fn lower_bounds_of_near_boxes_are_tight(
        lat in -850_000_000..=850_000_000_i32, lon in -1_700_000_000..=1_700_000_000_i32,
        up in any_scale(20), across in any_scale(20), size in 1..2_000_i64,
    ) {
        let at = e7(lat, lon);
        let corner = step(at, up, across);
        let bounds = CellBounds::from_corners(corner, step(corner, size, size));
        let nearest = e7(
            lat.clamp(bounds.south_e7(), bounds.north_e7()),
            lon.clamp(bounds.west_e7(), bounds.east_e7()),
        );
        let origin = Origin::new(at);
        let (low_m, truth_m) = (hav_to_m(origin.lower_bound(&bounds)), hav_to_m(origin.hav(nearest)));
        prop_assert!(truth_m - low_m <= 0.001 * truth_m + 0.01, "{low_m} m for {truth_m} m");
    }

    #[test]
    fn the_haversine_grows_along_a_meridian(at in position(), near in 0..900_000_000_i64, more in 1..900_000_000_i64) {
        let origin = Origin::new(at);
        let toward = if at.lat_e7() > 0 { -1 } else { 1 };
        let hav = |steps: i64| origin.hav(step(at, toward * steps, 0));
        // Even two neighboring lattice points at the end of the fast path have different values.
        prop_assert!(hav(near) < hav((near + more).min(900_000_000)) || near + more > 900_000_000);
    }
}
