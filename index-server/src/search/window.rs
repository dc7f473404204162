//! A box in latitude and longitude around a point, outside of which everything is farther than a limit. Two integer
//! comparisons turn away most of a leaf, before any distance is computed.

use kerb_spatial::LatLng;

/// Lattice steps in a radian.
const STEPS: f64 = 1.8e9 / std::f64::consts::PI;
/// A whole turn in lattice steps.
const TURN: i64 = 3_600_000_000;
/// Limits are wider by this share than computed: more than all roundings, less than a lattice step in a kilometre.
const MARGIN: f64 = 1.0 + 1e-9;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    lat_e7: i64,
    lon_e7: i64,
    /// At most the cosine of the point's latitude.
    cos_lat: f64,
    lat_max: i64,
    lon_max: i64,
}

impl Window {
    /// Everything.
    pub(crate) fn around(point: LatLng) -> Self {
        Self {
            lat_e7: i64::from(point.lat_e7()),
            lon_e7: i64::from(point.lon_e7()),
            cos_lat: point.lat_deg().to_radians().cos() - 1e-12,
            lat_max: TURN,
            lon_max: TURN,
        }
    }

    /// From now on, what may be within `hav` (half-chord squared) of the point.
    pub(crate) fn narrow(&mut self, hav: f64) {
        let half_chord = hav.sqrt();
        let Some(lat) = angle(half_chord) else {
            (self.lat_max, self.lon_max) = (TURN, TURN);
            return;
        };
        self.lat_max = (lat * STEPS) as i64 + 1;
        // hav ≥ cos φ · cos φ' · sin²(Δλ / 2), and no φ' in reach has a cosine below cos φ - lat.
        let cosines = self.cos_lat * (self.cos_lat - lat);
        let lon = if cosines > 0.0 { angle(half_chord / cosines.sqrt()) } else { None };
        self.lon_max = lon.map_or(TURN, |lon| (lon * STEPS) as i64 + 1);
    }

    /// Whether the position may be within the limit; `false` is certain.
    #[inline]
    pub(crate) fn may_hold(&self, position: LatLng) -> bool {
        let lat = (i64::from(position.lat_e7()) - self.lat_e7).abs();
        let lon = (i64::from(position.lon_e7()) - self.lon_e7).abs();
        lat <= self.lat_max && lon.min(TURN - lon) <= self.lon_max
    }
}

/// At least `2 asin(x)` in radians, for `x` up to a half; `None` beyond.
fn angle(x: f64) -> Option<f64> {
    // asin x = x + x³/6 + 3x⁵/40 + …, whose rest up to a half is below x³/12.
    (x <= 0.5).then(|| 2.0 * x * (1.0 + x * x / 4.0) * MARGIN)
}

#[cfg(test)]
mod tests {
    use kerb_spatial::Origin;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_within_the_limit_is_outside(
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
            let mut window = Window::around(point);
            prop_assert!(window.may_hold(other));
            window.narrow(Origin::new(point).hav(other));
            prop_assert!(window.may_hold(other), "{window:?} {other}");
        }
    }

    #[test]
    fn what_is_clearly_farther_is_outside() {
        let at = |lat, lon| LatLng::new(lat, lon).unwrap();
        let point = at(60.0, 179.999);
        let mut window = Window::around(point);
        window.narrow(Origin::new(point).hav(at(60.001, 179.999)));
        assert!(window.may_hold(at(60.0005, -180.0)));
        for other in [at(60.0011, 179.999), at(60.0, 179.9965), at(60.0, -179.9985)] {
            assert!(!window.may_hold(other), "{other}");
        }
    }
}
