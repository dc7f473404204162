//! Circles, and the relation of areas and boxes.

use kerb_geometry::{Area, Circle, HALF_CIRCUMFERENCE_M, Origin, Relation, distance_m, m_to_hav};
use proptest::prelude::*;

use crate::points::{any_scale, bounds_and_position, config, deg, position, step};
use crate::polygon::star;

#[test]
fn a_radius_that_is_not_finite_and_positive_is_rejected() {
    for radius_m in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Circle::new(deg(0.0, 0.0), radius_m).expect_err("not a radius");
        assert_eq!(
            error.to_string(),
            format!("radius_m: {radius_m} is not a finite number of meters above 0")
        );
    }
}

#[test]
fn a_huge_circle_is_the_whole_globe() {
    let globe = Circle::new(deg(1.0, 2.0), HALF_CIRCUMFERENCE_M).expect("a radius");
    assert!(globe.contains(deg(-1.0, -178.0)) && globe.contains(deg(-90.0, 0.0)));
    assert_eq!(globe.relation(&kerb_geometry::Cell::ROOT.bounds()), Relation::Inside);
}

/// Generates circles with a radius from a centimeter to the whole globe.
fn circle() -> impl Strategy<Value = Circle> {
    (position(), any_scale(31))
        .prop_map(|(center, cm)| Circle::new(center, cm.abs() as f64 / 100.0).expect("a radius"))
}

fn area() -> impl Strategy<Value = Area> {
    prop_oneof![circle().prop_map(Area::from), star().prop_map(Area::from)]
}

proptest! {
    #![proptest_config(config(20_000))]

    #[test]
    fn a_circle_contains_the_positions_within_its_radius(circle in circle(), lat in any_scale(30), lon in any_scale(31)) {
        let position = step(circle.center(), lat, lon);
        let hav = Origin::new(circle.center()).hav(position);
        prop_assert_eq!(circle.contains(position), hav <= m_to_hav(circle.radius_m()));
        let distance_m = distance_m(circle.center(), position);
        if (distance_m - circle.radius_m()).abs() > 1e-8 + 1e-8 * distance_m {
            prop_assert_eq!(circle.contains(position), distance_m < circle.radius_m());
        }
    }

    #[test]
    fn the_relation_of_a_box_holds_for_its_positions(
        area in area(), (bounds, within) in bounds_and_position(),
    ) {
        match area.relation(&bounds) {
            Relation::Outside => prop_assert!(!area.contains(within)),
            Relation::Inside => prop_assert!(area.contains(within)),
            Relation::Overlaps => {}
        }
    }
}
