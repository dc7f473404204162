//! Notices to a gateway: the updates of some of its drivers have no effect, and why.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use kerb_proto::convert::Report;
use kerb_proto::v1::{Notice, notice::Reason};
use kerb_types::{Millis, Timestamp};

use super::notices::Notices;
use crate::table::entry::DriverState;

/// Maximum notices of one stream.
pub(super) const NOTICES_MAX: usize = 100;
/// Maximum handles whose late updates are counted at one time: 1 MiB.
const WATCHED_MAX: usize = 16_384;

/// What leads to the notices of one gateway's stream. It stays empty, and so costs nothing, while all updates take effect.
#[derive(Default)]
pub(super) struct FleetNotices {
    /// The handles whose latest update was late.
    late: HashMap<u32, Notices, RandomState>,
    /// The handles with a notice, and its reason.
    sent: Vec<(u32, Reason)>,
}

impl FleetNotices {
    /// Whether [`FleetNotices::applied`] must see the applied update of a handle.
    #[inline]
    pub(super) fn watches(&self, handle: u32, old: bool) -> bool {
        (!self.late.is_empty() && self.late.contains_key(&handle)) || (old && self.sent.len() < NOTICES_MAX)
    }

    /// Counts an applied update. Returns a notice if its position is older than `old_after`.
    #[cold]
    pub(super) fn applied(
        &mut self,
        handle: u32,
        report: &Report,
        now: Timestamp,
        old_after: Millis,
    ) -> Option<Notice> {
        self.late.remove(&handle);
        if self.has_sent(handle, Reason::PositionOld) {
            return None;
        }
        let notice = Notices::default().applied(report.update_version.sequence, report, now, old_after)?;
        self.send(handle, Reason::PositionOld, notice)
    }

    /// Counts a late update. Returns a notice if the handle has had only late ones for a while.
    #[cold]
    pub(super) fn late(
        &mut self,
        handle: u32,
        report: &Report,
        newest: &DriverState,
        now: Timestamp,
    ) -> Option<Notice> {
        let is_full = self.late.len() >= WATCHED_MAX && !self.late.contains_key(&handle);
        if is_full || self.has_sent(handle, Reason::NotNewer) {
            return None;
        }
        let notices = self.late.entry(handle).or_default();
        let notice = notices.late(report.update_version.sequence, report, newest, 0, now)?;
        self.late.remove(&handle);
        self.send(handle, Reason::NotNewer, notice)
    }

    /// Forgets a handle that is bound to another driver.
    pub(super) fn rebind(&mut self, handle: u32) {
        self.late.remove(&handle);
        self.sent.retain(|(sent, _)| *sent != handle);
    }

    fn has_sent(&self, handle: u32, reason: Reason) -> bool {
        self.sent.contains(&(handle, reason))
    }

    fn send(&mut self, handle: u32, reason: Reason, notice: Notice) -> Option<Notice> {
        if self.sent.len() >= NOTICES_MAX {
            return None;
        }
        self.sent.push((handle, reason));
        Some(notice)
    }
}
