//! The maximum travel time to a pickup, which rises while the request waits.
//!
//! A driver who is sent far at once is missing where it was, so drivers become fewer and pickups longer still: the "wild
//! goose chase" of Castillo, Knoepfle, Weyl, "Surge Pricing Solves the Wild Goose Chase" (EC 2017). A small fixed limit
//! avoids it, but never serves a request whose drivers are all far. So a new request only takes a near driver, and a driver
//! farther away once the request has waited in proportion.

use kerb_types::Millis;

use crate::options::Options;

/// The maximum travel time to a pickup, by the time that the request has waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PickupLimit {
    /// The limit of a new request, in seconds.
    pub start_s: u32,
    /// The limit at the end of the rise, in seconds.
    pub max_s: u32,
    /// Duration of the rise. The rise ends earlier if the request's maximum wait is shorter.
    pub rise_ms: Millis,
}

impl PickupLimit {
    /// Derives the limit from `options`.
    pub fn new(options: &Options) -> Self {
        let max_s = options.pickup_max_s;
        let rise_ms = Millis::from_secs(i64::from(options.pickup_rise_s));
        Self { start_s: options.pickup_start_s.min(max_s), max_s, rise_ms }
    }

    /// Returns the limit in seconds of a request that has waited `waited_ms` of at most `wait_max_ms`.
    pub fn after(self, waited_ms: Millis, wait_max_ms: Millis) -> u32 {
        let (waited, rise) = (waited_ms.get().max(0), self.rise_of(wait_max_ms).get());
        if waited >= rise {
            return self.max_s;
        }
        // Below the limit's span of 32 bits, because `waited` is less than `rise`.
        let risen_s = i128::from(self.max_s - self.start_s) * i128::from(waited) / i128::from(rise);
        self.start_s + risen_s as u32
    }

    /// Whether a request has waited so long that it is overdue: half of the rise.
    pub fn is_overdue(self, waited_ms: Millis, wait_max_ms: Millis) -> bool {
        waited_ms.get() >= self.rise_of(wait_max_ms).get() / 2
    }

    fn rise_of(self, wait_max_ms: Millis) -> Millis {
        self.rise_ms.min(wait_max_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: PickupLimit = PickupLimit { start_s: 300, max_s: 1_200, rise_ms: Millis::from_secs(300) };

    #[test]
    fn limit_rises_linearly_and_ends_at_the_maximum() {
        let hour = Millis::from_secs(3_600);
        for (waited_s, limit_s) in
            [(0, 300), (1, 303), (100, 600), (299, 1_197), (300, 1_200), (3_600, 1_200)]
        {
            assert_eq!(LIMIT.after(Millis::from_secs(waited_s), hour), limit_s, "after {waited_s} s");
        }
        assert_eq!(LIMIT.after(Millis::new(i64::MAX), hour), 1_200);
        assert_eq!(LIMIT.after(Millis::new(-1), hour), 300, "a clock that was set back");
    }

    #[test]
    fn limit_rises_faster_for_a_request_with_a_short_wait() {
        let minute = Millis::from_secs(60);
        assert_eq!(LIMIT.after(Millis::from_secs(30), minute), 750);
        assert_eq!(LIMIT.after(minute, minute), 1_200);
        assert!(LIMIT.is_overdue(Millis::from_secs(30), minute));
        assert!(!LIMIT.is_overdue(Millis::from_secs(29), minute));
    }

    #[test]
    fn limit_without_a_rise_is_the_maximum() {
        let at_once = PickupLimit { rise_ms: Millis::ZERO, ..LIMIT };
        assert_eq!(at_once.after(Millis::ZERO, Millis::from_secs(60)), 1_200);
        let options = Options { pickup_max_s: 200, ..Options::default() };
        assert_eq!(PickupLimit::new(&options).after(Millis::ZERO, Millis::from_secs(60)), 200);
    }
}
