//! The speed of one direction of a street.

use std::num::NonZeroU16;

/// The lowest valid speed in km/h. A standing vehicle is no measurement of a street's speed.
pub const SPEED_MIN_KMH: f64 = 1.0;
/// The highest valid speed in km/h.
pub const SPEED_MAX_KMH: f64 = 300.0;

/// A speed of 1 to 300 km/h, stored in hundredths of km/h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speed(NonZeroU16);

/// A speed outside of the valid range, in km/h.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("speed_kmh {0} must be {SPEED_MIN_KMH} to {SPEED_MAX_KMH}")]
pub struct SpeedError(pub f64);

impl Speed {
    /// A speed in km/h, which must be 1 to 300.
    pub fn new(kmh: f64) -> Result<Self, SpeedError> {
        // `contains` is false for NaN.
        let is_right = (SPEED_MIN_KMH..=SPEED_MAX_KMH).contains(&kmh);
        is_right.then(|| Self::clamped(kmh)).ok_or(SpeedError(kmh))
    }

    /// The nearest valid speed; the lowest one for NaN.
    pub fn clamped(kmh: f64) -> Self {
        let kmh = if kmh.is_nan() { SPEED_MIN_KMH } else { kmh.clamp(SPEED_MIN_KMH, SPEED_MAX_KMH) };
        // 300 km/h is 30,000 hundredths, which fits 16 bits.
        Self(NonZeroU16::new((kmh * 100.0).round() as u16).expect("the lowest speed is not 0"))
    }

    /// The speed in km/h.
    pub fn kmh(self) -> f64 {
        f64::from(self.0.get()) / 100.0
    }

    /// The travel time in milliseconds over a length in centimeters, at least 1.
    pub fn time_ms(self, length_cm: u32) -> u32 {
        // 1 cm takes 36 ms at 1 km/h, and 3,600 ms at a hundredth of it.
        let ms = u64::from(length_cm) * 3_600 / u64::from(self.0.get());
        u32::try_from(ms).unwrap_or(u32::MAX).max(1)
    }

    /// The speed at which a length in centimeters takes a time in milliseconds.
    pub fn of_time(length_cm: u32, time_ms: u32) -> Self {
        Self::clamped(f64::from(length_cm) * 36.0 / f64::from(time_ms))
    }
}
