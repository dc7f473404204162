//! The hour of the week in local time.

use kerb_types::Timestamp;

/// The number of hours in a week.
pub const HOURS: usize = 168;

const HOUR_MS: i64 = 3_600_000;
/// The hour of the week at the Unix epoch: it was a Thursday, and weeks start on Monday.
const EPOCH_HOUR: i64 = 72;

/// The offset of local time from UTC in minutes: -840 to 840, positive to the east.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UtcOffset(i16);

impl UtcOffset {
    /// An offset in minutes; `None` when it is outside of -840 to 840.
    pub fn new(minutes: i16) -> Option<Self> {
        (-840..=840).contains(&minutes).then_some(Self(minutes))
    }

    /// The offset in seconds.
    pub(crate) fn s(self) -> i64 {
        i64::from(self.0) * 60
    }

    fn ms(self) -> i64 {
        self.s() * 1_000
    }
}

/// An hour of the week: 0 is Monday from 0:00 to 1:00, 167 is Sunday from 23:00 to 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HourOfWeek(u8);

impl HourOfWeek {
    /// The hour of the week at an instant in milliseconds since the Unix epoch.
    pub fn at(now: Timestamp, offset: UtcOffset) -> Self {
        let hour = (now.as_millis() + offset.ms()).div_euclid(HOUR_MS) + EPOCH_HOUR;
        // The remainder is 0 to 167, so the cast keeps it.
        Self(hour.rem_euclid(HOURS as i64) as u8)
    }

    /// The hour with this number; `None` when it is above 167.
    pub fn new(number: u8) -> Option<Self> {
        (usize::from(number) < HOURS).then_some(Self(number))
    }

    /// All hours in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..HOURS as u8).map(Self)
    }

    /// The number of the hour, 0 to 167.
    pub fn number(self) -> usize {
        usize::from(self.0)
    }

    /// The hour of the day, 0 to 23.
    pub fn of_day(self) -> usize {
        self.number() % 24
    }

    /// Whether the hour is on a Saturday or a Sunday.
    pub fn is_weekend(self) -> bool {
        self.number() >= 5 * 24
    }

    /// The start of the next hour in milliseconds since the Unix epoch.
    pub fn next_ms(now: Timestamp, offset: UtcOffset) -> Timestamp {
        let hours = (now.as_millis() + offset.ms()).div_euclid(HOUR_MS) + 1;
        Timestamp::from_millis(hours * HOUR_MS - offset.ms())
    }
}

#[cfg(test)]
mod tests {
    use kerb_types::Millis;

    use super::*;

    #[test]
    fn weeks_start_on_monday_at_local_midnight() {
        let pacific = UtcOffset::new(-420).expect("seven hours behind");
        // Thursday 22 May 2008, 17:00 in San Francisco.
        let at_ms = Timestamp::from_millis(1_211_500_800_000);
        let (ms, hour) = (Millis::new(1), Millis::new(HOUR_MS));
        assert_eq!(HourOfWeek::at(at_ms, pacific).number(), 3 * 24 + 17);
        assert_eq!(HourOfWeek::at(at_ms - ms, pacific).number(), 3 * 24 + 16);
        assert_eq!(HourOfWeek::next_ms(at_ms, pacific), at_ms + hour);
        assert_eq!(HourOfWeek::next_ms(at_ms - ms, pacific), at_ms);
        let half = UtcOffset::new(330).expect("five and a half ahead");
        assert_eq!(HourOfWeek::next_ms(Timestamp::default(), half), Timestamp::from_millis(HOUR_MS / 2));
        assert_eq!(HourOfWeek::at(Timestamp::from_millis(-1), UtcOffset::default()).number(), 2 * 24 + 23);
        assert_eq!(UtcOffset::new(841), None);
    }
}
