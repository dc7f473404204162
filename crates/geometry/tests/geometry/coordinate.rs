//! Positions: validation, rounding and packing.

use kerb_geometry::{CoordinateError, LatLng};
use proptest::prelude::*;

use crate::points::{config, e7, position};

#[test]
fn a_position_off_the_globe_is_rejected_with_the_wrong_field() {
    for (lat, lon, field, message) in [
        (91.2, 0.0, "latitude", "latitude: 91.2 is outside -90 to 90 degrees"),
        (-90.000_000_1, 0.0, "latitude", "latitude: -90.0000001 is outside -90 to 90 degrees"),
        (f64::NAN, 0.0, "latitude", "latitude: NaN is outside -90 to 90 degrees"),
        (0.0, 180.5, "longitude", "longitude: 180.5 is outside -180 to 180 degrees"),
        (0.0, f64::NEG_INFINITY, "longitude", "longitude: -inf is outside -180 to 180 degrees"),
        (f64::INFINITY, f64::NAN, "latitude", "latitude: inf is outside -90 to 90 degrees"),
    ] {
        let error = LatLng::new(lat, lon).expect_err("not on the globe");
        assert_eq!((error.field(), error.to_string().as_str()), (field, message));
    }
    assert_eq!(LatLng::from_e7(900_000_001, 0), Err(CoordinateError::Latitude(90.000_000_1)));
    assert_eq!(LatLng::from_e7(0, i32::MIN), Err(CoordinateError::Longitude(-214.748_364_8)));
}

#[test]
fn the_edges_of_the_globe_are_positions() {
    assert_eq!(LatLng::new(90.0, 180.0), LatLng::from_e7(900_000_000, -1_800_000_000));
    assert_eq!(LatLng::new(-90.0, -180.0), LatLng::from_e7(-900_000_000, 1_800_000_000));
    // This longitude is nearer to the antimeridian than half a lattice step.
    assert_eq!(LatLng::new(0.0, 179.999_999_99), LatLng::new(0.0, -180.0));
    assert_eq!(LatLng::new(-0.0, -0.0), LatLng::from_e7(0, 0));
}

#[test]
fn a_position_takes_eight_bytes_and_prints_degrees() {
    assert_eq!(size_of::<LatLng>(), 8);
    assert_eq!(e7(525_200_000, -134_050_001).to_string(), "52.5200000,-13.4050001");
    assert_eq!(format!("{:?}", e7(-1, 0)), "LatLng(-0.0000001,0.0000000)");
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn degrees_bits_and_lattice_steps_convert_without_loss(position in position()) {
        prop_assert_eq!(LatLng::new(position.lat_deg(), position.lon_deg()), Ok(position));
        prop_assert_eq!(LatLng::from_e7(position.lat_e7(), position.lon_e7()), Ok(position));
        prop_assert_eq!(LatLng::from_bits(position.to_bits()), position);
    }

    #[test]
    fn rounding_moves_a_position_by_at_most_half_a_step(lat in -90.0..=90.0_f64, lon in -179.9..=179.9_f64) {
        let position = LatLng::new(lat, lon).expect("in range");
        prop_assert!((position.lat_deg() - lat).abs() <= 0.500_001e-7);
        prop_assert!((position.lon_deg() - lon).abs() <= 0.500_001e-7);
    }

    #[test]
    fn any_number_is_accepted_or_rejected_without_panic(lat in any::<f64>(), lon in any::<f64>()) {
        let valid = lat.abs() <= 90.0 && lon.abs() <= 180.0;
        prop_assert_eq!(LatLng::new(lat, lon).is_ok(), valid);
    }
}
