//! The slowness of a city: factors on free-flow travel times by hour, fitted to real trips.

use serde::Serialize;

/// Hours of a day.
pub(super) const HOURS: usize = 24;
/// An hour with fewer trips gets the factor of the whole day.
const SAMPLES_MIN: usize = 30;
/// Minimum free-flow travel time of a sample, milliseconds. Snapping errors dominate shorter trips.
const FREE_MIN_MS: f64 = 60_000.0;

/// A trip with its real duration and its free-flow travel time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Local hour of the pickup, 0 to 23.
    pub hour: usize,
    /// Real duration, seconds.
    pub real_s: f64,
    /// Free-flow travel time, milliseconds.
    pub free_ms: f64,
}

/// Factors on free-flow travel times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slowness {
    /// Factor of each local hour.
    pub by_hour: [f64; HOURS],
    /// Number of trips behind the factors; 0 if they were given.
    pub samples: usize,
}

impl Slowness {
    /// Creates a constant factor.
    pub fn uniform(factor: f64) -> Self {
        Self { by_hour: [factor; HOURS], samples: 0 }
    }

    /// Fits the factors: the median ratio of real duration to free-flow travel time, by hour. An hour with few trips gets the
    /// median of the day. `None` without trips.
    pub fn fit(samples: impl Iterator<Item = Sample>) -> Option<Self> {
        let mut hours = vec![Vec::new(); HOURS];
        for sample in samples.filter(|sample| sample.free_ms >= FREE_MIN_MS) {
            hours[sample.hour].push(sample.real_s * 1_000.0 / sample.free_ms);
        }
        let mut all: Vec<f64> = hours.iter().flatten().copied().collect();
        let day = median(&mut all)?;
        let mut by_hour = [day; HOURS];
        for (factor, ratios) in by_hour.iter_mut().zip(&mut hours) {
            if ratios.len() >= SAMPLES_MIN {
                *factor = median(ratios)?;
            }
        }
        Some(Self { by_hour, samples: all.len() })
    }

    /// Returns the travel time in this hour, milliseconds.
    pub fn drive_ms(&self, hour: usize, free_ms: f64) -> f64 {
        free_ms * self.by_hour[hour]
    }
}

/// Sorts the values and returns the median, or the lower of the two middle ones.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    (!values.is_empty()).then(|| values[(values.len() - 1) / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_with_few_trips_has_the_factor_of_the_day() {
        let sample = |hour, ratio: f64| Sample { hour, real_s: 100.0 * ratio, free_ms: 100_000.0 };
        let rush = (0..40).map(|_| sample(17, 3.0));
        let night = (0..5).map(|_| sample(4, 1.0));
        let short = Sample { hour: 17, real_s: 900.0, free_ms: 1_000.0 };
        let slowness = Slowness::fit(rush.chain(night).chain([short])).unwrap();
        assert_eq!((slowness.by_hour[17], slowness.by_hour[4], slowness.samples), (3.0, 3.0, 45));
        assert!((slowness.drive_ms(17, 1_000.0) - 3_000.0).abs() < 1e-9);
        assert_eq!(Slowness::fit(std::iter::empty()), None);
    }
}
