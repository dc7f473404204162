//! The city's clock. It runs faster than the machine's by a constant factor.

use std::time::Duration;

use tokio::time::Instant;

/// Converts between the machine's time and the city's. The city's times are milliseconds since the Unix epoch, on the
/// day of the scenario.
#[derive(Clone, Copy, Debug)]
pub struct CityClock {
    begins_ms: i64,
    began: Instant,
    speed_up: f64,
}

impl CityClock {
    /// Creates a clock that shows `begins_ms` at the instant `began`.
    pub fn new(begins_ms: i64, began: Instant, speed_up: f64) -> Self {
        Self { begins_ms, began, speed_up }
    }

    /// Returns the present time of the city.
    pub fn now_ms(&self) -> i64 {
        self.begins_ms + (self.elapsed_s() * 1_000.0 * self.speed_up) as i64
    }

    /// Returns the instant at which the clock shows `city_ms`.
    pub fn instant_of(&self, city_ms: i64) -> Instant {
        let ahead_ms = city_ms.saturating_sub(self.begins_ms).max(0) as f64 / self.speed_up;
        // A century stands for never; it keeps the duration from an overflow.
        self.began + Duration::from_secs_f64((ahead_ms / 1_000.0).min(3e9))
    }

    /// Returns the real seconds since the clock began.
    pub fn elapsed_s(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_city_runs_faster_by_the_speed_up() {
        let began = Instant::now().checked_sub(Duration::from_secs(2)).expect("the machine is up for longer");
        let clock = CityClock::new(1_000, began, 30.0);
        assert!(clock.now_ms() >= 61_000, "{}", clock.now_ms());
        assert_eq!(clock.instant_of(61_000), began + Duration::from_secs(2));
        assert_eq!(clock.instant_of(0), began, "no instant is before the beginning");
    }
}
