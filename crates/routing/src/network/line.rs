//! Polylines on the globe: their lengths, and parts of them.

use kerb_geometry::{LatLng, distance_m};

/// The length of a line in meters.
pub(crate) fn length_m(line: &[LatLng]) -> f64 {
    line.windows(2).map(|pair| distance_m(pair[0], pair[1])).sum()
}

/// The part of a line between two shares of its length. Both are 0 to 1, and `from` is not above `to`.
pub(crate) fn cut(line: &[LatLng], from: f64, to: f64) -> Vec<LatLng> {
    let whole_m = length_m(line);
    let (from_m, to_m) = (from * whole_m, to * whole_m);
    let mut part = Vec::new();
    let mut before_m = 0.0;
    for pair in line.windows(2) {
        let piece_m = distance_m(pair[0], pair[1]);
        let after_m = before_m + piece_m;
        // Only pieces that overlap the part. The cut points are clamped to the piece, so a piece inside of the part
        // contributes both of its ends.
        if after_m >= from_m && before_m <= to_m {
            let share = |at_m: f64| ((at_m - before_m) / piece_m).clamp(0.0, 1.0);
            for point in [between(pair, share(from_m)), between(pair, share(to_m))] {
                if part.last() != Some(&point) {
                    part.push(point);
                }
            }
        }
        before_m = after_m;
    }
    part
}

/// The point at a share of a piece that is short enough to interpolate its coordinates.
fn between(pair: &[LatLng], share: f64) -> LatLng {
    // A piece without length has a share of 0 / 0.
    if share.is_nan() || share <= 0.0 {
        return pair[0];
    }
    if share >= 1.0 {
        return pair[1];
    }
    // The shorter way around the globe, also across the 180th meridian.
    let turn_deg = (pair[1].lon_deg() - pair[0].lon_deg() + 540.0).rem_euclid(360.0) - 180.0;
    let lat_deg = pair[0].lat_deg() + share * (pair[1].lat_deg() - pair[0].lat_deg());
    let lon_deg = (pair[0].lon_deg() + share * turn_deg + 540.0).rem_euclid(360.0) - 180.0;
    LatLng::new(lat_deg, lon_deg).expect("between two positions is a position")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat_deg: f64, lon_deg: f64) -> LatLng {
        LatLng::new(lat_deg, lon_deg).expect("a position")
    }

    #[test]
    fn part_keeps_bends_between_its_ends() {
        let line = [at(0.0, 0.0), at(0.0, 0.01), at(0.01, 0.01), at(0.01, 0.02)];
        assert_eq!(cut(&line, 0.0, 1.0), line);
        let part = cut(&line, 0.25, 0.75);
        assert_eq!(part.len(), 4);
        assert_eq!(&part[1..3], &line[1..3]);
        let share = length_m(&part) / length_m(&line);
        assert!((share - 0.5).abs() < 1e-6, "{share}");
    }

    #[test]
    fn part_crosses_date_line_and_points_may_repeat() {
        let line = [at(10.0, 179.99), at(10.0, 179.99), at(10.0, -179.99)];
        let part = cut(&line, 0.4, 0.6);
        assert!(part.iter().all(|point| point.lon_deg().abs() > 179.9), "{part:?}");
        let share = length_m(&part) / length_m(&line);
        assert!((share - 0.2).abs() < 1e-3, "{share}");
    }
}
