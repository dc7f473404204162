//! The city's time: it runs so many times faster than the machine's.

use std::time::Duration;

use tokio::time::Instant;

/// Says what time it is in the city. Times of the city are milliseconds since the Unix epoch, on the day of the files.
#[derive(Clone, Copy, Debug)]
pub struct CityClock {
    begins_ms: i64,
    began: Instant,
    speed_up: f64,
}

impl CityClock {
    /// It is `begins_ms` in the city when the machine's time is `began`.
    pub fn new(begins_ms: i64, began: Instant, speed_up: f64) -> Self {
        Self { begins_ms, began, speed_up }
    }

    /// The city's time now.
    pub fn now_ms(&self) -> i64 {
        self.begins_ms + (self.elapsed_s() * 1_000.0 * self.speed_up) as i64
    }

    /// When it will be this in the city.
    pub fn instant_of(&self, city_ms: i64) -> Instant {
        let ahead_ms = city_ms.saturating_sub(self.begins_ms).max(0) as f64 / self.speed_up;
        // A century is as good as never, and no overflow.
        self.began + Duration::from_secs_f64((ahead_ms / 1_000.0).min(3e9))
    }

    /// Real seconds since it began.
    pub fn elapsed_s(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_city_runs_faster() {
        let began = Instant::now().checked_sub(Duration::from_secs(2)).expect("the machine is up for longer");
        let clock = CityClock::new(1_000, began, 30.0);
        assert!(clock.now_ms() >= 61_000, "{}", clock.now_ms());
        assert_eq!(clock.instant_of(61_000), began + Duration::from_secs(2));
        assert_eq!(clock.instant_of(0), began, "nothing was before it began");
    }
}
