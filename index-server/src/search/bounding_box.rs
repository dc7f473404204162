//! A box in latitude and longitude around a point. Everything outside of it is farther away than a limit.
//!
//! Integer comparisons reject most of a leaf before any distance is computed.

use kerb_geometry::LatLng;

/// Lattice steps in a radian.
const STEPS: f64 = 1.8e9 / std::f64::consts::PI;
/// Lattice steps of 360 degrees.
const FULL_CIRCLE: i64 = 3_600_000_000;
/// Factor by which limits are widened: more than all rounding errors, less than a lattice step per kilometer.
const MARGIN: f64 = 1.0 + 1e-9;

/// The box. A latitude is inside if it is at most `lat_span` steps above `lat_min`, modulo 2^32, which takes one
/// comparison. A longitude is inside if the same holds for one of `lon_mins`. The two differ by a full circle, so that
/// the box may cross the antimeridian.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundingBox {
    point: LatLng,
    /// A lower bound of the cosine of the point's latitude.
    cos_lat: f64,
    lat_min: u32,
    lat_span: u32,
    lon_mins: [u32; 2],
    lon_span: u32,
}

impl BoundingBox {
    /// A box around the whole world.
    pub(crate) fn around(point: LatLng) -> Self {
        Self {
            point,
            cos_lat: point.lat_deg().to_radians().cos() - 1e-12,
            lat_min: 0,
            lat_span: u32::MAX,
            lon_mins: [0; 2],
            lon_span: u32::MAX,
        }
    }

    /// Narrows the box to what may be within `hav` (half-chord squared) of the point.
    pub(crate) fn narrow(&mut self, hav: f64) {
        let half_chord = hav.sqrt();
        let lat = angle(half_chord);
        // hav ≥ cos φ · cos φ' · sin²(Δλ / 2), and no φ' in reach has a cosine below cos φ - lat.
        // Near a pole that is negative, and there is no limit.
        let cosines = lat.map_or(0.0, |lat| self.cos_lat.max(0.0) * (self.cos_lat - lat).max(0.0));
        let lon = if cosines > 0.0 { angle(half_chord / cosines.sqrt()) } else { None };
        let (lat_e7, lon_e7) = (i64::from(self.point.lat_e7()), i64::from(self.point.lon_e7()));
        // The casts wrap modulo 2^32, as all arithmetic here does.
        (self.lat_min, self.lat_span) = lat.map_or((0, u32::MAX), |lat| {
            let reach = (lat * STEPS) as i64 + 1;
            ((lat_e7 - reach) as u32, 2 * reach as u32)
        });
        (self.lon_mins, self.lon_span) = lon.map_or(([0; 2], u32::MAX), |lon| {
            let reach = (lon * STEPS) as i64 + 1;
            let around = if lon_e7 < 0 { FULL_CIRCLE } else { -FULL_CIRCLE };
            let min = lon_e7 - reach;
            ([min as u32, (min + around) as u32], 2 * reach as u32)
        });
    }

    /// Sets bit i if position i, packed by [`LatLng::to_bits`], may be within the limit. A 0 is certain.
    #[inline]
    pub(crate) fn may_contain<const N: usize>(&self, positions: &[u64; N]) -> u64 {
        let mut bits = 0;
        for (i, position) in positions.iter().enumerate() {
            let (lat, lon) = ((position >> 32) as u32, *position as u32);
            let lat = lat.wrapping_sub(self.lat_min) <= self.lat_span;
            let [a, b] = self.lon_mins.map(|min| lon.wrapping_sub(min) <= self.lon_span);
            bits |= (u64::from(lat) & (u64::from(a) | u64::from(b))) << i;
        }
        bits
    }
}

/// At least `2 asin(x)` in radians, for `x` up to a half; `None` beyond.
fn angle(x: f64) -> Option<f64> {
    // asin x = x + x³/6 + 3x⁵/40 + …, whose rest up to a half is below x³/12.
    (x <= 0.5).then(|| 2.0 * x * (1.0 + x * x / 4.0) * MARGIN)
}

#[cfg(test)]
mod tests {
    use kerb_geometry::Origin;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_position_within_the_limit_is_inside(
            lat in -900_000_000..=900_000_000_i32,
            lon in -1_800_000_000..=1_800_000_000_i32,
            dlat in -1.0..1.0_f64,
            dlon in -1.0..1.0_f64,
            scale in 0.0..9.3_f64,
        ) {
            let point = LatLng::from_e7(lat, lon).unwrap();
            let scale = 10f64.powf(scale);
            let other_lat = (f64::from(lat) + dlat * scale).clamp(-9e8, 9e8) as i32;
            let other_lon = (f64::from(lon) + dlon * scale + 1.8e9).rem_euclid(3.6e9) - 1.8e9;
            let other = LatLng::from_e7(other_lat, other_lon as i32).unwrap();
            let mut bounding_box = BoundingBox::around(point);
            prop_assert!(bounding_box.may_contain(&[other.to_bits()]) == 1);
            bounding_box.narrow(Origin::new(point).hav(other));
            prop_assert!(bounding_box.may_contain(&[other.to_bits()]) == 1, "{bounding_box:?} {other}");
        }
    }

    #[test]
    fn every_longitude_of_a_pole_is_inside() {
        for lat in [90.0, -90.0] {
            let [at, other] = [46.0, -46.0].map(|lon| LatLng::new(lat, lon).unwrap());
            let mut bounding_box = BoundingBox::around(at);
            bounding_box.narrow(Origin::new(at).hav(other));
            assert_eq!(bounding_box.may_contain(&[other.to_bits()]), 1);
        }
    }

    #[test]
    fn positions_clearly_beyond_the_limit_are_outside() {
        let at = |lat, lon| LatLng::new(lat, lon).unwrap();
        let point = at(60.0, 179.999);
        let mut bounding_box = BoundingBox::around(point);
        bounding_box.narrow(Origin::new(point).hav(at(60.001, 179.999)));
        assert!(bounding_box.may_contain(&[at(60.0005, -180.0).to_bits()]) == 1);
        for other in [at(60.0011, 179.999), at(60.0, 179.9965), at(60.0, -179.9985)] {
            assert!(bounding_box.may_contain(&[other.to_bits()]) == 0, "{other}");
        }
    }
}
