//! Removes implausible positions of the drivers that a market tracks, so that meters, travel times and watchers see the
//! same path.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use kerb_ports::DriverLocation;
use kerb_types::{DriverId, FixKind, PathFilter};

/// The paths of the tracked drivers.
pub(crate) struct PlausiblePositions {
    paths: HashMap<DriverId, PathFilter, RandomState>,
    speed_max_kmh: u32,
}

impl PlausiblePositions {
    /// Without a driver. No vehicle is faster than `speed_max_kmh`.
    pub(crate) fn new(speed_max_kmh: u32) -> Self {
        Self { paths: HashMap::default(), speed_max_kmh }
    }

    /// Removes the positions where a driver cannot be. Drivers who are not tracked any more are forgotten.
    pub(crate) fn retain_plausible(
        &mut self,
        drivers: &[DriverId],
        locations: &mut [Option<DriverLocation>],
    ) {
        let mut paths = HashMap::with_capacity_and_hasher(drivers.len(), RandomState::default());
        for (driver, location) in drivers.iter().zip(locations) {
            let mut path = self.paths.remove(driver).unwrap_or_default();
            if let Some(location) = location {
                location.position = location.position.filter(|(position, measured_ms)| {
                    // A driver who has not reported again has the last position still.
                    path.last() == Some((*position, *measured_ms))
                        || matches!(
                            path.classify(*position, *measured_ms, self.speed_max_kmh),
                            FixKind::Plausible | FixKind::Moved
                        )
                });
            }
            paths.insert(driver.clone(), path);
        }
        self.paths = paths;
    }
}

#[cfg(test)]
mod tests {
    use kerb_geometry::LatLng;
    use kerb_types::Timestamp;

    use super::*;

    #[test]
    fn a_position_far_from_the_path_is_no_position() {
        let driver = [DriverId::new("cab-7").unwrap()];
        let mut positions = PlausiblePositions::new(250);
        let mut at = |lat: f64, s: i64| {
            let position = (LatLng::new(lat, 13.4).unwrap(), Timestamp::from_millis(1_000 * s));
            let mut locations = [Some(DriverLocation { connected: true, position: Some(position) })];
            positions.retain_plausible(&driver, &mut locations);
            locations[0].unwrap().position.is_some()
        };
        assert!(at(52.5, 0) && at(52.500_1, 3) && at(52.500_1, 3));
        assert!(!at(0.0, 6) && at(52.500_2, 9));
    }
}
