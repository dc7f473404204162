//! The meter of a driver's time: exactly one activity at each moment. It only counts the measured time of the run.

use std::ops::Range;

use crate::metrics::record::Activity;

const ACTIVITIES: usize = Activity::ALL.len();

/// Time and distance of a driver in each activity, up to the last update.
#[derive(Clone, Debug)]
pub(crate) struct ActivityMeter {
    activity: Activity,
    updated_ms: i64,
    measured_ms: Range<i64>,
    /// Milliseconds in each activity of [`Activity::ALL`].
    pub(crate) ms: [i64; ACTIVITIES],
    /// Meters driven in each activity.
    pub(crate) meters: [f64; ACTIVITIES],
}

impl ActivityMeter {
    /// Starts the meter with a driver who is off shift.
    pub(crate) fn new(from_ms: i64, measured_ms: Range<i64>) -> Self {
        Self {
            measured_ms,
            activity: Activity::OffShift,
            updated_ms: from_ms,
            ms: [0; ACTIVITIES],
            meters: [0.0; ACTIVITIES],
        }
    }

    /// Adds the time since the last update, and the meters driven in it, to the present activity.
    pub(crate) fn update(&mut self, now_ms: i64, meters: f64) {
        let index = self.activity as usize;
        let (passed_ms, measured_ms) = (now_ms - self.updated_ms, self.measured_since_update(now_ms));
        self.ms[index] += measured_ms;
        if measured_ms == passed_ms {
            self.meters[index] += meters;
        } else {
            // Only a part of the time is measured: the driver counts as having driven evenly.
            self.meters[index] += meters * measured_ms as f64 / passed_ms as f64;
        }
        self.updated_ms = now_ms;
    }

    /// Whether this moment is in the measured time.
    pub(crate) fn is_measured(&self, now_ms: i64) -> bool {
        self.measured_ms.contains(&now_ms)
    }

    fn measured_since_update(&self, now_ms: i64) -> i64 {
        let begins_ms = self.updated_ms.max(self.measured_ms.start);
        (now_ms.min(self.measured_ms.end) - begins_ms).max(0)
    }

    /// Changes the activity, and the fleet's counts with it. The meter must be up to date.
    pub(crate) fn switch_to(&mut self, activity: Activity, drivers_by_activity: &mut [u32; ACTIVITIES]) {
        drivers_by_activity[self.activity as usize] -= 1;
        drivers_by_activity[activity as usize] += 1;
        self.activity = activity;
    }
}
