//! A speed that a street may have.

use std::num::NonZeroU16;

/// The slowest that is told, km/h. Who stands still tells nothing of the street.
pub const SPEED_MIN_KMH: f64 = 1.0;
/// The fastest that is told, km/h.
pub const SPEED_MAX_KMH: f64 = 300.0;

/// Km/h of one direction of a segment, kept in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speed(NonZeroU16);

/// No speed of a street.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("speed_kmh {0} must be {SPEED_MIN_KMH} to {SPEED_MAX_KMH}")]
pub struct SpeedError(pub f64);

impl Speed {
    /// Of km/h: 1 to 300.
    pub fn new(kmh: f64) -> Result<Self, SpeedError> {
        // A range holds no NaN.
        let is_right = (SPEED_MIN_KMH..=SPEED_MAX_KMH).contains(&kmh);
        is_right.then(|| Self::within(kmh)).ok_or(SpeedError(kmh))
    }

    /// The nearest speed that there is; of what is no number, the slowest.
    pub fn within(kmh: f64) -> Self {
        let kmh = if kmh.is_nan() { SPEED_MIN_KMH } else { kmh.clamp(SPEED_MIN_KMH, SPEED_MAX_KMH) };
        Self(NonZeroU16::new((kmh * 100.0).round() as u16).expect("the slowest is not 0"))
    }

    /// Km/h.
    pub fn kmh(self) -> f64 {
        f64::from(self.0.get()) / 100.0
    }

    /// The time that a length in centimeters takes, in milliseconds, at least 1.
    pub fn time_ms(self, length_cm: u32) -> u32 {
        // 1 cm at 1 km/h is 36 ms.
        let ms = u64::from(length_cm) * 3_600 / u64::from(self.0.get());
        u32::try_from(ms).unwrap_or(u32::MAX).max(1)
    }

    /// The speed at which a length in centimeters takes this time.
    pub fn of_time(length_cm: u32, time_ms: u32) -> Self {
        Self::within(f64::from(length_cm) * 36.0 / f64::from(time_ms))
    }
}
