//! Turns: how a route continues from one street into the next.

use kerb_geometry::LatLng;

/// Below this angle a route continues straight on.
const STRAIGHT_DEG: f64 = 20.0;
/// Below this angle a turn is slight.
const SLIGHT_DEG: f64 = 60.0;
/// Above this angle a turn is sharp.
const TURN_DEG: f64 = 120.0;
/// Above this angle a turn is a U-turn.
const AROUND_DEG: f64 = 165.0;

/// The maneuver at the start of a route step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The start of the route.
    Start,
    /// A change of direction by less than 20 degrees.
    Straight,
    /// To the left by 20 to 60 degrees.
    SlightLeft,
    /// To the left by 60 to 120 degrees.
    Left,
    /// To the left by 120 to 165 degrees.
    SharpLeft,
    /// To the right by 20 to 60 degrees.
    SlightRight,
    /// To the right by 60 to 120 degrees.
    Right,
    /// To the right by 120 to 165 degrees.
    SharpRight,
    /// A U-turn: by more than 165 degrees.
    Around,
}

impl Turn {
    /// The turn from the last piece of one line into the first piece of the next. A line with fewer than two points has
    /// no direction and counts as straight on.
    pub(crate) fn between(before: &[LatLng], after: &[LatLng]) -> Turn {
        let ([.., a, b], [c, d, ..]) = (before, after) else { return Turn::Straight };
        let off_deg = (course_deg(*c, *d) - course_deg(*a, *b) + 540.0).rem_euclid(360.0) - 180.0;
        let is_right = off_deg > 0.0;
        let either = |left, right| if is_right { right } else { left };
        match off_deg.abs() {
            off if off < STRAIGHT_DEG => Turn::Straight,
            off if off < SLIGHT_DEG => either(Turn::SlightLeft, Turn::SlightRight),
            off if off < TURN_DEG => either(Turn::Left, Turn::Right),
            off if off < AROUND_DEG => either(Turn::SharpLeft, Turn::SharpRight),
            _ => Turn::Around,
        }
    }

    /// Whether a street with the same name on both sides of this turn counts as one step.
    pub(crate) fn is_slight(self) -> bool {
        matches!(self, Turn::Straight | Turn::SlightLeft | Turn::SlightRight)
    }

    /// The turn in English words, for listings of a route.
    pub fn name(self) -> &'static str {
        match self {
            Turn::Start => "start",
            Turn::Straight => "straight on",
            Turn::SlightLeft => "slight left",
            Turn::Left => "left",
            Turn::SharpLeft => "sharp left",
            Turn::SlightRight => "slight right",
            Turn::Right => "right",
            Turn::SharpRight => "sharp right",
            Turn::Around => "turn round",
        }
    }
}

/// The course along a short piece, in degrees clockwise from north.
fn course_deg(from: LatLng, to: LatLng) -> f64 {
    let east_deg = (to.lon_deg() - from.lon_deg() + 540.0).rem_euclid(360.0) - 180.0;
    let scale = f64::midpoint(from.lat_deg(), to.lat_deg()).to_radians().cos();
    (east_deg * scale).atan2(to.lat_deg() - from.lat_deg()).to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat_deg: f64, lon_deg: f64) -> LatLng {
        LatLng::new(lat_deg, lon_deg).expect("a position")
    }

    #[test]
    fn turns_are_classified_by_angle() {
        // From the south, over a place at 60 degrees north, where a degree of longitude is half as long.
        let (before, center) = ([at(59.0, 10.0), at(60.0, 10.0)], at(60.0, 10.0));
        let table = [
            (0.001, 0.0, Turn::Straight),
            (0.001, 0.002, Turn::SlightRight),
            (0.0, 0.002, Turn::Right),
            (0.0, -0.002, Turn::Left),
            (0.001, -0.002, Turn::SlightLeft),
            (-0.001, 0.002, Turn::SharpRight),
            (-0.001, -0.002, Turn::SharpLeft),
            (-0.001, 0.0, Turn::Around),
        ];
        for (north, east, turn) in table {
            let after = [center, at(60.0 + north, 10.0 + east)];
            assert_eq!(Turn::between(&before, &after), turn, "{north} {east}");
        }
        assert_eq!(Turn::between(&[], &before), Turn::Straight);
        let over_the_date_line = [at(0.0, 179.99), at(0.0, -179.99)];
        assert_eq!(Turn::between(&over_the_date_line, &[at(0.0, -179.99), at(-0.01, -179.99)]), Turn::Right);
    }
}
