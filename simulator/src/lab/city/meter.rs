//! What a driver does with its time: exactly one activity at each moment.

use crate::lab::record::Activity;

/// A driver's time and meters, booked up to a moment.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    activity: Activity,
    booked_ms: i64,
    pub(super) ms: [i64; 7],
    pub(super) meters: [f64; 7],
}

impl Meter {
    /// Off shift from this moment.
    pub(super) fn new(from_ms: i64) -> Self {
        Self { activity: Activity::OffShift, booked_ms: from_ms, ms: [0; 7], meters: [0.0; 7] }
    }

    /// Books the time since the last booking, and what was driven meanwhile, on the activity.
    pub(super) fn book(&mut self, now_ms: i64, meters: f64) {
        let index = self.activity as usize;
        self.ms[index] += now_ms - self.booked_ms;
        self.meters[index] += meters;
        self.booked_ms = now_ms;
    }

    /// Another activity from now on; all before was booked. The fleet's counts follow.
    pub(super) fn turn_to(&mut self, activity: Activity, doing: &mut [u32; 7]) {
        doing[self.activity as usize] -= 1;
        doing[activity as usize] += 1;
        self.activity = activity;
    }
}
