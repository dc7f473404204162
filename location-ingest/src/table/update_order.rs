//! The order of a driver's updates: which one is newer, and which number is too far ahead to be taken.
//!
//! A greater sequence wins, so one wrong number could bar all later updates. Three rules prevent that: a sequence grows by a
//! bounded step, an order ends when its driver was silent for long, and a time ahead of the clock bars nothing.

use kerb_types::{Millis, Timestamp, UpdateVersion};

use super::entry::DriverState;

/// A sequence is at most this much above the driver's last one. An app that numbers by milliseconds takes 49 days for it,
/// and a node forgets a silent driver earlier. A number that is wrong in one of its upper bits is above it.
pub const SEQUENCE_STEP_MAX: u64 = 1 << 32;
/// The first sequence of an order is at most this: microseconds since the epoch are below it until the year 2255, and every
/// number up to it is exact as a floating-point number of 64 bits.
pub const SEQUENCE_START_MAX: u64 = 1 << 53;

/// How an update relates to the driver's last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpdateOrder {
    /// The update is newer. It gets this version.
    Newer(UpdateVersion),
    /// The table has the same or a newer update.
    Late,
    /// The sequence is more than a step above the last one.
    Ahead {
        /// The greatest sequence that the update may have.
        sequence_max: u64,
    },
}

/// What is known of the driver's last update.
#[derive(Clone, Copy, Debug)]
pub(super) enum LastUpdate {
    /// This node has had none. The driver's last sequence at another node, or 0.
    OtherNode(u64),
    /// Its version, and whether the driver is in the index.
    Here(UpdateVersion, bool),
}

impl LastUpdate {
    #[inline]
    pub(super) fn new(state: Option<&DriverState>, last_sequence: u64) -> Self {
        match state {
            Some(state) => Self::Here(state.update_version, state.indexed),
            None => Self::OtherNode(last_sequence),
        }
    }
}

/// Orders an update that was reported with this version; time 0 stands for the time of receipt, `now`.
///
/// `ends_after` is the time after its last update at which the order of a driver in no index ends.
#[inline]
pub(super) fn order_of(
    last: LastUpdate,
    reported: UpdateVersion,
    now: Timestamp,
    ends_after: Millis,
) -> UpdateOrder {
    let is_receipt = reported.time == Timestamp::default();
    let version = UpdateVersion { time: if is_receipt { now } else { reported.time }, ..reported };
    let (newest, indexed) = match last {
        LastUpdate::OtherNode(last_sequence) => return first_of_order(version, last_sequence),
        LastUpdate::Here(newest, indexed) => (newest, indexed),
    };
    if version > newest && version.sequence - newest.sequence <= SEQUENCE_STEP_MAX {
        return UpdateOrder::Newer(version);
    }
    // The index has removed the driver, and by then it takes older versions again.
    if !indexed && (now - newest.time > ends_after || newest.time.is_ahead_of(now)) {
        return first_of_order(version, newest.sequence);
    }
    if version.sequence > newest.sequence {
        return UpdateOrder::Ahead { sequence_max: newest.sequence.saturating_add(SEQUENCE_STEP_MAX) };
    }
    if version.sequence == newest.sequence {
        // The clock was set back since.
        if newest.time.is_ahead_of(now) {
            return UpdateOrder::Newer(version);
        }
        // A receipt is later than every receipt before it, also within a millisecond or after a small step of the clock. With
        // a number it is a repetition.
        if is_receipt && version.sequence == 0 {
            return UpdateOrder::Newer(UpdateVersion { time: newest.time + Millis::new(1), ..version });
        }
    }
    UpdateOrder::Late
}

/// The first update of an order may also continue the one before, which another node may have.
fn first_of_order(version: UpdateVersion, last_sequence: u64) -> UpdateOrder {
    let sequence_max = last_sequence.saturating_add(SEQUENCE_STEP_MAX).max(SEQUENCE_START_MAX);
    if version.sequence > sequence_max {
        UpdateOrder::Ahead { sequence_max }
    } else {
        UpdateOrder::Newer(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const ENDS_AFTER: Millis = Millis::new(130_000);
    const FIRST: LastUpdate = LastUpdate::OtherNode(0);

    fn version(sequence: u64, time: Timestamp) -> UpdateVersion {
        UpdateVersion { sequence, time }
    }

    fn order(last: LastUpdate, reported: UpdateVersion) -> UpdateOrder {
        order_of(last, reported, NOW, ENDS_AFTER)
    }

    #[test]
    fn a_sequence_takes_bounded_steps() {
        let last = LastUpdate::Here(version(7, NOW), true);
        let ahead = UpdateOrder::Ahead { sequence_max: 7 + SEQUENCE_STEP_MAX };
        for sequence in [8, 7 + SEQUENCE_STEP_MAX] {
            let reported = version(sequence, NOW);
            assert_eq!(order(last, reported), UpdateOrder::Newer(reported));
        }
        for sequence in [8 + SEQUENCE_STEP_MAX, u64::MAX] {
            assert_eq!(order(last, version(sequence, NOW)), ahead);
        }
    }

    #[test]
    fn an_order_starts_anywhere_below_a_bound_and_continues_at_another_node() {
        let ahead = UpdateOrder::Ahead { sequence_max: SEQUENCE_START_MAX };
        assert_eq!(order(FIRST, version(u64::MAX, NOW)), ahead);
        let start = version(SEQUENCE_START_MAX, NOW);
        assert_eq!(order(FIRST, start), UpdateOrder::Newer(start));
        let next = version(SEQUENCE_START_MAX + 1, NOW);
        assert_eq!(order(FIRST, next), ahead);
        assert_eq!(order(LastUpdate::OtherNode(SEQUENCE_START_MAX), next), UpdateOrder::Newer(next));
    }

    #[test]
    fn an_order_ends_with_a_long_silence() {
        let reported = version(1, NOW);
        let last =
            |silent_ms, indexed| LastUpdate::Here(version(1 << 52, NOW - Millis::new(silent_ms)), indexed);
        assert_eq!(order(last(130_001, false), reported), UpdateOrder::Newer(reported));
        assert_eq!(order(last(130_000, false), reported), UpdateOrder::Late);
        assert_eq!(order(last(130_001, true), reported), UpdateOrder::Late);
        let ahead = UpdateOrder::Ahead { sequence_max: SEQUENCE_START_MAX };
        assert_eq!(order(last(130_001, false), version(u64::MAX, NOW)), ahead);
    }

    #[test]
    fn no_time_of_the_server_bars_a_later_receipt() {
        let receipt = version(0, Timestamp::default());
        let here = |sequence, time| LastUpdate::Here(version(sequence, time), true);
        for ahead_ms in [0, 1, 9_999] {
            let last = NOW + Millis::new(ahead_ms);
            let right = version(0, last + Millis::new(1));
            assert_eq!(order(here(0, last), receipt), UpdateOrder::Newer(right));
        }
        let hour = NOW + Millis::new(3_600_000);
        assert_eq!(order(here(0, hour), receipt), UpdateOrder::Newer(version(0, NOW)));
        let measured = version(0, NOW - Millis::new(5));
        assert_eq!(order(here(0, hour), measured), UpdateOrder::Newer(measured));
        assert_eq!(order(here(0, NOW), measured), UpdateOrder::Late);
        assert_eq!(order(here(1, hour), receipt), UpdateOrder::Late, "of a numbered driver");
    }
}
