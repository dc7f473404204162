//! Which positions of a vehicle are plausible: a receiver sometimes reports a place where the vehicle cannot be.
//!
//! A position counts if the vehicle can have driven there since the last one that counts. Any other position is a jump.
//! A jump that comes back counts nothing. One that stays becomes the new path, once more positions support it than the
//! path before, up to a limit.

use kerb_geometry::{LatLng, distance_m};

use crate::time::{Millis, Timestamp};

/// The highest plausible speed by default, in kilometers per hour: above every road vehicle and below an aircraft.
pub const SPEED_MAX_KMH: u32 = 250;
/// Meters that the errors of two positions may add to a distance.
const ERROR_M: f64 = 150.0;
/// Positions that a jump needs at most, to become the new path.
const SUPPORT_MAX: u32 = 10;

/// How a position relates to the path before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FixKind {
    /// The vehicle may have driven there from the last plausible position.
    Plausible,
    /// The position is not newer than the last one.
    Older,
    /// The vehicle cannot have driven there. The position is kept aside until later ones support or contradict it.
    Jump,
    /// Enough positions support a jump: the path goes on there.
    Moved,
}

/// The plausible path of one vehicle.
///
/// ```
/// use kerb_geometry::LatLng;
/// use kerb_types::path_filter::{FixKind, PathFilter, SPEED_MAX_KMH};
/// use kerb_types::Timestamp;
/// let (at, seconds) = (|lat| LatLng::new(lat, 13.4).unwrap(), |s: i64| Timestamp::from_millis(1_000 * s));
/// let mut path = PathFilter::starting_at(at(52.5), seconds(0));
/// assert_eq!(path.classify(at(52.500_1), seconds(3), SPEED_MAX_KMH), FixKind::Plausible);
/// assert_eq!(path.classify(at(0.0), seconds(6), SPEED_MAX_KMH), FixKind::Jump);
/// assert_eq!(path.classify(at(52.500_2), seconds(9), SPEED_MAX_KMH), FixKind::Plausible);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathFilter {
    last: Option<Fix>,
    jump: Option<Fix>,
}

/// The newest position of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fix {
    position: LatLng,
    time: Timestamp,
    /// Number of positions in a row that support it, itself included.
    support: u32,
}

impl PathFilter {
    /// A path that starts at a known position.
    pub fn starting_at(position: LatLng, time: Timestamp) -> Self {
        Self { last: Some(Fix { position, time, support: 1 }), jump: None }
    }

    /// Returns the last plausible position.
    pub fn last(&self) -> Option<(LatLng, Timestamp)> {
        self.last.map(|fix| (fix.position, fix.time))
    }

    /// Classifies the next position of a vehicle with this highest speed, and takes it into the path if it is plausible.
    pub fn classify(&mut self, position: LatLng, time: Timestamp, speed_max_kmh: u32) -> FixKind {
        let Some(last) = self.last else {
            self.last = Some(Fix { position, time, support: 1 });
            return FixKind::Plausible;
        };
        let newest = self.jump.map_or(last.time, |jump| jump.time.max(last.time));
        if time <= newest {
            return FixKind::Older;
        }
        if let Some(next) = last.followed_by(position, time, speed_max_kmh) {
            (self.last, self.jump) = (Some(next), None);
            return FixKind::Plausible;
        }
        let jump = self.jump.and_then(|jump| jump.followed_by(position, time, speed_max_kmh));
        let jump = jump.unwrap_or(Fix { position, time, support: 1 });
        if jump.support > last.support {
            (self.last, self.jump) = (Some(jump), None);
            return FixKind::Moved;
        }
        self.jump = Some(jump);
        FixKind::Jump
    }
}

impl Fix {
    /// Returns the position as the next one of the path; `None` if the vehicle cannot have driven there.
    fn followed_by(self, position: LatLng, time: Timestamp, speed_max_kmh: u32) -> Option<Self> {
        let reach_m =
            ERROR_M + f64::from(speed_max_kmh) / 3.6 * (time - self.time).max(Millis::ZERO).as_secs_f64();
        let support = (self.support + 1).min(SUPPORT_MAX);
        (distance_m(self.position, position) <= reach_m).then_some(Self { position, time, support })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn north(m: f64) -> LatLng {
        LatLng::new(52.5 + m / 111_195.0, 13.4).unwrap()
    }

    fn at(s: i64) -> Timestamp {
        Timestamp::from_millis(1_000 * s)
    }

    /// Classifies positions three seconds apart, each this far north.
    fn classify(path: &mut PathFilter, from_s: i64, meters: &[f64]) -> Vec<FixKind> {
        (0..).zip(meters).map(|(i, m)| path.classify(north(*m), at(from_s + 3 * i), SPEED_MAX_KMH)).collect()
    }

    #[test]
    fn a_jump_that_comes_back_leaves_the_path_alone() {
        use FixKind::{Jump, Plausible};
        let mut path = PathFilter::starting_at(north(0.0), at(0));
        let kinds = classify(&mut path, 3, &[30.0, 60.0, 90.0, 9_000.0, 9_010.0, 180.0]);
        assert_eq!(kinds, [Plausible, Plausible, Plausible, Jump, Jump, Plausible]);
        assert_eq!(path.last(), Some((north(180.0), at(18))));
    }

    #[test]
    fn a_jump_that_stays_is_the_new_path() {
        let mut path = PathFilter::starting_at(north(0.0), at(0));
        classify(&mut path, 3, &[30.0, 60.0]);
        let kinds = classify(&mut path, 9, &[20_000.0, 20_030.0, 20_060.0, 20_090.0, 20_120.0]);
        let moved = kinds.iter().position(|kind| *kind == FixKind::Moved).unwrap();
        assert_eq!(moved, 3, "{kinds:?}");
        assert!(kinds[moved + 1..].iter().all(|kind| *kind == FixKind::Plausible));
    }

    #[test]
    fn a_wrong_first_position_is_soon_replaced() {
        let mut path = PathFilter::default();
        path.classify(LatLng::new(0.0, 0.0).unwrap(), at(0), SPEED_MAX_KMH);
        assert_eq!(classify(&mut path, 3, &[0.0, 30.0]), [FixKind::Jump, FixKind::Moved]);
    }

    #[test]
    fn a_gap_without_positions_is_driven_at_a_plausible_speed() {
        let mut path = PathFilter::starting_at(north(0.0), at(0));
        assert_eq!(
            path.classify(north(18_000.0), at(600), SPEED_MAX_KMH),
            FixKind::Plausible,
            "a tunnel or a ferry"
        );
        assert_eq!(path.classify(north(18_000.0), at(600), SPEED_MAX_KMH), FixKind::Older);
        assert_eq!(path.classify(north(0.0), at(599), SPEED_MAX_KMH), FixKind::Older);
    }

    #[test]
    fn jumps_to_several_places_never_become_the_path() {
        let mut path = PathFilter::starting_at(north(0.0), at(0));
        classify(&mut path, 3, &[10.0, 20.0, 30.0]);
        let wild: Vec<f64> = (0..40).map(|i| 50_000.0 + 20_000.0 * f64::from(i % 7)).collect();
        assert!(classify(&mut path, 12, &wild[..20]).iter().all(|kind| *kind == FixKind::Jump));
    }
}
