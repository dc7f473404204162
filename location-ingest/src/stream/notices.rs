//! Notices to the app of one stream: its updates have no effect, and why. Each reason comes once in a stream.

use kerb_proto::convert::Report;
use kerb_proto::v1::{Notice, notice::Reason};
use kerb_types::{FieldError, Millis, Timestamp};

use super::validate;
use crate::table::entry::DriverState;

/// Late updates in a row after which an app gets a notice. An app that sends a few updates again after a reconnect gets none.
const LATE_UPDATES_MIN: u32 = 3;
/// The same for updates that are not measured after the newest one: only an app whose updates are late for this long gets a
/// notice.
const LATE_MIN_MS: Millis = Millis::new(5_000);

/// The notices that a stream has sent, and what leads to the next one.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    /// Number of late updates in a row.
    late: u32,
    /// When the first of them came.
    late_since: Timestamp,
    sent_late: bool,
    sent_old: bool,
}

impl Notices {
    /// Counts an applied update. Returns a notice if its position is older than `old_after`.
    pub(crate) fn applied(
        &mut self,
        sequence: u64,
        report: &Report,
        now: Timestamp,
        old_after: Millis,
    ) -> Option<Notice> {
        self.late = 0;
        if self.sent_old || !is_old(report, now, old_after) {
            return None;
        }
        self.sent_old = true;
        let time_ms = report.update_version.time;
        let age_ms = now - time_ms;
        let text = format!(
            "{time_ms} is {age_ms} ms before the server's clock ({now}), must be at most {old_after} ms before: searches \
             ignore older positions by default"
        );
        Some(notice(Reason::PositionOld, sequence, FieldError::new("position.time_ms", text)))
    }

    /// Counts a late update, of this sequence on the wire. Returns a notice if the app has sent only late ones for a while.
    /// `base` is the stream's offset of sequences.
    pub(crate) fn late(
        &mut self,
        sequence: u64,
        report: &Report,
        newest: &DriverState,
        base: u64,
        now: Timestamp,
    ) -> Option<Notice> {
        if self.late == 0 {
            self.late_since = now;
        }
        self.late += 1;
        let (reported, newest) = (report.update_version, newest.update_version);
        let is_measured_later = reported.time == Timestamp::default() || reported.time > newest.time;
        let is_long = is_measured_later || now - self.late_since >= LATE_MIN_MS;
        if self.sent_late || self.late < LATE_UPDATES_MIN || !is_long {
            return None;
        }
        self.sent_late = true;
        let error = if reported.sequence == newest.sequence {
            let text = format!(
                "{}, must be after {}, the time of the newest update with this sequence",
                reported.time, newest.time
            );
            FieldError::new("position.time_ms", text)
        } else {
            let last = newest.sequence.saturating_sub(base);
            let text = format!(
                "{sequence}, must be above {last}: continue above it, or register with restart_sequence to start anew"
            );
            FieldError::new("position.sequence", text)
        };
        Some(notice(Reason::NotNewer, sequence, error))
    }
}

/// Whether a position is too old for searches without an age of their own. A time of 0 is the time of receipt.
pub(crate) fn is_old(report: &Report, now: Timestamp, old_after: Millis) -> bool {
    let time = report.update_version.time;
    time != Timestamp::default() && now - time > old_after
}

fn notice(reason: Reason, sequence: u64, error: FieldError) -> Notice {
    Notice { reason: reason.into(), sequence, error: validate::to_wire(vec![error]).pop() }
}
